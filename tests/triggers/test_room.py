"""Many tasks that want to submit wait in a triggerer, and are let in as there is room."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro import triggers
from airflow_provider_wiro.clients import door
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.triggers import room
from airflow_provider_wiro.triggers.room import WiroRoomTrigger
from doubles import Lines
from triggerer import Triggerer, event_of, fire

SAMPLE = Path(__file__).parent / "samples" / "0.2.0" / "room.json"
Limit = Callable[[int | None], None]


@pytest.fixture
def limit(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> Limit:
    """Says how many tasks may run at once, and lets all pauses be short."""
    monkeypatch.setattr(door, "READ_EVERY", 0.2)

    def set_limit(most: int | None) -> None:
        connection = wiro_emulator.connection | {"extra": {"max_active": most}}
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(connection))

    return set_limit


def make(**fields: Any) -> Any:
    now = time.time()
    return WiroRoomTrigger(
        **{"conn_id": "wiro_default", "until": now + 60, "since": now, "attempts": 1, "try_number": 1} | fields
    )


def submit() -> str:
    return WiroHook().run("owner/video", {"prompt": "x"}).taskid


async def let_in_and_submit() -> None:
    """As a task does that a worker takes up some time after its trigger has fired."""
    await event_of(make())
    await asyncio.sleep(random.uniform(0.0, 0.5))
    await asyncio.to_thread(submit)


def test_of_fifty_that_start_at_once_never_more_run_than_may(wiro_emulator: WiroEmulator, limit: Limit) -> None:
    limit(8)

    async def all_at_once() -> None:
        await asyncio.gather(*(let_in_and_submit() for _ in range(50)))

    began = time.monotonic()
    asyncio.run(all_at_once())
    assert len(wiro_emulator.runs) == 50
    assert 1 < wiro_emulator.peak_active <= 8
    readings = (time.monotonic() - began) / door.READ_EVERY + 1
    assert wiro_emulator.count("List") <= 2 * readings  # where some run, it is read on to its end


def test_a_free_place_is_taken_by_the_next_reading(wiro_emulator: WiroEmulator, limit: Limit) -> None:
    limit(1)
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = submit()

    async def scene() -> None:
        waiting = asyncio.ensure_future(event_of(make()))
        await asyncio.sleep(0.7)
        assert not waiting.done()
        wiro_emulator.release(taskid)
        async with asyncio.timeout(20):
            await waiting

    asyncio.run(scene())


def test_who_was_let_in_and_never_submits_gives_the_place_back(
    wiro_emulator: WiroEmulator, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "ON_THE_WAY", 1.0)
    limit(1)

    async def both() -> float:
        began = time.monotonic()
        await event_of(make())
        await event_of(make())
        return time.monotonic() - began

    assert asyncio.run(both()) >= 1.0


def test_who_was_let_in_and_comes_back_gives_the_place_back_at_once(wiro_emulator: WiroEmulator, limit: Limit) -> None:
    limit(1)

    async def both() -> None:
        await event_of(make())
        async with asyncio.timeout(60):
            await event_of(make(attempts=2))

    asyncio.run(both())


def test_who_has_submitted_is_on_the_way_no_more_though_it_is_the_first_of_the_account(
    wiro_emulator: WiroEmulator, limit: Limit
) -> None:
    limit(2)

    async def three() -> None:
        for _ in range(2):
            await event_of(make())
        wiro_emulator.outcome(duration=0.0, times=2)
        for _ in range(2):
            await asyncio.to_thread(submit)
        async with asyncio.timeout(60):
            await event_of(make())

    asyncio.run(three())


def test_it_fires_when_its_time_is_over(wiro_emulator: WiroEmulator, limit: Limit) -> None:
    limit(1)
    wiro_emulator.outcome(hold=True, duration=0.0)
    submit()
    since = time.time()
    assert fire(make(since=since, attempts=4, until=since + 1.0)) == {"since": since, "attempts": 4, "try_number": 1}
    assert time.time() >= since + 1.0


@pytest.mark.parametrize("fault", [None, "5xx"])
def test_where_nobody_can_count_it_lets_the_task_count_itself(
    wiro_emulator: WiroEmulator, limit: Limit, monkeypatch: pytest.MonkeyPatch, fault: str | None
) -> None:
    limit(1 if fault else None)
    monkeypatch.setattr("airflow_provider_wiro.core.search.READ_PAUSES", (0.01,))
    if fault:
        wiro_emulator.script("List", fault, times=-1)
    fire(make())


def test_a_connection_that_cannot_be_read_here_is_left_to_the_worker_and_does_not_wake_it_again_and_again(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "UNSEEN", 1.5)
    began = time.time()
    fire(make(conn_id="no_such"))
    assert time.time() - began >= 1.5
    assert "whether there is room cannot be determined here" in lines.text


def test_a_connection_that_is_not_read_in_time_is_not_taken_for_no_room(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def late(conn_id: str) -> Credentials:
        raise TimeoutError("the secrets backend does not answer")

    monkeypatch.setattr(room, "UNSEEN", 0.5)
    monkeypatch.setattr(room, "aread_credentials", late)
    fire(make())
    assert "cannot be determined here: TimeoutError: the secrets backend does not answer" in lines.text
    assert "no room in time" not in lines.text


def test_it_fires_five_seconds_after_it_has_begun_at_the_earliest(
    wiro_emulator: WiroEmulator, limit: Limit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "SETTLING", 1.5)
    limit(1)
    began = time.monotonic()
    fire(make())
    assert time.monotonic() - began >= 1.5


@pytest.mark.parametrize("how", ["kill", "shut_down"])
def test_ending_it_stops_nothing_and_holds_nobody_up(wiro_emulator: WiroEmulator, limit: Limit, how: str) -> None:
    limit(1)
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = submit()

    async def scene() -> None:
        first = Triggerer(make())
        second = asyncio.ensure_future(event_of(make()))
        await asyncio.sleep(0.5)
        await getattr(first, how)(times=3)
        wiro_emulator.release(taskid)
        async with asyncio.timeout(20):
            await second

    asyncio.run(scene())
    assert wiro_emulator.count("Kill") == 0


def test_every_argument_is_serialized_and_nothing_secret_is_there() -> None:
    path, kwargs = make().serialize()
    assert list(kwargs) == list(inspect.signature(WiroRoomTrigger).parameters)
    module, name = path.rsplit(".", 1)
    assert getattr(importlib.import_module(module), name)(**kwargs).serialize() == (path, kwargs)


def test_a_row_of_this_release_loads_and_resumes() -> None:
    sample = json.loads(SAMPLE.read_text())
    module, name = sample["trigger"]["classpath"].rsplit(".", 1)
    trigger = getattr(importlib.import_module(module), name)(**sample["trigger"]["kwargs"])
    assert trigger.serialize() == (sample["trigger"]["classpath"], sample["trigger"]["kwargs"])
    method = getattr(WiroRunOperator, sample["resumes"]["method"])
    inspect.signature(method).bind(None, {}, event=sample["event"], **sample["resumes"]["kwargs"])
