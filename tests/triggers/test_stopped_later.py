"""Only the workers know the connection: a kill while deferred is told at once, and goes on trying."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import Lines
from small_airflow import Run
from triggerer import Triggerer, WaitingTask, make_trigger, until

TOLD = "ERROR the Airflow task was killed, but taskid {} COULD NOT BE STOPPED YET"


@pytest.fixture
def trigger(run_dag: Callable[..., Run], wiro_emulator: WiroEmulator) -> Any:
    """A trigger of a task that a person has marked failed; it cannot be looked up who told it so."""
    wiro_emulator.outcome(hold=True, duration=0.0)
    run = {"model": "owner/video", "inputs": {"prompt": "x"}, "wait_for_completion": False}
    task = WaitingTask(run_dag(lambda: WiroRunOperator(task_id="video", **run)))
    task.set_state("failed")
    [taskid] = wiro_emulator.tasks
    trigger = make_trigger(taskid, outage_tolerance=8.0, deadline=time.time() + 0.1)
    trigger.task_instance = task.seen
    with task.supervised():
        yield trigger


def kill(trigger: Any, lines: Lines, then: Callable[[], object]) -> None:
    async def scene() -> None:
        from airflow_provider_wiro.triggers.wiro import _stopping

        triggerer = Triggerer(trigger)
        await asyncio.sleep(0.05)
        await triggerer.kill(times=2)
        await until(lambda: TOLD.format(trigger.taskid) in lines.text, within=5)
        then()
        await until(lambda: not _stopping)

    asyncio.run(scene())


def test_it_is_told_at_once_and_stopped_as_soon_as_the_connection_is_there(
    wiro_emulator: WiroEmulator, trigger: Any, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")
    connection = json.dumps(wiro_emulator.connection)
    kill(trigger, lines, lambda: monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", connection))
    assert wiro_emulator.tasks[trigger.taskid].status == "task_cancel"
    [told] = [line for line in lines.lines if TOLD.format(trigger.taskid) in line]
    for words in (
        "It may still run and be paid",
        "connection wiro_default cannot be read",
        "dashboard",
        "environment of the workers",
    ):
        assert words in told


def test_where_the_connection_stays_away_it_ends_in_an_error(
    wiro_emulator: WiroEmulator, trigger: Any, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")
    trigger.outage_tolerance = 0.5
    kill(trigger, lines, lambda: None)
    assert wiro_emulator.tasks[trigger.taskid].status == "task_start"
    assert f"ERROR the Airflow task was killed; taskid {trigger.taskid} COULD NOT BE STOPPED (" in lines.text
