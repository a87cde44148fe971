"""With ``[wiro] push``, Wiro says when a task is over."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from doubles import Lines
from triggerer import event_of, fire, make_trigger, until


@pytest.fixture
def pushing(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> WiroEmulator:
    connection = wiro_emulator.connection | {"extra": {"socket_url": wiro_emulator.socket_url}}
    monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(connection))
    return wiro_emulator


def test_an_end_is_seen_at_once(pushing: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__PUSH", "True")
    pushing.outcome(duration=2.0, hold=True)
    taskid = WiroHook().run("owner/video", {"prompt": "a lighthouse"}).taskid

    async def scene() -> dict[str, Any]:
        waiting = asyncio.ensure_future(event_of(make_trigger(taskid, poll_interval=60.0)))
        await until(lambda: "%" in lines.text)
        pushing.release(taskid)
        return await waiting

    assert asyncio.run(scene())["verdict"] == "success"
    assert pushing.count("Detail") == 2
    assert pushing.runs[0].token not in lines.text


def test_by_itself_no_socket_is_opened(pushing: WiroEmulator) -> None:
    taskid = WiroHook().run("owner/video", {"prompt": "a lighthouse"}).taskid
    assert fire(make_trigger(taskid))["verdict"] == "success"
    assert pushing.count("Socket") == 0


def test_an_option_that_cannot_be_read_is_off(
    pushing: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__PUSH", "perhaps")
    taskid = WiroHook().run("owner/video", {"prompt": "a lighthouse"}).taskid
    assert fire(make_trigger(taskid))["verdict"] == "success"
    assert pushing.count("Socket") == 0
    assert "[wiro] push is taken as False" in lines.text
