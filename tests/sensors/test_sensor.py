"""Waiting for a Wiro task that was submitted elsewhere, in each mode, against the emulator."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow before 3.2
    from airflow.exceptions import AirflowRescheduleException

from airflow_provider_wiro.core.verdict import Kind
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroConfigError,
    WiroError,
    WiroInputError,
    WiroInterrupted,
    WiroTaskCancelled,
    WiroTaskError,
    WiroTaskFailed,
    WiroTaskFlagged,
    WiroTaskGaveUp,
    WiroTaskNotFound,
    WiroTaskStuck,
    WiroTaskTimeout,
)
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.sensors.wiro import WiroTaskSensor
from airflow_provider_wiro.stages import ending
from airflow_provider_wiro.task_instance import Standing
from doubles import FakeTaskInstance, Lines, context_of, event, statuses, when
from small_airflow import Run
from taskids import FIRST
from tries import warnings_in
from triggerer import fire

MODES: dict[str, dict[str, Any]] = {
    "poke": {},
    "reschedule": {"mode": "reschedule", "poke_interval": 0.1},
    "deferrable": {"deferrable": True},
}
in_each_mode = pytest.mark.parametrize("mode", MODES)
SHORT: dict[str, Any] = {"poll_interval": 0.05, "timeout": 30}


TIMEOUT_OF_AIRFLOW = "Trigger timeout" if AIRFLOW_V_3_0_PLUS else "Trigger/execution timeout"


class Task(FakeTaskInstance):
    """What Airflow 3 asks a task instance for."""

    task_id = "wait"

    def get_first_reschedule_date(self, context: object) -> None:
        return None


def submit() -> str:
    return WiroHook().run("owner/video", {"prompt": "a kite"}).taskid


def sensor(mode: str = "poke", /, **arguments: Any) -> WiroTaskSensor:
    return WiroTaskSensor(**{"task_id": "wait", "taskid": FIRST} | SHORT | MODES[mode] | arguments)


def sense(mode: str = "poke", ti: Task | None = None, /, **arguments: Any) -> Any:
    """Let the sensor wait as Airflow does: with a new one in every process, and its triggers in between."""
    context: Any = context_of(ti or Task())
    waiting = sensor(mode, **arguments)
    step: Callable[[], Any] = lambda: waiting.execute(context)  # noqa: E731
    while True:
        again = sensor(mode, **arguments)
        try:
            return step()
        except AirflowRescheduleException:
            step = lambda: again.execute(context)  # noqa: B023, E731
        except TaskDeferred as deferred:
            kwargs = (deferred.kwargs or {}) | {"event": fire(deferred.trigger)}  # type: ignore[arg-type]
            step = lambda: again.resume_execution("execute_complete", kwargs, context)  # noqa: B023, E731


@pytest.fixture(autouse=True)
def without_the_database_of_airflow_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, a sensor asks it for the time of its first look; these here are in none."""
    if not AIRFLOW_V_3_0_PLUS:
        monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **_: None)


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
    with pytest.raises(error, match=r"it was not stopped. It runs on") as caught:
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
        assert "it was not stopped. It runs on, and is paid if it succeeds" in str(error)
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
@pytest.mark.parametrize("taskid", ["", " ", None, "0", True, {"taskid": FIRST}, ["1", "2"]])
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


STANDINGS = [(Standing.ENDED, 1), (Standing.GOES_ON, 1), (Standing.GOES_ON, 0), (Standing.AIRFLOW_SILENT, 1)]


@pytest.mark.parametrize("cancel_on_kill", [False, True])
@pytest.mark.parametrize(("standing", "tries"), STANDINGS)
def test_only_a_kill_stops_it_and_only_where_that_is_asked_for(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, cancel_on_kill: bool, standing: Standing, tries: int
) -> None:
    submit()
    monkeypatch.setattr(ending, "standing", lambda _: standing)
    waiting, ti = sensor(cancel_on_kill=cancel_on_kill, silent_fail=True), Task()
    ti.max_tries = tries
    when(lambda: all_held.count("Detail"), waiting.on_kill)
    with pytest.raises(WiroInterrupted):
        waiting.execute(context_of(ti))
    goes_on = standing is not Standing.ENDED and tries > 0
    assert statuses(all_held) == ["task_cancel" if cancel_on_kill and not goes_on else "task_start"]


@pytest.mark.parametrize("cancel_on_kill", [False, True])
def test_a_kill_between_two_pokes_is_heard(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, cancel_on_kill: bool
) -> None:
    submit()
    monkeypatch.setattr(ending, "standing", lambda _: Standing.ENDED)
    waiting = sensor(cancel_on_kill=cancel_on_kill)
    waiting.on_kill()  # before it has looked
    assert statuses(all_held) == ["task_start"]
    waiting = sensor(cancel_on_kill=cancel_on_kill, outage_tolerance=0.1)
    all_held.script("Detail", "5xx", times=5)
    with pytest.raises(WiroTaskGaveUp):
        waiting.poke(context_of(Task()))
    waiting.on_kill()
    assert statuses(all_held) == ["task_cancel" if cancel_on_kill else "task_start"]


def test_an_error_here_never_stops_it(all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    submit()
    all_held.release(FIRST)
    with pytest.raises(ConnectionError, match="XCom"):
        sense("poke", Task(broken=True), cancel_on_kill=True)
    assert all_held.count("Kill") == 0


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
