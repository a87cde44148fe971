"""A trigger is cancelled: because its task was killed, or because it moves to another triggerer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.models import Connection
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS
from airflow.utils.session import create_session

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger
from doubles import Lines
from small_airflow import Run, warnings_of_airflow
from taskids import FIRST, SECOND
from triggerer import Triggerer, WaitingTask, fire, make_trigger, until

RunDag = Callable[..., Run]


@pytest.fixture
def task(run_dag: RunDag, wiro_emulator: WiroEmulator) -> WaitingTask:
    """A deferred task instance, whose XCom names the Wiro task 2221, which runs."""
    return _waiting(run_dag, wiro_emulator, lambda: WiroRunOperator(task_id="video", **RUN))


RUN: dict[str, Any] = {"model": "owner/video", "inputs": {"prompt": "x"}, "wait_for_completion": False}


def _waiting(run_dag: RunDag, emulator: WiroEmulator, build: Callable[[], object]) -> WaitingTask:
    emulator.outcome(hold=True, duration=0.0)
    return WaitingTask(run_dag(build))


def cancel(
    emulator: WiroEmulator,
    task: WaitingTask,
    end: Callable[[Triggerer], Any],
    *,
    trigger: WiroTaskTrigger | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> str:
    """Run a trigger, *end* it once it has looked at its task, and return what became of the Wiro task."""
    trigger = trigger or make_trigger(FIRST)
    trigger.task_instance = task.seen

    looks = emulator.count("Detail")

    async def scene() -> None:
        from airflow_provider_wiro.triggers.wiro import _stopping

        triggerer = Triggerer(trigger)
        await until(lambda: emulator.count("Detail") > looks)
        meanwhile()
        await end(triggerer)
        await until(lambda: not _stopping)

    with task.supervised():
        asyncio.run(scene())
    return emulator.tasks[FIRST].status


def test_a_task_marked_failed_stops_the_wiro_task(wiro_emulator: WiroEmulator, task: WaitingTask) -> None:
    task.set_state("failed")
    assert cancel(wiro_emulator, task, Triggerer.kill) == "task_cancel"


@pytest.mark.parametrize("state", ["success", "skipped", "up_for_retry", "scheduled", "removed"])
def test_any_state_but_deferred_stops_the_wiro_task(wiro_emulator: WiroEmulator, task: WaitingTask, state: str) -> None:
    task.set_state(state)
    assert cancel(wiro_emulator, task, Triggerer.kill) == "task_cancel"


def test_a_trigger_that_moves_to_another_triggerer_leaves_the_wiro_task_alone(
    wiro_emulator: WiroEmulator, task: WaitingTask
) -> None:
    assert cancel(wiro_emulator, task, Triggerer.kill) == "task_start"
    assert wiro_emulator.count("Kill") == wiro_emulator.count("Cancel") == 0


@pytest.mark.parametrize("recorded", [None, SECOND])
def test_a_task_that_was_cleared_and_is_deferred_again_stops_the_old_wiro_task(
    wiro_emulator: WiroEmulator, task: WaitingTask, recorded: str | None
) -> None:
    task.record(recorded)
    assert cancel(wiro_emulator, task, Triggerer.kill) == "task_cancel"


def test_a_triggerer_that_shuts_down_leaves_the_wiro_task_alone(wiro_emulator: WiroEmulator, task: WaitingTask) -> None:
    assert cancel(wiro_emulator, task, Triggerer.shut_down) == "task_start"


def test_a_mapped_task_is_looked_up_by_its_index(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    def build() -> object:
        run = {name: value for name, value in RUN.items() if name != "inputs"}
        return WiroRunOperator.partial(task_id="video", **run).expand(inputs=[{"prompt": "x"}])

    mapped = _waiting(run_dag, wiro_emulator, build)
    assert mapped.seen.map_index == 0
    assert cancel(wiro_emulator, mapped, Triggerer.kill) == "task_start"
    mapped.set_state("failed")
    assert cancel(wiro_emulator, mapped, Triggerer.kill) == "task_cancel"


def test_where_it_is_unsure_only_a_kill_by_name_stops_the_wiro_task(
    wiro_emulator: WiroEmulator, task: WaitingTask, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def broken(*_: object) -> None:
        raise ConnectionError("the API server is away")

    monkeypatch.setattr("airflow_provider_wiro.triggers.wiro.was_killed", broken)
    status = cancel(wiro_emulator, task, Triggerer.kill)
    assert status == ("task_cancel" if AIRFLOW_V_3_3_PLUS else "task_start")
    assert "the API server is away" in lines.text


def test_cancel_on_kill_false_leaves_the_wiro_task_alone(wiro_emulator: WiroEmulator, task: WaitingTask) -> None:
    task.set_state("failed")
    trigger = make_trigger(FIRST, cancel_on_kill=False)
    assert cancel(wiro_emulator, task, Triggerer.kill, trigger=trigger) == "task_start"


def test_repeated_cancellation_does_not_keep_the_stop_from_arriving(
    wiro_emulator: WiroEmulator, task: WaitingTask
) -> None:
    task.set_state("failed")
    wiro_emulator.script("Kill", "slow", seconds=0.6)
    status = cancel(wiro_emulator, task, lambda triggerer: triggerer.kill(times=8))
    assert status == "task_cancel"
    assert wiro_emulator.count("Kill") == 1


def test_the_stop_uses_the_credentials_in_memory(
    wiro_emulator: WiroEmulator, task: WaitingTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.set_state("failed")
    status = cancel(
        wiro_emulator, task, Triggerer.kill, meanwhile=lambda: monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")
    )
    assert status == "task_cancel"


def test_a_key_that_was_rotated_before_the_kill_is_read_for_the_stop(
    wiro_emulator: WiroEmulator, task: WaitingTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rotate() -> None:
        wiro_emulator.rotate_key("new-key", "new-secret")
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(wiro_emulator.connection))

    task.set_state("failed")
    trigger = make_trigger(FIRST, poll_interval=30.0)
    assert cancel(wiro_emulator, task, Triggerer.kill, trigger=trigger, meanwhile=rotate) == "task_cancel"


def test_a_kill_while_the_connection_is_still_being_read_stops_the_wiro_task(
    wiro_emulator: WiroEmulator, task: WaitingTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_wiro.hooks.connection import aread_credentials

    asked: list[str] = []

    async def slow(conn_id: str) -> Any:
        asked.append(conn_id)
        await asyncio.sleep(0.3)
        return await aread_credentials(conn_id)

    monkeypatch.setattr("airflow_provider_wiro.triggers.wiro.aread_credentials", slow)
    task.set_state("failed")
    trigger = make_trigger(FIRST)
    trigger.task_instance = task.seen

    async def scene() -> None:
        from airflow_provider_wiro.triggers.wiro import _stopping

        triggerer = Triggerer(trigger)
        await until(lambda: asked)
        await triggerer.kill()
        await until(lambda: not _stopping)

    with task.supervised():
        asyncio.run(scene())
    assert wiro_emulator.tasks[FIRST].status == "task_cancel"
    assert wiro_emulator.count("Detail") == 0


def test_other_triggers_of_the_connection_go_on_when_one_is_killed(
    wiro_emulator: WiroEmulator, task: WaitingTask
) -> None:
    from airflow_provider_wiro.hooks.wiro import WiroHook
    from triggerer import event_of

    wiro_emulator.outcome(hold=True, duration=0.0)
    other = WiroHook().run("owner/video", {"prompt": "y"}).taskid
    task.set_state("failed")
    trigger = make_trigger(FIRST)
    trigger.task_instance = task.seen

    async def scene() -> str:
        waiting = asyncio.ensure_future(event_of(make_trigger(other)))
        triggerer = Triggerer(trigger)
        await until(lambda: wiro_emulator.count("Detail") >= 2)
        await triggerer.kill()
        await until(lambda: wiro_emulator.tasks[FIRST].status == "task_cancel")
        wiro_emulator.release(other)
        return str((await waiting)["verdict"])

    with task.supervised():
        assert asyncio.run(scene()) == "success"


def test_a_connection_in_the_database_is_found_in_the_process_that_tries_a_dag_out(
    wiro_emulator: WiroEmulator, task: WaitingTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There, Airflow 3.3 knows only the blocking way to it (``get_async_connection`` says that it isn't defined)."""
    kept_in_the_database("kept", wiro_emulator)
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")
    wiro_emulator.release(FIRST)
    with task.supervised():
        assert fire(make_trigger(FIRST, conn_id="kept"))["verdict"] == "success"


def kept_in_the_database(conn_id: str, emulator: WiroEmulator) -> None:
    with warnings_of_airflow(), create_session() as session:
        session.add(Connection(conn_id=conn_id, **emulator.connection))
