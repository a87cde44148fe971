"""The connection comes to name another service while tasks wait: nothing of theirs goes there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from airflow_provider_wiro.clients.shared import Lease
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.connection import aread_credentials
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import Lines, when
from driving import ListLog, credentials_of
from small_airflow import Run
from triggerer import Triggerer, WaitingTask, event_of, make_trigger, until


@pytest.fixture
def elsewhere() -> Iterator[WiroEmulator]:
    """Another service, whose task of the same taskid runs, too."""
    with WiroEmulator(duration=0.5) as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def read_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_wiro.clients.shared.REREAD_AGE", 0.0)
    monkeypatch.setattr("airflow_provider_wiro.clients.aio.REREAD_PAUSE", 0.1)


def lead_to(emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(emulator.connection))


def submit(emulator: WiroEmulator) -> str:
    emulator.outcome(hold=True, duration=0.0)
    return WiroHook().run("owner/video", {"prompt": "x"}).taskid


def keys_at(emulator: WiroEmulator) -> set[str]:
    return {str(request.headers.get("x-api-key")) for request in emulator.requests}


@pytest.mark.parametrize("release", ["0.1.0", "0.2.0"])
def test_a_new_trigger_does_not_move_the_waiting_ones_and_going_back_lets_all_go_on(
    wiro_emulator: WiroEmulator, elsewhere: WiroEmulator, monkeypatch: pytest.MonkeyPatch, release: str
) -> None:
    here, there = credentials_of(wiro_emulator).base_url, credentials_of(elsewhere).base_url
    waiting = submit(wiro_emulator)
    lead_to(elsewhere, monkeypatch)
    new = submit(elsewhere)
    lead_to(wiro_emulator, monkeypatch)

    async def scene() -> list[dict[str, Any]]:
        of_release = {} if release == "0.1.0" else {"base_url": here, "try_number": 1}
        first = asyncio.ensure_future(event_of(make_trigger(waiting, **of_release)))
        await until(lambda: wiro_emulator.count("Detail"))
        lead_to(elsewhere, monkeypatch)
        second = asyncio.ensure_future(event_of(make_trigger(new, base_url=there)))
        await until(lambda: elsewhere.count("Detail") > 1)
        elsewhere.release(new)
        second_event = await second
        looks = wiro_emulator.count("Detail")
        await asyncio.sleep(0.5)
        assert wiro_emulator.count("Detail") <= looks + 1
        lead_to(wiro_emulator, monkeypatch)
        await until(lambda: wiro_emulator.count("Detail") > looks + 1)
        wiro_emulator.release(waiting)
        return [await first, second_event]

    events = asyncio.run(scene())
    assert [event["verdict"] for event in events] == ["success", "success"]
    asked = [json.loads(request.raw).get("taskid") for request in elsewhere.requests if request.call == "Detail"]
    assert set(asked) == {new}
    assert keys_at(wiro_emulator) == {wiro_emulator.connection["login"]}
    assert keys_at(elsewhere) == {elsewhere.connection["login"]}


@pytest.fixture
def killed(run_dag: Callable[..., Run], wiro_emulator: WiroEmulator) -> Iterator[Any]:
    """The trigger of a task that a person has marked failed."""
    wiro_emulator.outcome(hold=True, duration=0.0)
    run = {"model": "owner/video", "inputs": {"prompt": "x"}, "wait_for_completion": False}
    task = WaitingTask(run_dag(lambda: WiroRunOperator(task_id="video", **run)))
    task.set_state("failed")
    [taskid] = wiro_emulator.tasks
    trigger = make_trigger(taskid, base_url=credentials_of(wiro_emulator).base_url, outage_tolerance=2.0)
    trigger.task_instance = task.seen
    with task.supervised():
        yield trigger


def kill(trigger: Any, looked: Callable[[], object], meanwhile: Callable[[], Any]) -> None:
    async def scene() -> None:
        from airflow_provider_wiro.triggers.wiro import _stopping

        triggerer = Triggerer(trigger)
        await until(looked)
        lease = await meanwhile()
        await triggerer.kill(times=2)
        await until(lambda: not _stopping)
        if lease is not None:
            await lease.release()

    asyncio.run(scene())


def test_a_kill_goes_where_the_task_runs_with_the_credentials_that_were_read_for_it(
    wiro_emulator: WiroEmulator, elsewhere: WiroEmulator, monkeypatch: pytest.MonkeyPatch, killed: Any
) -> None:
    async def lead_away() -> None:
        lead_to(elsewhere, monkeypatch)

    kill(killed, lambda: wiro_emulator.count("Detail"), lead_away)
    assert wiro_emulator.tasks[killed.taskid].status == "task_cancel"
    assert elsewhere.requests == []


def test_a_kill_does_not_wait_where_the_same_service_is_spelled_in_another_way(
    wiro_emulator: WiroEmulator, lines: Lines, killed: Any
) -> None:
    killed.base_url = killed._service = f"{killed.base_url}/"

    async def nothing() -> None:
        pass

    kill(killed, lambda: wiro_emulator.count("Detail"), nothing)
    assert wiro_emulator.tasks[killed.taskid].status == "task_cancel"
    assert "COULD NOT BE STOPPED YET" not in lines.text


@pytest.mark.parametrize("back", [False, True])
def test_a_kill_sends_nothing_to_the_other_service_and_waits_for_the_way_back(
    wiro_emulator: WiroEmulator,
    elsewhere: WiroEmulator,
    monkeypatch: pytest.MonkeyPatch,
    lines: Lines,
    killed: Any,
    back: bool,
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.triggers.wiro.REREAD_PAUSE", 0.1)
    monkeypatch.setattr("airflow_provider_wiro.core.calls.STOP_PAUSES", ())
    told = f"taskid {killed.taskid} COULD NOT BE STOPPED YET"

    async def move_the_shared_client() -> Lease:
        lead_to(elsewhere, monkeypatch)
        lease = await Lease.take("wiro_default", partial(aread_credentials, "wiro_default"), ListLog())
        if back:
            when(lambda: told in lines.text, lambda: lead_to(wiro_emulator, monkeypatch))
        return lease

    kill(killed, lambda: wiro_emulator.count("Detail"), move_the_shared_client)
    assert elsewhere.requests == []
    here, there = (credentials_of(emulator).base_url for emulator in (wiro_emulator, elsewhere))
    assert f"leads to {there}, but the task runs on {here}" in lines.text
    assert told in lines.text
    assert wiro_emulator.tasks[killed.taskid].status == ("task_cancel" if back else "task_start")
    assert ("COULD NOT BE STOPPED (" in lines.text) is not back
