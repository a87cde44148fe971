"""A sensor that is killed, or breaks: what becomes of the task, which is not its own."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted, WiroTaskGaveUp
from airflow_provider_wiro.stages import ending
from airflow_provider_wiro.task_instance import Standing
from doubles import context_of, statuses, when
from sensing import Task, sense, sensor, submit
from taskids import FIRST

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
