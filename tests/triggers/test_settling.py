"""Airflow fails a task whose trigger fires too early, so a trigger that watches Wiro lives for a while at least."""

from __future__ import annotations

import asyncio
import time

import pytest

from airflow_provider_wiro import triggers
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from triggerer import Triggerer, fire, make_trigger, until


def submit() -> str:
    return WiroHook().run("owner/video", {"prompt": "a lighthouse"}).taskid


def test_it_is_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert triggers.SETTLING == 5.0


def test_an_end_that_comes_early_is_told_later(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "SETTLING", 1.5)
    wiro_emulator.outcome(duration=0.0)
    taskid, began = submit(), time.monotonic()
    assert fire(make_trigger(taskid))["verdict"] == "success"
    assert time.monotonic() - began >= 1.5
    assert wiro_emulator.count("Detail") == 1


def test_an_end_that_comes_later_is_told_at_once(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triggers, "SETTLING", 0.5)
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def watched(seconds: float, *rest: object) -> None:
        pauses.append(seconds)
        await sleep(seconds)

    wiro_emulator.outcome(duration=1.0)
    taskid = submit()
    monkeypatch.setattr("airflow_provider_wiro.triggers.wiro.asyncio.sleep", watched)
    assert fire(make_trigger(taskid))["verdict"] == "success"
    assert pauses[-1] == 0.0


def test_a_triggerer_that_shuts_down_meanwhile_is_not_held_up(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triggers, "SETTLING", 600.0)
    wiro_emulator.outcome(duration=0.0)
    trigger = make_trigger(submit())

    async def scene() -> None:
        triggerer = Triggerer(trigger)
        await until(lambda: wiro_emulator.count("Detail"))
        await triggerer.shut_down()

    began = time.monotonic()
    asyncio.run(scene())
    assert time.monotonic() - began < 60
    assert wiro_emulator.count("Kill") == 0
