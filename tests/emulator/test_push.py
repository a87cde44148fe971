"""The socket: what is asked of it, and what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import requests
from emulator_client import Client

from airflow_provider_wiro.emulator import WiroEmulator


def frames(
    emulator: WiroEmulator, *asked: str, until: Callable[[dict[str, Any]], bool] = lambda _: False
) -> list[dict[str, Any]]:
    """Send *asked*, and return what comes: up to the frame that *until* names, or the end of the connection."""

    async def listen() -> list[dict[str, Any]]:
        came = []
        async with (
            asyncio.timeout(10),
            aiohttp.ClientSession() as session,
            session.ws_connect(emulator.socket_url) as ws,
        ):
            for text in asked:
                await ws.send_str(text)
            async for message in ws:
                if message.type is aiohttp.WSMsgType.TEXT:
                    came.append(json.loads(message.data))
                    if until(came[-1]):
                        break
        return came

    return asyncio.run(listen())


def ask(emulator: WiroEmulator, taskid: str) -> str:
    return json.dumps({"type": "task_info", "tasktoken": emulator.tasks[taskid].token})


def test_it_says_each_status_and_how_far_the_task_is(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(duration=3.0)
    taskid = wiro.run()
    first, *told = frames(emulator, ask(emulator, taskid), until=lambda frame: frame["type"] == "task_postprocess_end")
    assert first == {"type": "connected", "version": "1.0"}
    assert {(frame["id"], frame["tasktoken"], frame["result"]) for frame in told} == {
        (taskid, emulator.tasks[taskid].token, True)
    }
    assert "task_start" in [frame["type"] for frame in told]
    progress = [frame["message"] for frame in told if frame["message"]]
    assert [int(each["percentage"]) for each in progress] == sorted(int(each["percentage"]) for each in progress)
    assert {each["type"] for each in progress} == {"progressGenerate"}
    assert emulator.count("Socket") == 1


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"type": "task_info"}', '{"type": "task_info", "tasktoken": "x"}'])
def test_a_wrong_subscription_is_refused_and_the_connection_stays(
    wiro: Client, emulator: WiroEmulator, text: str
) -> None:
    emulator.outcome(duration=0.5, hold=True)
    taskid = wiro.run()

    def over(frame: dict[str, Any]) -> bool:
        if frame["type"] == "error":
            emulator.release(taskid)
        return bool(frame["type"] == "task_postprocess_end")

    _, refusal, *told = frames(emulator, text, ask(emulator, taskid), until=over)
    assert (refusal["type"], refusal["result"]) == ("error", False)
    assert told


def test_a_cut_socket_and_an_outage_end_it(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("Socket", "socket_cut", events=1)
    assert len(frames(emulator, ask(emulator, wiro.run()))) == 2
    emulator.outcome(hold=True)
    taskid = wiro.run()

    def stop(frame: dict[str, Any]) -> bool:
        emulator.outage(5)
        return False

    assert frames(emulator, ask(emulator, taskid), until=stop)[0]["type"] == "connected"


def test_it_is_a_socket_alone(emulator: WiroEmulator) -> None:
    answer = requests.get(emulator.socket_url.replace("ws", "http", 1), timeout=5)
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")


@pytest.mark.parametrize("call", ["Detail", "*"])
def test_a_fault_of_sockets_is_for_sockets_alone(emulator: WiroEmulator, call: str) -> None:
    with pytest.raises(ValueError, match="the fault socket_silent is for the call Socket alone, not for"):
        emulator.script(call, "socket_silent")


def test_it_ends_while_sockets_are_open() -> None:
    async def scene(emulator: WiroEmulator) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(emulator.socket_url) as ws:
            await ws.receive_json()
            stopping: Awaitable[None] = asyncio.to_thread(emulator.stop)
            async with asyncio.timeout(4):
                await asyncio.gather(stopping, ws.receive())

    with WiroEmulator() as emulator:
        asyncio.run(scene(emulator))
