"""Nothing in the trigger holds the event loop up, for all tasks of a triggerer wait on the same one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.secrets.environment_variables import EnvironmentVariablesBackend

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.task_instance import killed
from airflow_provider_wiro.task_instance.lookup import Seen
from triggerer import Triggerer, event_of, make_trigger, until

LONG = 0.8
"""Seconds that something blocks where it may."""


def longest_pause_during(work: Awaitable[Any]) -> float:
    """Run *work* beside a heartbeat; return the longest time that the heartbeat did not come."""

    async def main() -> float:
        gaps, last = [0.0], time.monotonic()

        async def beat() -> None:
            nonlocal last
            while True:
                await asyncio.sleep(0.01)
                gaps.append(time.monotonic() - last)
                last = time.monotonic()

        heart = asyncio.ensure_future(beat())
        await asyncio.sleep(0.05)
        await work
        await asyncio.sleep(0.05)
        heart.cancel()
        return max(gaps)

    return asyncio.run(main())


@pytest.fixture
def taskid(wiro_emulator: WiroEmulator) -> str:
    wiro_emulator.outcome(hold=True, duration=0.0)
    return WiroHook().run("owner/video", {"prompt": "x"}).taskid


def test_a_slow_look_up_of_the_connection_does_not_block(
    wiro_emulator: WiroEmulator, taskid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, slept = EnvironmentVariablesBackend.get_conn_value, []

    def slow(self: EnvironmentVariablesBackend, *args: Any, **kwargs: Any) -> str | None:
        time.sleep(LONG)
        slept.append(args)
        return look_up(self, *args, **kwargs)

    monkeypatch.setattr(EnvironmentVariablesBackend, "get_conn_value", slow)
    wiro_emulator.release(taskid)
    assert longest_pause_during(event_of(make_trigger(taskid))) < LONG / 2
    assert slept


@pytest.mark.parametrize("fault", ["slow", "hang"])
def test_a_slow_answer_does_not_block(wiro_emulator: WiroEmulator, taskid: str, fault: str) -> None:
    wiro_emulator.script("Detail", fault, seconds=LONG)
    wiro_emulator.release(taskid)
    assert longest_pause_during(event_of(make_trigger(taskid))) < LONG / 2


def test_a_slow_look_up_of_the_task_instance_does_not_block(
    wiro_emulator: WiroEmulator, taskid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(_: object) -> Seen:
        time.sleep(LONG)
        return Seen("failed")

    monkeypatch.setattr(killed, "look_up", slow)
    trigger = make_trigger(taskid)
    seen: Any = SimpleNamespace(task_id="video")
    trigger.task_instance = seen

    async def kill() -> None:
        triggerer = Triggerer(trigger)
        await until(lambda: wiro_emulator.count("Detail"))
        await triggerer.kill()
        await until(lambda: wiro_emulator.tasks[taskid].status == "task_cancel")

    assert longest_pause_during(kill()) < LONG / 2
