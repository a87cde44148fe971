"""Somebody ends the task, or its Wiro task: in every phase nothing runs on, and nothing is submitted for the dead."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from airflow_provider_wiro.core import recall
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroInterrupted,
    WiroTaskCancelled,
)
from airflow_provider_wiro.operators import wiro
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import pay
from airflow_provider_wiro.stages.paid import PaidTask
from doubles import FakeTaskInstance, context_of, wait_until, when
from operators import runway
from taskids import FIRST, SECOND
from tries import Died, kept, lose_a_try, run_try

pytestmark = pytest.mark.usefixtures("journal_folder")


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_task_that_was_only_attached_to_and_is_cancelled_is_submitted_once_more(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", after=True, deferrable=deferrable)
    looks = all_held.count("Detail")

    def stop_it() -> None:
        all_held.clear()
        all_held.tasks[FIRST].stop()

    when(lambda: all_held.count("Detail") > looks + 1, stop_it)
    result = run_try(deferrable=deferrable)
    assert result["taskid"] == SECOND
    assert len(all_held.runs) == 2
    assert all_held.peak_active == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_it_is_submitted_only_once_more(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", after=True, deferrable=deferrable)
    for taskid in (FIRST, SECOND):
        when(
            lambda taskid=taskid: taskid in all_held.tasks and all_held.count("Detail") > 1,
            lambda taskid=taskid: (time.sleep(0.3), all_held.tasks[taskid].stop()),
        )
    with pytest.raises(WiroTaskCancelled):
        run_try(deferrable=deferrable)
    assert len(all_held.runs) == 2


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_task_of_this_very_try_that_is_cancelled_is_not_submitted_again(
    all_held: WiroEmulator, deferrable: bool
) -> None:
    when(lambda: all_held.count("Detail"), lambda: all_held.tasks[FIRST].stop())
    with pytest.raises(WiroTaskCancelled):
        run_try(deferrable=deferrable)
    assert len(all_held.runs) == 1


def test_nor_is_it_where_its_answer_was_lost(all_held: WiroEmulator) -> None:
    all_held.script("Run", "drop_after")
    when(lambda: all_held.count("Detail"), lambda: all_held.tasks[FIRST].stop())
    with pytest.raises(WiroTaskCancelled):
        run_try(timeout=5)
    assert len(all_held.runs) == 1


def killed(operator: WiroRunOperator, ti: FakeTaskInstance | None = None) -> WiroInterrupted:
    with pytest.raises(WiroInterrupted) as caught:
        operator.execute(context_of(ti or FakeTaskInstance()))
    return caught.value


def test_a_kill_while_waiting_for_an_attached_task_stops_it_and_submits_nothing(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push")
    operator, looks = runway(), all_held.count("Detail")
    when(lambda: all_held.count("Detail") > looks + 2, operator.on_kill)
    killed(operator)
    wait_until(lambda: all_held.tasks[FIRST].status == "task_cancel")
    assert len(all_held.runs) == 1


@pytest.mark.parametrize("prompt", ["same", "changed"])
def test_a_kill_while_the_earlier_task_is_being_looked_at_stops_it(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", prompt="same")
    all_held.script("Detail", "5xx", times=1)
    monkeypatch.setattr(recall, "READ_PAUSES", (1.0, 1.0))
    operator = runway(prompt=prompt)
    when(lambda: all_held.count("Detail"), operator.on_kill)
    killed(operator)
    wait_until(lambda: all_held.tasks[FIRST].status == "task_cancel", within=3)
    assert len(all_held.runs) == 1


def test_a_kill_while_the_earlier_run_is_being_looked_for_submits_nothing_and_keeps_the_intent(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, PaidTask, "obtained")
    all_held.script("List", "slow", seconds=0.5)
    operator = runway(on_unknown_submission="submit")
    when(lambda: all_held.count("List"), operator.on_kill)
    killed(operator)
    assert len(all_held.runs) == 1
    record = kept()
    assert record is not None
    all_held.tasks[FIRST].release()
    assert run_try()["taskid"] == FIRST


def test_a_kill_while_the_intent_is_written_sends_nothing_and_leaves_none(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, begin = runway(), pay._begin

    def killed_meanwhile(*arguments: Any, **named: Any) -> None:
        operator.on_kill()
        begin(*arguments, **named)

    monkeypatch.setattr(pay, "_begin", killed_meanwhile)
    killed(operator)
    assert all_held.count("Run") == 0
    assert kept() is None


def test_a_signal_that_raises_right_after_the_intent_leaves_none_either(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = pay._begin

    def too_late(*_: object) -> None:
        raise Died

    def signalled(*arguments: Any, **named: Any) -> None:
        begin(*arguments, **named)
        signal.raise_signal(signal.SIGALRM)

    monkeypatch.setattr(pay, "_begin", signalled)
    before = signal.signal(signal.SIGALRM, too_late)
    try:
        with pytest.raises(Died):
            runway().execute(context_of(FakeTaskInstance()))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert all_held.count("Run") == 0
    assert kept() is None


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_kill_while_the_run_is_in_flight_stops_what_it_started(all_held: WiroEmulator, deferrable: bool) -> None:
    all_held.script("Run", "slow", seconds=0.5)
    operator = runway(deferrable=deferrable)
    when(lambda: all_held.count("Run"), operator.on_kill)
    assert killed(operator).retryable
    assert all_held.tasks[FIRST].status == "task_cancel"


def test_a_kill_while_the_run_is_in_flight_whose_answer_is_lost_keeps_the_intent(all_held: WiroEmulator) -> None:
    all_held.script("Run", "hang", after=True, seconds=0.5)
    operator = runway()
    when(lambda: all_held.count("Run"), operator.on_kill)
    killed(operator)
    record = kept()
    assert record is not None
    assert len(all_held.runs) == 1
    all_held.tasks[FIRST].release()
    assert run_try()["taskid"] == FIRST


def test_a_kill_while_the_taskid_is_written_down_stops_the_task(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, write_down = runway(), pay.write_down

    def killed_meanwhile(*arguments: Any, **named: Any) -> None:
        operator.on_kill()
        write_down(*arguments, **named)

    monkeypatch.setattr(pay, "write_down", killed_meanwhile)
    killed(operator)
    assert all_held.tasks[FIRST].status == "task_cancel"
    record = kept()
    assert record is not None
    assert record.taskid == FIRST


def test_a_kill_before_the_replacement_of_a_cancelled_task_submits_none(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push")
    operator, needs_anew = runway(), wiro.needs_anew

    def killed_meanwhile(*arguments: Any) -> Any:
        operator.on_kill()
        return needs_anew(*arguments)

    monkeypatch.setattr(wiro, "needs_anew", killed_meanwhile)
    looks = all_held.count("Detail")
    when(lambda: all_held.count("Detail") > looks + 1, lambda: all_held.tasks[FIRST].stop())
    killed(operator)
    assert len(all_held.runs) == 1
