"""Keys are rotated while tasks wait; neither the wait nor a kill may depend on the old one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.connection import aread_credentials
from airflow_provider_wiro.hooks.wiro import WiroHook
from doubles import Lines
from triggerer import fire, make_trigger


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections that were read."""
    read: list[str] = []

    async def look_up(conn_id: str) -> Any:
        read.append(conn_id)
        return await aread_credentials(conn_id)

    monkeypatch.setattr("airflow_provider_wiro.triggers.wiro.aread_credentials", look_up)
    monkeypatch.setattr("airflow_provider_wiro.clients.aio.REREAD_PAUSE", 0.0)
    return read


@pytest.mark.parametrize("fault", [{"code": 98, "message": "Sign in"}, {"code": 99, "message": "Token invalid"}])
def test_a_rejection_with_http_200_reads_the_connection_again(
    wiro_emulator: WiroEmulator, looked_up: list[str], fault: dict[str, Any]
) -> None:
    wiro_emulator.outcome(duration=0.0)
    taskid = WiroHook().run("owner/video", {"prompt": "x"}).taskid
    wiro_emulator.script("Detail", "code", times=2, **fault)
    assert fire(make_trigger(taskid))["verdict"] == "success"
    assert len(looked_up) == 3


def test_a_key_that_the_api_repeats_is_neither_in_the_event_nor_in_the_log(
    wiro_emulator: WiroEmulator, lines: Lines
) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = WiroHook().run("owner/video", {"prompt": "x"}).taskid
    key, secret = wiro_emulator.connection["login"], wiro_emulator.connection["password"]
    wiro_emulator.script("Detail", "code", code=98, message=f"Invalid: {key}/{secret}", times=-1)
    event = fire(make_trigger(taskid, outage_tolerance=0.3))
    assert "Invalid: ***/***" in event["reason"]
    assert key not in json.dumps(event) + lines.text
    assert secret not in json.dumps(event) + lines.text
