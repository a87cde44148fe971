"""Airflow resumes a try with what another try has deferred: the journal decides, or else what is paid for counts."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, TaskDeferred

from airflow_provider_wiro.core import calls
from airflow_provider_wiro.core.verdict import Kind
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroNotStopped, WiroTaskFailed
from doubles import FakeTaskInstance, Lines, context_of, event, statuses
from operators import defer, runway
from taskids import FIRST, SECOND
from triggerer import fire

OTHERS: list[Kind] = ["failed", "cancelled", "stuck", "timeout", "gave_up", "not_found"]
# What a retry may submit again: it surely runs no more, and is not charged.
OVER: list[Kind] = ["failed", "cancelled", "stuck", "timeout", "gave_up"]
STOPPED_KINDS: list[Kind] = ["stuck", "timeout", "gave_up"]
FINAL = [(kind, None) for kind in ("charged", "unreadable", "not_found", "elsewhere")] + [
    (kind, stopped) for kind in STOPPED_KINDS for stopped in (False, None)
]


def deferred_by_try_1(ti: FakeTaskInstance) -> TaskDeferred:
    return defer(runway(deferrable=True), ti)


def as_try(ti: FakeTaskInstance, number: int) -> FakeTaskInstance:
    """Return the task instance in a later try. Airflow 3.0 keeps its XCom, for it takes it for a resumed one."""
    ti.try_number = ti.max_tries = number
    return ti


def resume(deferred: TaskDeferred, fired: dict[str, Any], ti: FakeTaskInstance, **arguments: Any) -> Any:
    given = {**(deferred.kwargs or {}), "event": fired}
    return runway(**arguments).resume_execution(deferred.method_name, given, context_of(ti))


def fired_of(deferred: TaskDeferred) -> dict[str, Any]:
    return fire(deferred.trigger)  # type: ignore[arg-type]


@pytest.mark.usefixtures("journal_folder")
def test_with_a_journal_a_success_brings_its_outputs_and_submits_nothing(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    result = resume(deferred, fired_of(deferred), as_try(ti, 2))
    assert result["taskid"] == FIRST
    assert result["outputs"]
    assert wiro_emulator.count("Run") == 1
    assert ti.xcoms["wiro_generation"]["try_number"] == 2
    assert ti.xcoms["wiro_generation"]["attached"]


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("deferrable", [False, True])
def test_with_a_journal_a_failed_one_is_submitted_anew(wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    with pytest.raises(WiroTaskFailed):
        resume(deferred, fired_of(deferred), ti)
    as_try(ti, 2)
    if deferrable:
        with pytest.raises(TaskDeferred) as again:
            resume(deferred, fired_of(deferred), ti, deferrable=True)
        assert again.value.kwargs is not None
        assert again.value.kwargs["try_number"] == 2
        assert resume(again.value, fired_of(again.value), ti)["taskid"] == SECOND
    else:
        assert resume(deferred, fired_of(deferred), ti)["taskid"] == SECOND
    assert wiro_emulator.count("Run") == 2


@pytest.mark.usefixtures("journal_folder")
def test_with_a_journal_one_that_still_runs_is_gone_on_with(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    assert resume(deferred, event("gave_up"), as_try(ti, 2))["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1


@pytest.mark.usefixtures("journal_folder")
def test_an_orphan_of_airflow_2_that_is_resumed_under_a_new_number_submits_once(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    fired = fired_of(deferred)
    for number in (2, 3):
        assert resume(deferred, fired, as_try(ti, number))["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1


def test_without_a_journal_a_success_is_taken_for_it_is_paid(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    assert resume(deferred, fired_of(deferred), as_try(ti, 2))["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1
    assert wiro_emulator.count("Kill") == 0


@pytest.mark.parametrize("kind", OVER)
def test_without_a_journal_one_that_is_over_and_not_charged_begins_anew(
    wiro_emulator: WiroEmulator, kind: Kind
) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    ended = event(kind, stopped=True if kind in STOPPED_KINDS else None)
    assert resume(deferred, ended, as_try(ti, 2))["taskid"] == SECOND
    assert wiro_emulator.count("Run") == 2


@pytest.mark.parametrize(("kind", "stopped"), FINAL)
def test_without_a_journal_one_that_is_paid_or_may_run_on_is_not_submitted_again(
    wiro_emulator: WiroEmulator, kind: Kind, stopped: bool | None
) -> None:
    wiro_emulator.outcome(hold=True, times=-1)
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    with pytest.raises(AirflowFailException, match=FIRST):
        resume(deferred, event(kind, stopped=stopped), as_try(ti, 2), deferrable=True)
    assert wiro_emulator.count("Run") == 1


@pytest.mark.parametrize("kind", OTHERS)
def test_the_tries_own_event_is_its_verdict(wiro_emulator: WiroEmulator, kind: Kind) -> None:
    ti = FakeTaskInstance()
    deferred = deferred_by_try_1(ti)
    with pytest.raises(Exception, match=FIRST):
        resume(deferred, event(kind), ti)
    assert wiro_emulator.count("Run") == 1


@pytest.mark.parametrize("number", [1, 2])
def test_an_event_of_0_1_0_says_no_try_and_counts_as_the_tries_own(wiro_emulator: WiroEmulator, number: int) -> None:
    ti = FakeTaskInstance()
    deferred_by_try_1(ti)
    given = {"attached": False, "event": event("failed")}
    with pytest.raises(WiroTaskFailed):
        runway().resume_execution("execute_complete", given, context_of(as_try(ti, number)))
    assert wiro_emulator.count("Run") == 1


GAVE_UP = pytest.mark.parametrize("error", ["Trigger timeout", "Trigger failure"])


@GAVE_UP
@pytest.mark.parametrize("runs", [True, False])
def test_a_deferral_of_another_try_that_airflow_gave_up_begins_anew_once_its_task_is_over(
    wiro_emulator: WiroEmulator, error: str, runs: bool
) -> None:
    wiro_emulator.outcome(hold=runs, pexit="1", duration=0.0)
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    deferred_by_try_1(ti)
    result = runway().resume_execution("__fail__", {"error": error}, context_of(as_try(ti, 2)))
    assert result["taskid"] == SECOND
    assert statuses(wiro_emulator) == ["task_cancel" if runs else "task_postprocess_end", "task_postprocess_end"]


@GAVE_UP
def test_of_such_a_deferral_a_success_is_taken(wiro_emulator: WiroEmulator, error: str) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    deferred_by_try_1(ti)
    result = runway().resume_execution("__fail__", {"error": error}, context_of(as_try(ti, 2)))
    assert result["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1


@GAVE_UP
def test_of_such_a_deferral_what_cannot_be_stopped_is_not_submitted_again(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    monkeypatch.setattr(calls, "STOP_PAUSES", (0.01, 0.01))
    wiro_emulator.outcome(hold=True, times=-1)
    for call in ("Kill", "Cancel"):
        wiro_emulator.script(call, "code", code=0, message="Something went wrong", times=-1)
    ti = FakeTaskInstance()
    deferred_by_try_1(ti)
    with pytest.raises(WiroNotStopped, match="COULD NOT BE STOPPED") as caught:
        runway(deferrable=True).resume_execution("__fail__", {"error": error}, context_of(as_try(ti, 2)))
    assert isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 1


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("error", ["Trigger timeout", "Trigger failure"])
def test_with_a_journal_it_goes_on_with_the_same_task(wiro_emulator: WiroEmulator, error: str) -> None:
    ti = FakeTaskInstance()
    deferred_by_try_1(ti)
    result = runway().resume_execution("__fail__", {"error": error}, context_of(as_try(ti, 2)))
    assert result["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1
    assert wiro_emulator.count("Kill") == 0


def test_a_deferral_of_the_same_try_whose_time_is_over_is_raised(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    ti = FakeTaskInstance()
    deferred_by_try_1(ti)
    with pytest.raises(AirflowException, match="Trigger timeout"):
        runway().resume_execution("__fail__", {"error": "Trigger timeout"}, context_of(ti))
    assert statuses(wiro_emulator) == ["task_cancel"]
