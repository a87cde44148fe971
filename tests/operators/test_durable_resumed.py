"""A try that is resumed, or breaks, when its generation is paid for: what the journal knows is not thrown away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, Lines, context_of, statuses
from operators import defer, generic, runway
from taskids import FIRST, SECOND
from tries import run_try
from triggerer import fire

pytestmark = pytest.mark.usefixtures("journal_folder")

FULL: dict[str, Any] = {"code": 96, "message": "At most 1 task can be active at once"}
UNUSABLE = "nosuch://bucket/journal"


def gives_up(operator: WiroRunOperator, ti: FakeTaskInstance, error: str = "Trigger failure") -> Any:
    """Resume the operator as Airflow does where it gave up on the deferral."""
    return operator.resume_execution("__fail__", {"error": error}, context_of(ti))


def wait_for_room(wiro: WiroEmulator, **arguments: Any) -> FakeTaskInstance:
    """Let a try come to a full account; return its task instance."""
    ti = FakeTaskInstance()
    wiro.script("Run", "code", **FULL)
    assert defer(generic(deferrable=True, **arguments), ti).method_name == "submit_again"
    return ti


def test_a_broken_wait_for_room_submits_and_takes_no_other_works_outputs(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0, times=-1)
    old = run_try(generic, inputs={"prompt": "old"})
    ti = wait_for_room(wiro_emulator, inputs={"prompt": "new"})
    new = gives_up(generic(inputs={"prompt": "new"}, deferrable=True), ti)
    assert (old["taskid"], new["taskid"]) == (FIRST, SECOND)


def test_a_wait_for_room_that_is_out_of_time_takes_no_other_works_outputs(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0, times=-1)
    run_try(generic, inputs={"prompt": "old"})
    ti = wait_for_room(wiro_emulator, inputs={"prompt": "new"})
    with pytest.raises(AirflowException, match="Trigger timeout"):
        gives_up(generic(inputs={"prompt": "new"}, deferrable=True), ti, "Trigger timeout")


def test_a_broken_wait_for_room_submits_without_a_journal_too(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    ti = wait_for_room(wiro_emulator, durable=False)
    wiro_emulator.outcome(duration=0.0)
    assert gives_up(generic(deferrable=True, durable=False), ti)["taskid"] == FIRST
    assert "COULD NOT BE STOPPED" not in lines.text


def test_a_task_that_was_only_attached_to_is_made_anew_where_the_trigger_broke_too(all_held: WiroEmulator) -> None:
    defer(runway(deferrable=True), FakeTaskInstance())
    ti = FakeTaskInstance()
    assert defer(runway(deferrable=True), ti).kwargs["attached"]
    WiroHook().stop(FIRST)
    all_held.clear()
    all_held.outcome(duration=0.0)
    assert gives_up(runway(deferrable=True), ti)["taskid"] == SECOND
    assert statuses(all_held) == ["task_cancel", "task_postprocess_end"]


def test_a_success_is_delivered_where_the_journal_cannot_be_used_any_more(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    deferred = defer(runway(deferrable=True), ti)
    event = fire(deferred.trigger)  # type: ignore[arg-type]
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", UNUSABLE)
    given = {**(deferred.kwargs or {}), "event": event}
    result = runway().resume_execution(deferred.method_name, given, context_of(ti))
    assert result["taskid"] == FIRST


def test_what_is_out_of_time_is_stopped_where_the_journal_cannot_be_used_any_more(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", UNUSABLE)
    with pytest.raises(AirflowException, match="Trigger timeout"):
        gives_up(runway(), ti, "Trigger timeout")
    assert statuses(all_held) == ["task_cancel"]


def test_nothing_is_submitted_where_the_journal_cannot_be_used(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", UNUSABLE)
    with pytest.raises(WiroJournalError, match="nosuch"):
        runway().execute(context_of(FakeTaskInstance()))
    assert wiro_emulator.requests == []


def final(**_: object) -> None:
    raise AirflowFailException("no further try")


@pytest.mark.parametrize(
    ("tries", "push", "status"),
    [(1, None, "task_start"), (0, None, "task_cancel"), (1, final, "task_cancel")],
    ids=["another try comes", "it was the last", "an error without retries"],
)
def test_what_breaks_after_the_run_ends_nothing_that_the_next_try_finds(
    all_held: WiroEmulator, tries: int, push: Callable[..., None] | None, status: str
) -> None:
    ti = FakeTaskInstance(broken=True)
    ti.max_tries = tries  # type: ignore[misc]
    if push is not None:
        ti.xcom_push = push  # type: ignore[method-assign]
    with pytest.raises((ConnectionError, AirflowFailException)):
        runway().execute(context_of(ti))
    assert statuses(all_held) == [status]


def test_what_breaks_after_a_run_that_could_not_be_written_down_is_stopped(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_wiro.journals import FolderJournal

    replace = FolderJournal.replace

    def away(self: FolderJournal, over: Record | None, record: Record | None) -> None:
        if record is not None and record.taskid:
            raise WiroJournalError("the folder is away")
        replace(self, over, record)

    monkeypatch.setattr(FolderJournal, "replace", away)
    ti = FakeTaskInstance(broken=True)
    ti.max_tries = 1  # type: ignore[misc]
    with pytest.raises(ConnectionError):
        runway().execute(context_of(ti))
    assert statuses(all_held) == ["task_cancel"]


def test_a_task_that_waits_for_nothing_returns_the_same_when_it_is_cleared(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    assert run_try(wait_for_completion=False) == run_try(wait_for_completion=False)
    assert wiro_emulator.count("Run") == 1
