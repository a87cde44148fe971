"""Airflow 2 is asked in its database, and there says which try it means."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.task_instance import Standing, another_try_comes, standing, was_killed
from small_airflow import Run
from triggerer import WaitingTask

pytestmark = pytest.mark.skipif(AIRFLOW_V_3_0_PLUS, reason="Airflow 3 is asked over the supervisor")


@pytest.fixture
def task(run_dag: Callable[..., Run], wiro_emulator: WiroEmulator) -> WaitingTask:
    """A deferred task instance in its first try, whose XCom names its Wiro task."""
    wiro_emulator.outcome(hold=True, duration=0.0)
    run: dict[str, Any] = {"model": "owner/video", "inputs": {"prompt": "x"}, "wait_for_completion": False}
    return WaitingTask(run_dag(lambda: WiroRunOperator(task_id="video", **run)))


@pytest.mark.parametrize(
    ("state", "told"), [("running", Standing.GOES_ON), ("failed", Standing.ENDED), ("restarting", Standing.ENDED)]
)
def test_the_state_of_this_try_tells(task: WaitingTask, state: str, told: Standing) -> None:
    task.set_state(state)
    assert standing(task.seen) is told


def test_another_try_that_runs_is_the_end_of_this_one(task: WaitingTask) -> None:
    task.set_state("running")
    task.seen.try_number = 2
    assert standing(task.seen) is Standing.ENDED


def test_a_database_that_is_away_is_silence_and_no_end(task: WaitingTask, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow import settings
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    away = create_engine("sqlite:////no/such/folder/airflow.db")
    monkeypatch.setattr(settings, "Session", sessionmaker(bind=away))
    assert standing(task.seen) is Standing.AIRFLOW_SILENT


@pytest.mark.parametrize(
    ("state", "try_number", "killed"),
    [
        ("deferred", 1, False),
        ("deferred", None, False),
        ("scheduled", 1, False),
        ("queued", 1, False),
        ("running", 1, False),
        ("scheduled", None, True),
        ("scheduled", 2, True),
        ("queued", 2, True),
        ("running", 2, True),
        ("failed", 1, True),
        ("up_for_retry", 1, True),
    ],
)
def test_a_task_that_was_resumed_in_the_same_try_was_not_killed(
    wiro_emulator: WiroEmulator, task: WaitingTask, state: str, try_number: int | None, killed: bool
) -> None:
    """*try_number* is the trigger's; the task instance is in its first: 2 stands for any other."""
    [taskid] = wiro_emulator.tasks
    task.set_state(state)
    assert asyncio.run(was_killed(task.seen, taskid, try_number)) is killed


def test_a_resumed_task_that_has_another_wiro_task_has_killed_this_one(
    wiro_emulator: WiroEmulator, task: WaitingTask
) -> None:
    [taskid] = wiro_emulator.tasks
    task.set_state("running")
    task.record(f"{taskid}0")
    assert asyncio.run(was_killed(task.seen, taskid, 1))


@pytest.mark.parametrize(("retries", "comes"), [(0, False), (1, True)])
def test_airflow_2_says_itself_whether_another_try_comes(
    run_dag: Callable[..., Run], wiro_emulator: WiroEmulator, retries: int, comes: bool
) -> None:
    asked: list[bool] = []

    class Asking(WiroRunOperator):
        def execute(self, context: Any) -> Any:
            asked.append(another_try_comes(context["ti"], RuntimeError("x"), self, context))

    run_dag(lambda: Asking(task_id="video", model="owner/video", retries=retries))
    assert asked == [comes]
