"""Waiting for a Wiro task that was submitted elsewhere, in each mode, against the emulator."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroConfigError,
    WiroInputError,
    WiroTaskCancelled,
    WiroTaskError,
    WiroTaskFailed,
    WiroTaskFlagged,
    WiroTaskGaveUp,
    WiroTaskNotFound,
    WiroTaskStuck,
    WiroTaskTimeout,
)
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.sensors.wiro import WiroTaskSensor
from doubles import FakeTaskInstance, Lines, context_of, statuses
from sensing import MODES, SHORT, Task, in_each_mode, sense, sensor, submit
from small_airflow import Run
from taskids import FIRST
from tries import warnings_in


@in_each_mode
def test_it_returns_what_the_operator_returns(wiro_emulator: WiroEmulator, mode: str) -> None:
    ti, of_the_operator = Task(), FakeTaskInstance()
    run = {"model": "openai/gpt-5-2", "inputs": {"prompt": "a kite"}, "poll_interval": 0.05}
    result = WiroRunOperator(task_id="text", **run).execute(context_of(of_the_operator))  # type: ignore[arg-type]
    waited = sense(mode, ti, taskid=result["taskid"])
    assert waited == result
    assert waited["text"]
    expected = {key: value for key, value in of_the_operator.xcoms.items() if key != "wiro_generation"}
    assert ti.xcoms == expected
    assert set(expected) == {"taskid", "output_urls", "text"}
    assert wiro_emulator.count("Run") == 1


@in_each_mode
def test_it_waits_for_a_task_that_runs(wiro_emulator: WiroEmulator, mode: str) -> None:
    taskid, ti = submit(), Task()
    assert sense(mode, ti)["outputs"][0]["url"] == ti.xcoms["output_url"]
    assert ti.xcoms["taskid"] == taskid


def test_it_defers_only_where_there_is_something_to_wait_for(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    submit()
    time.sleep(0.1)
    assert sensor("deferrable").execute(context_of(Task()))["taskid"] == FIRST


def test_it_defers_to_a_trigger_that_stops_nothing(all_held: WiroEmulator) -> None:
    submit()
    ti, began = Task(), time.time()
    with pytest.raises(TaskDeferred) as caught:
        sensor("deferrable", timeout=100, outage_tolerance=50, task_error_grace=9).execute(context_of(ti))
    kwargs = caught.value.trigger.serialize()[1]  # type: ignore[union-attr]
    assert kwargs["deadline"] == pytest.approx(began + 100, abs=5)
    assert {name: kwargs[name] for name in kwargs if name not in ("deadline", "submitted_at")} == {
        "taskid": FIRST,
        "conn_id": "wiro_default",
        "poll_interval": 0.05,
        "outage_tolerance": 50.0,
        "task_error_grace": 9.0,
        "cancel_on_kill": False,
        "base_url": all_held.url,
        "try_number": 1,
        "stop_at_timeout": False,
        "ends_with": None,
    }
    assert ti.xcoms["taskid"] == FIRST


def test_an_execution_timeout_ends_a_deferral_before_airflow_would(all_held: WiroEmulator) -> None:
    submit()
    with pytest.raises(TaskDeferred) as caught:
        sensor("deferrable", execution_timeout=timedelta(seconds=20)).execute(context_of(Task()))
    kwargs = caught.value.trigger.serialize()[1]  # type: ignore[union-attr]
    assert kwargs["deadline"] - time.time() == pytest.approx(20, abs=3)


FAILURES: list[tuple[dict[str, Any], dict[str, Any], type[WiroTaskError]]] = [
    ({"pexit": "1", "debugerror": "no GPU left"}, {}, WiroTaskFailed),
    ({"pexit": "1", "debugerror": "no GPU left", "totalcost": "0.25"}, {}, WiroTaskFailed),
    ({"pexit": "1", "debugerror": "SAFETY.INPUT.TEXT"}, {}, WiroTaskFlagged),
    ({"end": "task_cancel"}, {}, WiroTaskCancelled),
]


@in_each_mode
@pytest.mark.parametrize(("outcome", "arguments", "error"), FAILURES)
def test_a_failure_is_final_for_a_retry_would_look_at_the_same_task(
    wiro_emulator: WiroEmulator,
    mode: str,
    outcome: dict[str, Any],
    arguments: dict[str, Any],
    error: type[WiroTaskError],
) -> None:
    wiro_emulator.outcome(duration=0.3, **outcome)
    submit()
    with pytest.raises(error) as caught:
        sense(mode, **arguments)
    assert isinstance(caught.value, AirflowFailException)
    assert caught.value.taskid == FIRST
    for promise in ("retry", "its record", "clear this task"):
        assert promise not in str(caught.value)


PATIENCE: list[tuple[str, dict[str, Any], type[WiroTaskError]]] = [
    ("task_error", {"task_error_grace": 0.2}, WiroTaskStuck),
    ("outage", {"outage_tolerance": 0.2}, WiroTaskGaveUp),
]


@in_each_mode
@pytest.mark.parametrize(("end", "arguments", "error"), PATIENCE)
def test_what_may_pass_is_tried_again_and_the_task_left_alone(
    wiro_emulator: WiroEmulator, mode: str, end: str, arguments: dict[str, Any], error: type[WiroTaskError]
) -> None:
    wiro_emulator.outcome(duration=0.0, **({"end": end} if end == "task_error" else {"hold": True}))
    submit()
    time.sleep(0.1)
    if end == "outage":
        wiro_emulator.script("Detail", "5xx", times=-1)
    with pytest.raises(error, match=r"it was not stopped.\nIt runs on") as caught:
        sense(mode, **arguments)
    assert not isinstance(caught.value, AirflowException)
    assert wiro_emulator.count("Kill") == wiro_emulator.count("Cancel") == 0


@in_each_mode
def test_an_outage_that_ends_is_waited_out(wiro_emulator: WiroEmulator, mode: str) -> None:
    submit()
    wiro_emulator.script("Detail", "5xx", times=4)
    assert sense(mode)["taskid"] == FIRST


@in_each_mode
@pytest.mark.parametrize("soft_fail", [False, True])
def test_its_timeout_stops_nothing_and_is_airflows_own(all_held: WiroEmulator, mode: str, soft_fail: bool) -> None:
    submit()
    kind = AirflowSkipException if soft_fail else WiroTaskTimeout
    with pytest.raises(kind) as caught:
        sense(mode, timeout=0.3, soft_fail=soft_fail)
    if not soft_fail:
        error = pickle.loads(pickle.dumps(caught.value))
        assert isinstance(error, AirflowSensorTimeout)
        assert isinstance(error, WiroTaskTimeout)
        assert (error.taskid, error.retryable) == (FIRST, False)
        assert "it was not stopped.\nIt runs on, and is paid if it succeeds" in str(error)
    assert statuses(all_held) == ["task_start"]
    assert all_held.count("Kill") == all_held.count("Cancel") == 0


@in_each_mode
@pytest.mark.parametrize("option", ["soft_fail", "never_fail"])
def test_a_failure_skips_where_that_is_asked_for(wiro_emulator: WiroEmulator, mode: str, option: str) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.2)
    submit()
    with pytest.raises(AirflowSkipException):
        sense(mode, **{option: True})


@in_each_mode
def test_silent_fail_passes_over_what_a_retry_could_help(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    wiro_emulator.outcome(duration=1.0)
    submit()
    time.sleep(0.1)
    wiro_emulator.script("Detail", "5xx", times=12)
    assert sense(mode, outage_tolerance=0.1, silent_fail=True, poke_interval=0.05)["taskid"] == FIRST


def test_a_task_that_wiro_does_not_know_is_not_found(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(WiroTaskNotFound, match="Check that the connection is of the account") as caught:
        sense(taskid="999", timeout=0.2)
    assert isinstance(caught.value, AirflowFailException)


@in_each_mode
@pytest.mark.parametrize("taskid", ["", " ", None, "None", "0", True, {"taskid": FIRST}, ["1", "2"]])
def test_what_is_no_taskid_is_refused_before_anything_is_sent(
    wiro_emulator: WiroEmulator, mode: str, taskid: Any
) -> None:
    with pytest.raises(WiroInputError, match=r"^taskid is .*; allowed: the taskid of a Wiro task"):
        sense(mode, taskid=taskid)
    assert wiro_emulator.requests == []


def test_a_taskid_may_be_the_number_that_native_rendering_makes_of_it(wiro_emulator: WiroEmulator) -> None:
    submit()
    assert sense(taskid=int(FIRST))["taskid"] == FIRST


@pytest.mark.parametrize("name", ["poll_interval", "outage_tolerance", "task_error_grace"])
@pytest.mark.parametrize("value", [0, -1, "3", None])
def test_a_bad_duration_is_refused_when_the_dag_is_read(name: str, value: Any) -> None:
    with pytest.raises(WiroInputError, match=f"^{name} is .*; allowed: seconds above 0") as caught:
        sensor(**{name: value})
    assert "'wait'" in caught.value.__notes__[0]


def test_cancel_on_kill_is_refused_where_nothing_could_be_told_of_a_kill() -> None:
    with pytest.raises(WiroInputError, match=r'^cancel_on_kill is True; allowed: False with mode="reschedule"'):
        sensor("reschedule", cancel_on_kill=True)
    sensor("deferrable", mode="reschedule", cancel_on_kill=True)


def test_a_connection_that_cannot_be_used_is_final_before_it_defers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps({"conn_type": "wiro"}))
    with pytest.raises(WiroConfigError) as caught:
        sense("deferrable")
    assert isinstance(caught.value, AirflowFailException)


@in_each_mode
def test_it_runs_on_this_airflow(run_dag: Callable[..., Run], wiro_emulator: WiroEmulator, mode: str) -> None:
    """Of what another task has submitted, and does not wait for."""

    def build() -> None:
        submitted = WiroRunOperator(
            task_id="submit", model="owner/video", inputs={"prompt": "a kite"}, wait_for_completion=False
        )
        WiroTaskSensor(task_id="wait", taskid=submitted.output["taskid"], **SHORT | MODES[mode])

    run = run_dag(build)
    assert run.state == "success"
    [task] = wiro_emulator.runs
    assert run.xcom(task_id="wait")["taskid"] == run.xcom("taskid", task_id="wait") == task.taskid
    assert run.xcom("output_url", task_id="wait") == task.outputs[0]["url"]


def test_mapped_it_waits_for_each(run_dag: Callable[..., Run], wiro_emulator: WiroEmulator) -> None:
    taskids = [submit(), submit()]

    def build() -> None:
        WiroTaskSensor.partial(task_id="wait", deferrable=True, **SHORT).expand(taskid=taskids)

    run = run_dag(build)
    assert [run.xcom(task_id="wait", map_index=n)["taskid"] for n in range(2)] == taskids


def test_it_warns_of_nothing_where_all_is_well(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    submit()
    sense("deferrable")
    assert warnings_in(lines) == []
