"""A signal, or an error, in the narrow places between one step and the next: nothing runs on for nobody."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_wiro.core.calls import Stop
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted, WiroJournalError, WiroNotStopped, WiroTaskTimeout
from airflow_provider_wiro.journals import FolderJournal
from airflow_provider_wiro.operators import trying
from airflow_provider_wiro.stages import ending, record
from airflow_provider_wiro.stages.paid import PaidTask
from airflow_provider_wiro.stages.this_try import Try
from airflow_provider_wiro.task_instance import Standing
from doubles import FakeTaskInstance, context_of, event, when
from operators import defer, runway

pytestmark = pytest.mark.usefixtures("journal_folder")


def standing_is(monkeypatch: pytest.MonkeyPatch, answer: Standing) -> None:
    monkeypatch.setattr(ending, "standing", lambda ti: answer)


def statuses(wiro: WiroEmulator) -> list[str]:
    return [task.status for task in wiro.runs]


def test_without_durable_what_could_not_be_stopped_is_not_tried_again(all_held: WiroEmulator) -> None:
    defer(runway(deferrable=True, durable=False), FakeTaskInstance())
    taskid = all_held.runs[0].taskid
    ended = {**event("timeout", stopped=False), "taskid": taskid}
    with pytest.raises(WiroTaskTimeout) as caught:
        runway(durable=False).execute_complete(context_of(FakeTaskInstance()), ended)
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize(
    ("answer", "status"), [(Standing.DEFERRED, "task_start"), (Standing.ENDED, "task_cancel")], ids=lambda a: str(a)
)
def test_after_the_deferral_the_trigger_decides_while_airflow_waits_for_it(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, answer: Standing, status: str
) -> None:
    standing_is(monkeypatch, answer)
    operator = runway(deferrable=True)
    defer(operator, FakeTaskInstance())
    operator.on_kill()
    assert statuses(all_held) == [status]


def test_a_kill_after_the_last_look_before_a_deferral_is_heard(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing_is(monkeypatch, Standing.ENDED)
    operator, real = runway(deferrable=True), ending.end

    def killed_after_it(*arguments: Any) -> Any:
        decided = real(*arguments)
        operator.on_kill()
        return decided

    monkeypatch.setattr(ending, "end", killed_after_it)
    with pytest.raises(TaskDeferred):
        operator.execute(context_of(FakeTaskInstance()))
    assert statuses(all_held) == ["task_cancel"]


def test_a_task_that_a_person_ended_is_stopped_whatever_error_comes_first(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing_is(monkeypatch, Standing.ENDED)
    operator, ti = runway(deferrable=True), FakeTaskInstance()
    ti.max_tries = 3  # type: ignore[misc]

    def away(key: str, value: object) -> None:
        operator.on_kill()
        raise RuntimeError("the XCom backend is away")

    monkeypatch.setattr(ti, "xcom_push", away)
    with pytest.raises(RuntimeError):
        operator.execute(context_of(ti))
    assert statuses(all_held) == ["task_cancel"]


def test_a_kill_while_a_try_begins_is_heard(all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = runway(deferrable=True)

    def begun(*arguments: Any, **named: Any) -> PaidTask:
        operator.on_kill()
        return PaidTask(*arguments, **named)

    monkeypatch.setattr(trying, "PaidTask", begun)
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(FakeTaskInstance()))
    assert all_held.count("Run") == 0


def test_a_signal_that_raises_while_airflow_is_asked_does_not_break_the_stop_off(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Raised(Exception):
        pass

    def raising(number: int, frame: object) -> None:
        raise Raised

    def asked(ti: object) -> Standing:
        signal.raise_signal(signal.SIGALRM)
        return Standing.ENDED

    monkeypatch.setattr(ending, "standing", asked)
    operator, ti = runway(deferrable=True), FakeTaskInstance()
    monkeypatch.setattr(ti, "xcom_push", lambda key, value: operator.on_kill())
    before = signal.signal(signal.SIGALRM, raising)
    try:
        with pytest.raises(Raised):
            operator.execute(context_of(ti))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert statuses(all_held) == ["task_cancel"]


def test_a_kill_before_the_record_was_read_stops_what_it_names(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing_is(monkeypatch, Standing.ENDED)
    defer(runway(deferrable=True), FakeTaskInstance())
    operator = runway(deferrable=True)
    operator.on_kill()
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(FakeTaskInstance()))
    assert statuses(all_held) == ["task_cancel"]


def test_a_kill_does_not_wait_for_the_pause_before_the_record_is_written_again(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "WITH_PATIENCE", (30.0,))
    standing_is(monkeypatch, Standing.ENDED)
    operator, real = runway(deferrable=True), FolderJournal.replace

    def full_disk(self: FolderJournal, over: Record | None, new: Record | None) -> None:
        if new is not None and new.taskid is not None:
            raise WiroJournalError("no space left")
        real(self, over, new)

    monkeypatch.setattr(FolderJournal, "replace", full_disk)

    def kill_in_the_pause() -> None:
        time.sleep(1.0)
        operator.on_kill()

    when(lambda: all_held.runs, kill_in_the_pause)
    began = time.monotonic()
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(FakeTaskInstance()))
    assert time.monotonic() - began < 10
    assert statuses(all_held) == ["task_cancel"]


def test_a_signal_while_a_stop_fails_does_not_take_the_place_of_the_error_that_forbids_a_retry(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminated(BaseException):
        """What Airflow 2 raises, and then tries again."""

    def raising(number: int, frame: object) -> None:
        raise Terminated

    def stop_now(this: Try) -> Stop:
        signal.raise_signal(signal.SIGTERM)
        stopped = Stop(False, "no answer")
        this.paid.was_stopped(stopped)
        return stopped

    monkeypatch.setattr(ending, "stop_now", stop_now)
    ti = FakeTaskInstance()
    monkeypatch.setattr(ti, "xcom_push", lambda key, value: 1 / 0)
    before = signal.signal(signal.SIGTERM, raising)
    try:
        with pytest.raises(WiroNotStopped) as caught:
            runway(durable=False).execute(context_of(ti))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert isinstance(caught.value, AirflowFailException)
