"""A sensor that comes back from the triggerer, with a verdict, or with none."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_wiro.core.verdict import Kind
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroError,
    WiroTaskError,
    WiroTaskTimeout,
)
from doubles import Lines, context_of, event
from sensing import Task, sensor, submit
from taskids import FIRST

TIMEOUT_OF_AIRFLOW = "Trigger timeout" if AIRFLOW_V_3_0_PLUS else "Trigger/execution timeout"


def test_a_trigger_that_broke_is_waited_for_in_the_worker(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    submit()
    result = sensor("deferrable").resume_execution("__fail__", {"error": "Trigger failure"}, context_of(Task()))
    assert result["taskid"] == FIRST
    assert f"taskid {FIRST}: its trigger broke" in lines.text


@pytest.mark.parametrize("soft_fail", [False, True])
def test_a_deferral_that_airflow_gives_up_on_is_the_sensors_timeout(soft_fail: bool) -> None:
    with pytest.raises(AirflowSkipException if soft_fail else WiroTaskTimeout) as caught:
        sensor("deferrable", soft_fail=soft_fail).resume_execution(
            "__fail__", {"error": TIMEOUT_OF_AIRFLOW}, context_of(Task())
        )
    assert soft_fail or isinstance(caught.value, AirflowSensorTimeout)


def resumed(told: object, *, try_number: int = 1) -> Any:
    kwargs = {"event": told, "until": time.time() + 30, "try_number": try_number}
    return sensor("deferrable").resume_execution("execute_complete", kwargs, context_of(Task()))


OTHERS: dict[str, Callable[[], object]] = {
    "of another task": lambda: event("failed", taskid="999"),
    "of a newer release": lambda: event() | {"verdict": "succeeded"},
    "none": lambda: None,
    "a result too large to travel": lambda: event(result=None),
}


@pytest.mark.parametrize("told", OTHERS.values(), ids=OTHERS)
def test_an_event_that_does_not_say_it_is_looked_for_here(
    wiro_emulator: WiroEmulator, told: Callable[[], object]
) -> None:
    wiro_emulator.outcome(duration=0.0)
    submit()
    time.sleep(0.1)
    assert resumed(told())["taskid"] == FIRST


def test_an_event_of_another_try_says_nothing(wiro_emulator: WiroEmulator) -> None:
    """Airflow 3.0 resumes a retry with the event of the first try."""
    wiro_emulator.outcome(duration=0.0)
    submit()
    time.sleep(0.1)
    assert resumed(event("gave_up"), try_number=2)["taskid"] == FIRST


@pytest.mark.parametrize("kind", ["failed", "cancelled", "not_found", "elsewhere", "stuck", "gave_up", "timeout"])
def test_each_verdict_of_the_trigger_is_an_error_of_the_same_tree(wiro_emulator: WiroEmulator, kind: Kind) -> None:
    with pytest.raises(WiroTaskError) as caught:
        resumed(event(kind))
    assert caught.value.retryable is (kind in ("stuck", "gave_up"))
    assert isinstance(caught.value, AirflowException) is (kind not in ("stuck", "gave_up"))


def test_the_deferral_of_this_release_is_among_the_samples(wiro_emulator: WiroEmulator) -> None:
    """What Airflow keeps of it outlives an upgrade."""
    samples = sorted((Path(__file__).parent.parent / "triggers" / "samples").glob("*/sensor.json"))
    assert samples
    for path in samples:
        sample = json.loads(path.read_text())
        kwargs = sample["resumes"]["kwargs"] | {"event": event("failed", taskid="2221")}
        old = sensor("deferrable", taskid="2221")
        with pytest.raises(WiroError, match="2221"):
            old.resume_execution(sample["resumes"]["method"], kwargs, context_of(Task()))
    wiro_emulator.outcome(hold=True)
    submit()
    with pytest.raises(TaskDeferred) as caught:
        sensor("deferrable").execute(context_of(Task()))
    assert caught.value.method_name == sample["resumes"]["method"]
    assert set(caught.value.kwargs or {}) == set(sample["resumes"]["kwargs"])
    assert set(caught.value.trigger.serialize()[1]) == set(sample["trigger"]["kwargs"])  # type: ignore[union-attr]
