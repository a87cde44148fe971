"""What the trigger fires, on a real event loop, against the emulator."""

from __future__ import annotations

import asyncio
import json
import time
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroTaskError
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.triggers import wiro as triggers
from doubles import Lines
from triggerer import event_of, fire, make_trigger, until

MODEL = "owner/video"


def submit(**inputs: object) -> str:
    return WiroHook().run(MODEL, {"prompt": "a lighthouse", **inputs}).taskid


def test_a_success_carries_the_result(wiro_emulator: WiroEmulator) -> None:
    taskid = submit()
    event = fire(make_trigger(taskid))
    assert {name: event[name] for name in ("version", "taskid", "verdict", "status", "stopped")} == {
        "version": 1,
        "taskid": taskid,
        "verdict": "success",
        "status": "task_postprocess_end",
        "stopped": None,
    }
    [output] = event["result"]["outputs"]
    assert output["content_type"] == "video/mp4"
    assert event["result"]["cost_usd"] == 0.01


@pytest.mark.parametrize(
    ("verdict", "outcome", "fields", "remote", "said"),
    [
        ("failed", {"pexit": "1", "debugerror": "no GPU left"}, {}, "task_postprocess_end", "pexit 1: no GPU left"),
        ("charged", {"pexit": None, "outputs": 0}, {}, "task_postprocess_end", "0.01 USD; it ended without outputs"),
        ("cancelled", {"end": "task_cancel"}, {}, "task_cancel", ""),
        ("stuck", {"end": "task_error"}, {"task_error_grace": 0.2}, "task_cancel", "task_error for"),
        ("timeout", {"hold": True}, {"deadline": 0.0}, "task_cancel", "not finished"),
    ],
)
def test_each_verdict_is_told_with_its_reason(
    wiro_emulator: WiroEmulator, verdict: str, outcome: dict[str, Any], fields: dict[str, Any], remote: str, said: str
) -> None:
    wiro_emulator.outcome(**{"duration": 0.0} | outcome)
    taskid = submit()
    event = fire(make_trigger(taskid, **fields))
    assert (event["verdict"], event["taskid"], event["result"]) == (verdict, taskid, None)
    assert event["reason"].startswith(said)
    assert wiro_emulator.tasks[taskid].status == remote
    assert event["stopped"] is (True if verdict in ("stuck", "timeout") else None)
    assert isinstance(error_of(Verdict.from_event(event)), WiroTaskError)


def test_without_a_good_answer_it_gives_up_and_stops_the_task(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = submit()
    wiro_emulator.script("Detail", "5xx", times=-1)
    event = fire(make_trigger(taskid, outage_tolerance=0.3))
    assert (event["verdict"], event["stopped"]) == ("gave_up", True)
    assert "502" in event["reason"]
    assert wiro_emulator.tasks[taskid].status == "task_cancel"


def test_a_task_that_wiro_does_not_know_is_not_found(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.core.polling.NOT_FOUND_GRACE", 0.2)
    event = fire(make_trigger("999"))
    assert (event["verdict"], event["taskid"]) == ("not_found", "999")


@pytest.mark.parametrize(
    ("urls", "length", "travels"), [(3, 200, True), (100, 400, False), (1, 7_900, True), (3000, 10, False)]
)
def test_an_event_has_at_most_16_kilobytes(wiro_emulator: WiroEmulator, urls: int, length: int, travels: bool) -> None:
    rows = [{"url": f"https://cdn.wiro.ai/{number}{'x' * length}", "name": "0.mp4"} for number in range(urls)]
    wiro_emulator.outcome(duration=0.0, outputs=rows, debugoutput="log " * 20_000, debugerror="warn " * 20_000)
    event = fire(make_trigger(submit()))
    assert len(json.dumps(event)) <= 16_000
    assert event["verdict"] == "success"
    assert (event["result"] is not None) == travels


def test_the_log_tells_each_change_of_status_once(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    wiro_emulator.outcome(statuses=["task_queue", "task_napping", "task_start"], duration=2.4)
    taskid = submit()
    fire(make_trigger(taskid))
    story = [line for line in lines.text.splitlines() if f"taskid {taskid}: task_" in line]
    assert [line.split(f"taskid {taskid}: ")[1].split(" after ")[0] for line in story] == [
        "task_queue",
        "task_queue -> task_napping",
        "task_napping -> task_start",
        "task_start -> task_postprocess_end",
    ]
    assert story[1].startswith("WARNING")
    assert "does not know" in story[1]


def test_a_rotated_key_is_read_again_while_waiting(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.clients.aio.REREAD_PAUSE", 0.1)
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = submit()

    async def rotate() -> dict[str, Any]:
        waiting = asyncio.ensure_future(event_of(make_trigger(taskid)))
        await until(lambda: wiro_emulator.count("Detail"))
        wiro_emulator.rotate_key("new-key-0123", "new-secret-0123")
        await until(lambda: wiro_emulator.requests[-1].status == 401)
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(wiro_emulator.connection))
        wiro_emulator.release(taskid)
        return await waiting

    assert asyncio.run(rotate())["verdict"] == "success"


def test_a_connection_that_cannot_be_read_at_first_is_read_later(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    taskid = submit()
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")

    async def restore() -> dict[str, Any]:
        waiting = asyncio.ensure_future(event_of(make_trigger(taskid)))
        await until(lambda: "connection wiro_default cannot be read yet" in lines.text)
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(wiro_emulator.connection))
        return await waiting

    assert asyncio.run(restore())["verdict"] == "success"


def test_a_clock_that_is_put_forward_ends_no_wait_for_the_connection(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    taskid = submit()
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")

    async def restore() -> dict[str, Any]:
        waiting = asyncio.ensure_future(event_of(make_trigger(taskid, outage_tolerance=20.0)))
        await until(lambda: "cannot be read yet" in lines.text)
        monkeypatch.setattr(triggers, "time", SimpleNamespace(time=lambda: time.time() + 25, monotonic=time.monotonic))
        await until(lambda: lines.text.count("cannot be read yet") > 1)
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(wiro_emulator.connection))
        return await waiting

    assert asyncio.run(restore())["verdict"] == "success"


def test_a_connection_that_stays_away_fails_the_trigger(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    taskid = submit()
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")
    with pytest.raises(Exception, match="wiro_default"):
        fire(make_trigger(taskid, outage_tolerance=0.3))
    with pytest.raises(Exception, match="wiro_default"):
        fire(make_trigger(taskid, deadline=time.time() + 0.3))


def test_many_triggers_share_one_look_up_and_one_session(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_wiro.clients import shared
    from airflow_provider_wiro.clients.aio import AsyncClient
    from airflow_provider_wiro.hooks.connection import aread_credentials

    looked_up, clients = [], []

    async def look_up(conn_id: str) -> Any:
        looked_up.append(conn_id)
        return await aread_credentials(conn_id)

    class Counted(AsyncClient):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            clients.append(self)

    monkeypatch.setattr("airflow_provider_wiro.triggers.wiro.aread_credentials", look_up)
    monkeypatch.setattr(shared, "AsyncClient", Counted)
    wiro_emulator.outcome(duration=0.0, times=-1)
    taskids = [submit() for _ in range(10)]

    async def all_of_them() -> list[dict[str, Any]]:
        return await asyncio.gather(*(event_of(make_trigger(taskids[number % 10])) for number in range(300)))

    events = asyncio.run(all_of_them())
    assert [event["verdict"] for event in events] == ["success"] * 300
    assert looked_up == ["wiro_default"]
    assert len(clients) == 1
    assert clients[0]._session.closed
