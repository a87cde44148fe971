"""A try that Airflow has given up may still run beside the next one, and neither pays for what the other has paid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wiro.core.task import Submission
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroBusy, WiroInterrupted, WiroJournalTaken, WiroTaskFailed
from airflow_provider_wiro.stages import ending, pay
from airflow_provider_wiro.stages.paid import PaidTask
from airflow_provider_wiro.task_instance import Standing
from doubles import FakeTaskInstance, Lines, context_of, statuses, when
from operators import defer, runway
from taskids import FIRST, SECOND
from tries import kept, lose_a_try, run_try, warnings_in

pytestmark = pytest.mark.usefixtures("journal_folder")


def submit(**arguments: Any) -> None:
    defer(runway(deferrable=True, **arguments), FakeTaskInstance())


def let_the_next_try_submit_meanwhile(monkeypatch: pytest.MonkeyPatch, answer: Callable[..., Submission]) -> None:
    """Let the next try submit while a submission is on its way, which then brings *answer*."""
    run = pay.submit

    def overtaken(*arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(pay, "submit", run)
        submit(on_unknown_submission="submit")
        return answer(*arguments, **named)

    monkeypatch.setattr(pay, "submit", overtaken)


def test_of_two_tries_that_find_the_same_failed_run_one_submits(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    wiro_emulator.outcome(hold="task_queue", times=-1)
    with pytest.raises(WiroTaskFailed):
        run_try()
    recall = pay.recall

    def overtaken(*arguments: Any, **named: Any) -> Any:
        decision = recall(*arguments, **named)
        monkeypatch.setattr(pay, "recall", recall)
        submit()
        return decision

    monkeypatch.setattr(pay, "recall", overtaken)
    with pytest.raises(
        WiroJournalTaken, match=rf"another try of this task instance .* holds Wiro task {SECOND}"
    ) as caught:
        submit()
    assert statuses(wiro_emulator) == ["task_postprocess_end", "task_queue"]
    assert caught.value.retryable


def test_a_refused_try_leaves_the_record_of_the_next_one(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def full(*_: Any, **__: Any) -> Submission:
        raise WiroBusy("no room", code=96)

    let_the_next_try_submit_meanwhile(monkeypatch, full)
    submit()
    assert "WARNING nothing was submitted here; another try" in lines.text
    record = kept()
    assert record is not None
    assert record.taskid == FIRST


def test_a_run_that_was_accepted_beside_another_tries_is_told_and_stopped(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    let_the_next_try_submit_meanwhile(monkeypatch, pay.submit)
    with pytest.raises(
        WiroJournalTaken, match=rf"holds Wiro task {FIRST}\. So this try's taskid {SECOND}: stopped"
    ) as caught:
        runway(deferrable=True).execute(context_of(FakeTaskInstance()))
    assert not caught.value.retryable
    assert statuses(all_held) == ["task_start", "task_cancel"]


def test_the_answer_of_a_quick_retry_is_found_beside_the_failed_run(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    wiro_emulator.outcome(duration=0.0)
    with pytest.raises(WiroTaskFailed):
        run_try()
    lose_a_try(monkeypatch, PaidTask, "obtained")
    assert run_try()["taskid"] == SECOND
    assert len(wiro_emulator.runs) == 2


def test_a_new_generation_that_was_never_sent_is_not_the_one_before(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(duration=0.0, times=-1)
    run_try(idempotency_key="1")
    lose_a_try(monkeypatch, pay, "_begin", after=True, idempotency_key="2")
    assert run_try(idempotency_key="2")["taskid"] == SECOND
    assert len(wiro_emulator.runs) == 2


def test_paying_for_changed_inputs_is_a_warning_that_names_them(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    wiro_emulator.outcome(duration=0.0, times=-1)
    run_try(prompt="try 1", seed=7)
    lines.lines.clear()
    run_try(prompt="try 2", seed=7)
    [warning] = [line for line in warnings_in(lines) if FIRST in line]
    assert "is paid for, but its inputs were different (prompt)" in warning
    assert "set idempotency_key" in warning
    run_try(prompt="try 2", seed=7, idempotency_key="x")
    assert "its service or idempotency_key was different" in lines.text


@pytest.mark.parametrize("told", [Standing.ENDED, Standing.GOES_ON])
@pytest.mark.parametrize(
    ("change", "left"), [({"try_number": 2}, True), ({"try_number": 2, "taskid": "1"}, False), ({}, False)]
)
def test_a_worker_that_wakes_and_is_told_to_end_leaves_what_a_later_try_has_announced(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, told: Standing, change: dict[str, Any], left: bool
) -> None:
    monkeypatch.setattr(ending, "standing", lambda ti: told)
    operator, ti = runway(), FakeTaskInstance()

    def told_to_end() -> None:
        ti.xcoms["wiro_generation"] = ti.xcoms["wiro_generation"] | change
        operator.on_kill()

    when(lambda: all_held.count("Detail") > 1, told_to_end)
    with pytest.raises(WiroInterrupted) as caught:
        operator.execute(context_of(ti))
    assert (all_held.tasks[FIRST].status == "task_cancel") is not left
    assert caught.value.retryable


@pytest.mark.parametrize(("taskid", "left"), [(FIRST, True), ("1", False)])
def test_a_worker_that_wakes_leaves_what_its_airflow_task_is_deferred_for(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, taskid: str, left: bool
) -> None:
    monkeypatch.setattr(ending, "standing", lambda ti: Standing.DEFERRED)
    operator, ti = runway(), FakeTaskInstance()

    def told_to_end() -> None:
        ti.xcoms["taskid"] = taskid
        operator.on_kill()

    when(lambda: all_held.count("Detail") > 1, told_to_end)
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(ti))
    assert (all_held.tasks[FIRST].status == "task_cancel") is not left
