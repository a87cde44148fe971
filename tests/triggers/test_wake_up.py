"""The trigger that only waits for a moment, and what of it and of the journal outlives a release."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_wiro.core.journal import RECORD_VERSION, Record
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.triggers.wake_up import WiroWakeUpTrigger
from doubles import FakeTaskInstance, context_of
from operators import generic
from records import intent, submitted
from small_airflow import warnings_of_airflow
from triggerer import Triggerer, event_of, fire

RELEASES = [
    release for release in sorted((Path(__file__).parent / "samples").iterdir()) if (release / "wake_up.json").exists()
]
each_release = pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)


def load(release: Path, name: str) -> Any:
    return json.loads((release / name).read_text())


def build(row: dict[str, Any]) -> Any:
    module, name = row["classpath"].rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**row["kwargs"])


def make(moment: float) -> Any:
    return WiroWakeUpTrigger(moment=moment, since=1.5, attempts=3)


def test_it_fires_at_its_moment_and_not_before() -> None:
    moment = time.time() + 0.4
    event = fire(make(moment))
    assert moment <= time.time() < moment + 5
    assert event == {"since": 1.5, "attempts": 3, "try_number": None}
    assert json.loads(json.dumps(event)) == event


@pytest.fixture
def full(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """The account runs as many tasks as it may."""
    wiro_emulator.script("Run", "code", times=-1, code=96, message="Concurrency limit")
    return wiro_emulator


@pytest.mark.parametrize("moment", [0.0, 1.5])
def test_it_fires_at_once_where_its_moment_has_passed_while_no_triggerer_ran(moment: float) -> None:
    began = time.monotonic()
    assert fire(make(moment)) == {"since": 1.5, "attempts": 3, "try_number": None}
    assert time.monotonic() - began < 2


def test_many_of_them_wait_side_by_side() -> None:
    async def wait() -> list[dict[str, Any]]:
        moment = time.time() + 0.3
        return await asyncio.gather(*(event_of(make(moment)) for _ in range(200)))

    began = time.monotonic()
    assert len(asyncio.run(wait())) == 200
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("how", ["kill", "shut_down"])
def test_ending_it_sends_nothing_for_there_is_nothing_to_stop(wiro_emulator: WiroEmulator, how: str) -> None:
    async def end() -> None:
        triggerer = Triggerer(make(time.time() + 600))
        await asyncio.sleep(0.1)
        await getattr(triggerer, how)(times=3)

    asyncio.run(end())
    assert wiro_emulator.requests == []


def test_every_argument_is_serialized_and_nothing_secret_is_there() -> None:
    path, kwargs = make(5.5).serialize()
    assert list(kwargs) == list(inspect.signature(WiroWakeUpTrigger).parameters)
    assert build({"classpath": path, "kwargs": kwargs}).serialize() == (path, kwargs)


def test_there_are_samples() -> None:
    assert RELEASES


@each_release
def test_a_row_of_each_release_still_loads_and_passes_through_airflows_database_format(release: Path) -> None:
    row = load(release, "wake_up.json")["trigger"]
    with warnings_of_airflow():
        kept = Trigger(classpath=row["classpath"], kwargs=row["kwargs"])
        trigger = build({"classpath": kept.classpath, "kwargs": kept.kwargs})
    path, kwargs = trigger.serialize()
    assert path == row["classpath"]
    assert row["kwargs"].items() <= kwargs.items()


@each_release
def test_the_methods_that_a_deferral_of_each_release_names_still_take_its_arguments(release: Path) -> None:
    for name in ("wake_up.json", "wait.json"):
        resumes = load(release, name)["resumes"]
        method = getattr(WiroRunOperator, resumes["method"])
        inspect.signature(method).bind(None, {}, event={}, **resumes["kwargs"])


@each_release
def test_the_event_of_each_release_still_says_since_when_the_task_waits(release: Path, full: WiroEmulator) -> None:
    event = load(release, "wake_up.json")["event"]
    operator = generic(deferrable=True, queue_timeout=10**8)
    with pytest.raises(TaskDeferred) as caught:
        operator.submit_again(context_of(FakeTaskInstance()), event)
    kwargs = caught.value.trigger.serialize()[1]
    assert (kwargs["since"], kwargs["attempts"]) == (event["since"], event["attempts"] + 1)


def test_a_wait_that_an_older_version_has_deferred_names_no_attachment() -> None:
    inspect.signature(WiroRunOperator.execute_complete).bind(None, {}, event={})


@each_release
def test_the_journal_of_each_release_is_still_read(release: Path) -> None:
    for kept in load(release, "journal.json"):
        record = Record.from_json(kept)
        assert (record.taskid is not None) == (kept["phase"] == "submitted")
        if kept["version"] == RECORD_VERSION:
            assert kept.items() <= record.to_json().items()


def test_the_fields_of_this_releases_journal_are_among_the_samples() -> None:
    samples = load(RELEASES[-1], "journal.json")
    assert {frozenset(kept) for kept in samples} == {frozenset(intent().to_json()), frozenset(submitted().to_json())}
    assert {kept["phase"] for kept in samples} == {"intent", "submitted"}
    for kept in samples:
        assert set(kept["identity"]) == {"dag_id", "run_id", "task_id", "map_index"}
