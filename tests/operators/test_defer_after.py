"""A model that answers in seconds: its task is waited for in the worker first, which may spare the deferral."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError, WiroTaskFailed, WiroTaskTimeout
from doubles import FakeTaskInstance, Lines, context_of
from operators import defer, generic, runway
from taskids import FIRST

pytestmark = pytest.mark.usefixtures("journal_folder")


def test_a_task_that_is_over_by_then_spares_the_deferral(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    result = runway(deferrable=True, defer_after=30).execute(context_of(ti))
    assert result["taskid"] == ti.xcoms["taskid"] == FIRST
    assert ti.xcoms["output_urls"] == [wiro_emulator.runs[0].outputs[0]["url"]]


def test_one_that_fails_by_then_fails_in_the_worker(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="out of memory")
    with pytest.raises(WiroTaskFailed, match="out of memory"):
        runway(deferrable=True, defer_after=30).execute(context_of(FakeTaskInstance()))


@pytest.mark.parametrize("trouble", [{}, {"call": "Detail", "fault": "5xx", "times": -1}])
def test_one_that_is_not_over_by_then_is_deferred_and_not_stopped(
    wiro_emulator: WiroEmulator, lines: Lines, trouble: dict[str, Any]
) -> None:
    wiro_emulator.outcome(hold=True)
    if trouble:
        wiro_emulator.script(**trouble)
    began = time.time()
    deferred = defer(runway(deferrable=True, defer_after=0.5, outage_tolerance=0.1), FakeTaskInstance())
    assert deferred.method_name == "execute_complete"
    assert time.time() - began >= (0.1 if trouble else 0.5)
    kwargs = deferred.trigger.serialize()[1]
    assert kwargs["deadline"] == pytest.approx(kwargs["submitted_at"] + 3600)
    assert [task.taskid for task in wiro_emulator.active] == [FIRST]
    assert wiro_emulator.count("Kill") == 0
    assert "stopping it" not in lines.text


def test_the_deadline_comes_first(wiro_emulator: WiroEmulator) -> None:
    """What would be over later than the task's own deadline is left to the trigger, which keeps to that."""
    wiro_emulator.outcome(hold=True)
    began = time.monotonic()
    defer(runway(deferrable=True, defer_after=60, timeout=50), FakeTaskInstance())
    assert time.monotonic() - began < 30


def test_by_default_a_deferrable_task_defers_at_once(wiro_emulator: WiroEmulator) -> None:
    defer(generic(deferrable=True), FakeTaskInstance())
    assert wiro_emulator.count("Detail") == 0


def test_a_task_that_is_not_deferrable_has_no_use_for_it(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True)
    with pytest.raises(WiroTaskTimeout):
        runway(defer_after=1000, timeout=1).execute(context_of(FakeTaskInstance()))


@pytest.mark.parametrize("value", [0, 0.0, 3, 1.5, timedelta(0)])
def test_seconds_from_0_on_are_taken(value: Any) -> None:
    assert generic(defer_after=value).defer_after == value


@pytest.mark.parametrize("value", [-1, "5", True, False, None, float("nan")])
def test_anything_else_is_refused_by_name(value: Any) -> None:
    with pytest.raises(WiroInputError, match=r"^defer_after is "):
        generic(defer_after=value)
