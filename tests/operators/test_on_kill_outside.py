"""Airflow calls ``on_kill`` where no ``execute`` runs: nothing that somebody needs, or that is over, is stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroBusy, WiroTaskFailed
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import ending
from airflow_provider_wiro.task_instance import Standing
from doubles import FakeTaskInstance, Lines, context_of, event, statuses
from operators import defer, generic
from taskids import FIRST

Says = Callable[[Standing], None]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    return lambda answer: monkeypatch.setattr(ending, "standing", lambda _: answer)


def with_tries(max_tries: int) -> FakeTaskInstance:
    ti = FakeTaskInstance()
    ti.max_tries = max_tries
    return ti


def deferred(ti: FakeTaskInstance, **arguments: Any) -> WiroRunOperator:
    operator = generic(deferrable=True, **arguments)
    defer(operator, ti)
    return operator


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize(
    ("answer", "tries", "status"),
    [
        (Standing.ENDED, 1, "task_cancel"),
        (Standing.GOES_ON, 1, "task_start"),
        (Standing.GOES_ON, 0, "task_cancel"),
        (Standing.AIRFLOW_SILENT, 1, "task_start"),
        (Standing.NOT_ASKED, 1, "task_cancel"),
    ],
    ids=lambda value: value.name if isinstance(value, Standing) else str(value),
)
def test_after_the_deferral_was_raised_the_table_decides(
    all_held: WiroEmulator, says: Says, answer: Standing, tries: int, status: str
) -> None:
    operator = deferred(with_tries(tries))
    says(answer)
    operator.on_kill()
    assert statuses(all_held) == [status]


@pytest.mark.parametrize("answer", Standing, ids=lambda answer: answer.name)
def test_after_the_deferral_cancel_on_kill_false_leaves_it(
    all_held: WiroEmulator, says: Says, answer: Standing
) -> None:
    operator = deferred(with_tries(0), cancel_on_kill=False)
    says(answer)
    operator.on_kill()
    assert statuses(all_held) == ["task_start"]


def test_after_the_deferral_it_stops_once_however_often_it_is_called(all_held: WiroEmulator, says: Says) -> None:
    operator = deferred(with_tries(0))
    says(Standing.ENDED)
    for _ in range(3):
        operator.on_kill()
    assert all_held.count("Kill") == 1


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("answer", Standing, ids=lambda answer: answer.name)
@pytest.mark.parametrize("wait", [True, False])
def test_after_a_success_nothing_is_sent(wiro_emulator: WiroEmulator, says: Says, wait: bool, answer: Standing) -> None:
    wiro_emulator.outcome(hold="task_start" if not wait else False, duration=0.0)
    operator = generic(wait_for_completion=wait)
    operator.execute(context_of(with_tries(0)))
    sent = len(wiro_emulator.requests)
    says(answer)
    operator.on_kill()
    assert len(wiro_emulator.requests) == sent


def test_after_the_triggers_verdict_nothing_is_sent(wiro_emulator: WiroEmulator, says: Says) -> None:
    says(Standing.ENDED)
    operator = generic()
    with pytest.raises(WiroTaskFailed):
        operator.execute_complete(context_of(with_tries(0)), event("failed"))
    operator.on_kill()
    assert wiro_emulator.requests == []


def test_after_a_failure_here_nothing_is_sent(wiro_emulator: WiroEmulator, says: Says) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    operator = generic()
    with pytest.raises(WiroTaskFailed):
        operator.execute(context_of(with_tries(0)))
    says(Standing.ENDED)
    operator.on_kill()
    assert wiro_emulator.count("Kill") == 0


def test_after_a_refusal_nothing_is_sent(wiro_emulator: WiroEmulator, says: Says) -> None:
    wiro_emulator.script("Run", "code", code=96, message="At most 1 task can be active at once", times=-1)
    operator = generic(timeout=0.1)
    with pytest.raises(WiroBusy):
        operator.execute(context_of(with_tries(0)))
    sent = len(wiro_emulator.requests)
    says(Standing.ENDED)
    operator.on_kill()
    assert len(wiro_emulator.requests) == sent


def test_after_the_deferral_for_want_of_room_nothing_is_sent(wiro_emulator: WiroEmulator, says: Says) -> None:
    wiro_emulator.script("Run", "code", code=96, message="At most 1 task can be active at once")
    operator = deferred(with_tries(0))
    says(Standing.ENDED)
    operator.on_kill()
    assert wiro_emulator.count("Kill") == 0


def test_it_never_raises_and_says_what_it_could_not_do(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    operator = deferred(with_tries(0))
    monkeypatch.setattr(ending, "standing", lambda _: 1 / 0)
    operator.on_kill()
    assert f"ERROR taskid {FIRST} COULD NOT BE STOPPED" in lines.text
