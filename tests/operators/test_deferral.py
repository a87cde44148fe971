"""Deferring, and what comes back: the trigger's verdicts, and Airflow's own failures of a deferral."""

from __future__ import annotations

import json
import pickle
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_wiro import exceptions
from airflow_provider_wiro.core.verdict import Kind
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroInterrupted,
    WiroNotStopped,
    WiroTaskError,
    WiroTaskFailed,
    WiroTaskNotFound,
)
from airflow_provider_wiro.stages import wait
from airflow_provider_wiro.stages.failing import final_errors_skip_retries
from airflow_provider_wiro.stages.this_try import Try
from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger
from doubles import FakeTaskInstance, Lines, context_of, event, wait_until, when
from operators import defer, generic, runway
from taskids import FIRST


@pytest.fixture
def held(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """The next task, 2221, runs until it is released or stopped."""
    wiro_emulator.outcome(hold=True, duration=0.0)
    return wiro_emulator


def test_it_defers_to_a_trigger_that_has_all_it_needs_and_no_secret(held: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    operator = runway(
        deferrable=True, timeout=100, poll_interval=2, outage_tolerance=50, task_error_grace=9, cancel_on_kill=False
    )
    deferred = defer(operator, ti)
    assert isinstance(deferred.trigger, WiroTaskTrigger)
    kwargs = deferred.trigger.serialize()[1]
    submitted_at = kwargs["submitted_at"]
    assert abs(submitted_at - time.time()) < 30
    assert kwargs == {
        "taskid": FIRST,
        "conn_id": "wiro_default",
        "submitted_at": submitted_at,
        "deadline": submitted_at + 100,
        "poll_interval": 2.0,
        "outage_tolerance": 50.0,
        "task_error_grace": 9.0,
        "cancel_on_kill": False,
        "base_url": held.url,
        "try_number": 1,
        "stop_at_timeout": True,
        "ends_with": None,
    }
    assert deferred.method_name == "execute_complete"
    assert ti.xcoms["taskid"] == FIRST
    assert held.runs[0].token not in json.dumps(kwargs)


def test_the_taskid_is_in_xcom_before_it_defers(held: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    ti, real = FakeTaskInstance(), wait._defer

    def watched(this: Try) -> None:
        seen.append(dict(ti.xcoms))
        real(this)

    monkeypatch.setattr(wait, "_defer", watched)
    defer(generic(deferrable=True), ti)
    assert [xcoms["taskid"] for xcoms in seen] == [FIRST]


def test_airflows_own_timeout_is_only_a_backstop(held: WiroEmulator) -> None:
    deferred = defer(runway(deferrable=True, timeout=100), FakeTaskInstance())
    assert deferred.timeout is not None
    assert timedelta(seconds=100) < deferred.timeout <= timedelta(seconds=100, minutes=10)


@pytest.mark.parametrize(
    ("execution_timeout", "ran_before", "left"),
    [(1000, 0, 940), (600, 100, 440), (60, 0, 50), (10, 0, 5), (7200, 0, 3600), (100, 200, 0)],
)
def test_execution_timeout_is_folded_into_the_deadline(
    held: WiroEmulator, execution_timeout: float, ran_before: float, left: float
) -> None:
    ti = FakeTaskInstance()
    ti.start_date = datetime.now(UTC) - timedelta(seconds=ran_before)
    operator = runway(deferrable=True, execution_timeout=timedelta(seconds=execution_timeout))
    kwargs = defer(operator, ti).trigger.serialize()[1]
    assert kwargs["deadline"] - kwargs["submitted_at"] == pytest.approx(left, abs=3)


VERDICTS: list[tuple[Kind, str, str]] = [
    ("failed", "WiroTaskFailed", "An Airflow retry submits it again"),
    ("cancelled", "WiroTaskCancelled", "An Airflow retry submits it again"),
    ("stuck", "WiroTaskStuck", "It runs on, and is paid if it succeeds"),
    ("timeout", "WiroTaskTimeout", "Increase timeout or execution_timeout"),
    ("gave_up", "WiroTaskGaveUp", "Increase outage_tolerance"),
    ("not_found", "WiroTaskNotFound", "look for it in the Wiro dashboard"),
]


@pytest.mark.parametrize(("kind", "name", "advice"), VERDICTS)
def test_each_verdict_raises_its_own_error_which_says_what_to_do(kind: Kind, name: str, advice: str) -> None:
    ti = FakeTaskInstance()
    ti.max_tries = 1
    with pytest.raises(WiroTaskError) as caught:
        runway().execute_complete(context_of(ti), event(kind, reason="pexit 1: no GPU left"))
    error = caught.value
    assert isinstance(error, getattr(exceptions, name))
    assert type(error).__name__ == name
    assert (error.taskid, error.status) == (FIRST, "task_start")
    for part in (FIRST, "task_start", "pexit 1: no GPU left", advice):
        assert part in str(error)
    assert isinstance(error, AirflowFailException) == (kind not in ("failed", "cancelled"))


def test_a_task_that_could_not_be_stopped_is_not_run_again(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(exceptions.WiroTaskTimeout, match="COULD NOT BE STOPPED") as caught:
        runway().execute_complete(context_of(FakeTaskInstance()), event("timeout", stopped=False))
    assert isinstance(caught.value, AirflowFailException)


def test_a_success_needs_no_request(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.stop()
    url = "https://x.example/0.mp4"
    output = {"url": url, "name": None, "content_type": None, "size": None, "content": None}
    result: Any = {"taskid": FIRST, "status": "task_postprocess_end", "outputs": [output]}
    result |= {"text": None, "cost_usd": None, "elapsed_seconds": None}
    ti = FakeTaskInstance()
    assert runway().execute_complete(context_of(ti), event(result=result)) == result
    assert ti.xcoms == {"output_urls": [url], "output_url": url}


@pytest.mark.parametrize(
    "unreadable",
    [{}, {"version": 2, "taskid": FIRST, "verdict": "success"}, {"version": 1, "verdict": "success"}],
)
def test_an_event_that_cannot_be_read_stops_the_task_and_says_why(
    held: WiroEmulator, unreadable: dict[str, Any]
) -> None:
    ti = FakeTaskInstance()
    operator = runway(deferrable=True)
    defer(operator, ti)
    with pytest.raises(WiroTaskError, match=r"event cannot be read.*version") as caught:
        runway().execute_complete(context_of(ti), unreadable)
    assert isinstance(caught.value, AirflowFailException)
    assert held.tasks[FIRST].status == "task_cancel"


def test_an_unknown_verdict_is_never_a_success(held: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    with pytest.raises(WiroTaskError, match="cannot be read"):
        runway().execute_complete(context_of(ti), event() | {"verdict": "succeeded"})
    assert held.tasks[FIRST].status == "task_cancel"


@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger/execution timeout", "something new"])
def test_a_deferral_whose_time_is_over_stops_the_task_and_is_raised(held: WiroEmulator, error: str) -> None:
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    with pytest.raises(AirflowException) as caught:
        runway().resume_execution("__fail__", {"error": error, "traceback": ["Traceback"]}, context_of(ti))
    assert type(caught.value).__name__ in ("TaskDeferralError", "TaskDeferralTimeout")
    assert held.tasks[FIRST].status == "task_cancel"


def test_a_broken_trigger_is_waited_for_in_the_worker(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    wiro_emulator.outcome(duration=0.3)
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    result = runway().resume_execution("__fail__", {"error": "Trigger failure"}, context_of(ti))
    assert (result["taskid"], result["status"]) == (FIRST, "task_postprocess_end")
    assert wiro_emulator.count("Run") == 1
    assert f"taskid {FIRST}: its trigger broke; waiting for it in this worker" in lines.text


def test_a_kill_while_waiting_for_a_broken_trigger_stops_the_task(held: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    operator = runway()
    when(lambda: held.count("Detail"), operator.on_kill)
    with pytest.raises(WiroInterrupted):
        operator.resume_execution("__fail__", {"error": "Trigger failure"}, context_of(ti))
    wait_until(lambda: held.tasks[FIRST].status == "task_cancel")


def test_a_failed_deferral_is_not_retried_where_the_stop_fails(held: WiroEmulator, lines: Lines) -> None:
    ti = FakeTaskInstance({"taskid": FIRST})
    operator = runway()
    operator.wiro_conn_id = "no_such_connection"
    with pytest.raises(WiroNotStopped, match=r"TaskDeferral\w+: Trigger timeout.*COULD NOT BE STOPPED") as caught:
        operator.resume_execution("__fail__", {"error": "Trigger timeout"}, context_of(ti))
    assert isinstance(caught.value, AirflowFailException)
    assert isinstance(caught.value.__cause__, AirflowException)
    assert f"taskid {FIRST} COULD NOT BE STOPPED" in lines.text


def test_a_failed_deferral_of_a_task_that_has_finished_well_is_a_success(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    result = runway().resume_execution("__fail__", {"error": "Trigger timeout"}, context_of(ti))
    assert result["taskid"] == FIRST
    assert ti.xcoms["output_urls"] == [output["url"] for output in result["outputs"]]


class Unreadable(FakeTaskInstance):
    def xcom_pull(self, **_: Any) -> Any:
        raise ConnectionError("the XCom backend is away")


@pytest.mark.parametrize("ti", [FakeTaskInstance({"taskid": [FIRST]}), Unreadable()], ids=["odd", "unreadable"])
def test_a_failed_deferral_of_which_nobody_knows_the_task_is_not_retried(
    wiro_emulator: WiroEmulator, ti: FakeTaskInstance
) -> None:
    with pytest.raises(WiroNotStopped, match="may still run and be paid"):
        runway().resume_execution("__fail__", None, context_of(ti))
    assert wiro_emulator.requests == []


def test_an_event_resumes_through_resume_execution(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    defer(generic(deferrable=True), ti)
    result = generic().resume_execution("execute_complete", {"event": event()}, context_of(ti))
    assert result["status"] == "task_postprocess_end"
    assert wiro_emulator.count("Kill") == 0


@pytest.mark.parametrize(("kind", "final"), [(WiroTaskNotFound, True), (WiroTaskFailed, False)])
def test_an_error_keeps_its_class_words_and_fields_when_it_is_made_final(
    kind: type[WiroTaskError], final: bool
) -> None:
    with pytest.raises(kind) as caught, final_errors_skip_retries():
        raise kind("what happened", taskid=FIRST, status="task_start", code=1)
    error = caught.value
    assert isinstance(error, AirflowFailException) == final
    assert (str(error), error.taskid, error.status, error.code) == ("what happened", FIRST, "task_start", 1)
    assert repr(error) == f"{kind.__name__}('what happened')"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again).__name__, str(again), again.taskid) == (kind.__name__, "what happened", FIRST)
    assert isinstance(again, kind)
    assert isinstance(again, AirflowFailException) == final


def test_retryable_and_final_are_an_instances_own_business() -> None:
    with pytest.raises(WiroTaskFailed) as caught, final_errors_skip_retries():
        raise WiroTaskFailed("not again", retryable=False)
    assert isinstance(caught.value, AirflowFailException)
    with pytest.raises(WiroInterrupted) as interrupted, final_errors_skip_retries():
        raise WiroInterrupted("stop")
    assert not isinstance(interrupted.value, AirflowFailException)
