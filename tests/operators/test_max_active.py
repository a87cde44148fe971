"""How many tasks may run at Wiro at once, as the connection says: counted in Wiro's own list before a submission."""

from __future__ import annotations

import asyncio
import inspect
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_wiro.clients import door, throttle
from airflow_provider_wiro.core import search
from airflow_provider_wiro.core.active import count_active
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroBusy
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import mark, open_journal
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import limit, room
from airflow_provider_wiro.triggers.room import WiroRoomTrigger
from doubles import FakeTaskInstance, Lines, context_of
from operators import defer, generic, runway
from taskids import FIRST, SECOND
from triggerer import event_of

Limit = Callable[[int], None]
TRIES, MAY = 50, 8
EXECUTE = inspect.unwrap(WiroRunOperator.execute)  # Airflow 2 looks after who calls it in its main thread alone


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the journal is; and no pause takes long."""
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    mark(tmp_path)
    monkeypatch.setattr(room, "SHORTEST", 0.1)
    monkeypatch.setattr(limit, "SPREAD", 0.0)
    monkeypatch.setattr(search, "READ_PAUSES", (0.01,))
    yield tmp_path
    throttle._opens.clear()


@pytest.fixture
def most(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> Limit:
    def set_limit(number: int) -> None:
        connection = wiro_emulator.connection | {"extra": {"max_active": number}}
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(connection))

    return set_limit


def resume(deferred: TaskDeferred, ti: FakeTaskInstance, **arguments: Any) -> Any:
    """Go on in a new process, as Airflow does when there is room."""
    assert isinstance(deferred.trigger, WiroRoomTrigger)
    event = {"since": deferred.trigger.since, "attempts": deferred.trigger.attempts, "try_number": 1}
    return runway(**arguments).resume_execution(deferred.method_name, {"event": event}, context_of(ti))


def nothing_is_kept() -> bool:
    journal = open_journal(context_of(FakeTaskInstance()))
    return journal is not None and journal.read() is None


def test_without_it_nothing_is_counted(wiro_emulator: WiroEmulator) -> None:
    assert runway().execute(context_of(FakeTaskInstance()))["outputs"]
    assert wiro_emulator.count("List") == 0


def test_a_task_that_may_not_defer_waits_until_there_is_room(
    wiro_emulator: WiroEmulator, most: Limit, lines: Lines
) -> None:
    most(1)
    WiroHook().run("owner/video", {"prompt": "somebody else's"})
    assert runway().execute(context_of(FakeTaskInstance()))["taskid"] == SECOND
    assert wiro_emulator.peak_active == 1
    assert wiro_emulator.count("Run") == 2
    assert "max_active of connection wiro_default is 1; running at Wiro now: 1" in lines.text


def test_a_task_that_may_defer_waits_in_the_triggerer_before_it_counts(
    wiro_emulator: WiroEmulator, most: Limit
) -> None:
    most(1)
    ti, before = FakeTaskInstance(), time.time()
    deferred = defer(runway(deferrable=True), ti)
    assert deferred.method_name == "submit_again"
    path, kwargs = deferred.trigger.serialize()
    assert path.endswith(".WiroRoomTrigger")
    assert kwargs["conn_id"] == "wiro_default"
    assert kwargs["attempts"] == 1
    assert before <= kwargs["since"] <= time.time() < kwargs["until"]
    assert wiro_emulator.requests == []
    assert nothing_is_kept()


def test_it_counts_once_more_before_it_submits(wiro_emulator: WiroEmulator, most: Limit) -> None:
    most(1)
    ti = FakeTaskInstance()
    first = defer(runway(deferrable=True), ti)
    wiro_emulator.outcome(hold=True, duration=0.0)
    WiroHook().run("owner/video", {"prompt": "somebody else's"})
    with pytest.raises(TaskDeferred) as caught:
        resume(first, ti, deferrable=True)
    assert isinstance(caught.value.trigger, WiroRoomTrigger)
    assert caught.value.trigger.attempts == 2
    wiro_emulator.release(FIRST)
    second = caught.value
    with pytest.raises(TaskDeferred) as caught:
        resume(second, ti, deferrable=True)
    assert caught.value.method_name == "execute_complete"
    assert ti.xcoms["taskid"] == SECOND
    assert wiro_emulator.peak_active == 1


def test_a_later_try_attaches_without_waiting_for_a_place(wiro_emulator: WiroEmulator, most: Limit) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    most(1)
    deferred = defer(runway(deferrable=True), ti)
    assert deferred.method_name == "execute_complete"
    assert deferred.trigger.serialize()[1]["taskid"] == FIRST
    assert wiro_emulator.count("List") == 0


@pytest.mark.parametrize("deferrable", [False, True])
def test_where_the_list_cannot_be_read_one_warning_says_so_and_it_submits(
    wiro_emulator: WiroEmulator, most: Limit, lines: Lines, deferrable: bool
) -> None:
    most(1)
    ti = FakeTaskInstance()
    wiro_emulator.script("List", "code", times=-1, code=1, message="There is no task list")
    if deferrable:
        with pytest.raises(TaskDeferred) as caught:
            resume(defer(runway(deferrable=True), ti), ti, deferrable=True)
        assert caught.value.method_name == "execute_complete"
    else:
        assert runway().execute(context_of(ti))["outputs"]
    assert wiro_emulator.count("Run") == 1
    assert lines.text.count("submitting without knowing how many run") == 1
    assert "There is no task list" in lines.text


def test_it_gives_up_at_its_timeout_and_nothing_was_submitted(wiro_emulator: WiroEmulator, most: Limit) -> None:
    most(1)
    wiro_emulator.outcome(hold=True, duration=0.0)
    WiroHook().run("owner/video", {"prompt": "somebody else's"})
    with pytest.raises(WiroBusy, match="max_active of connection wiro_default"):
        runway(timeout=1).execute(context_of(FakeTaskInstance()))
    assert wiro_emulator.count("Run") == 1
    assert nothing_is_kept()


def test_code_96_is_the_net(wiro_emulator: WiroEmulator, most: Limit) -> None:
    most(5)
    wiro_emulator.script("Run", "code", times=2, code=96, message="At most 1 task can be active at once")
    assert runway().execute(context_of(FakeTaskInstance()))["outputs"]
    assert wiro_emulator.count("Run") == 3


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """When each thread has begun its last count, by the thread's name."""
    times: dict[str, float] = {}

    def count(number: int, **options: Any) -> Any:
        times[threading.current_thread().name] = time.time()
        return count_active(number, **options)

    monkeypatch.setattr(limit, "count_active", count)
    return times


def on_the_way(emulator: WiroEmulator, counted: dict[str, float]) -> int:
    """Return how many at most were between their count and what Wiro made of their submission, at one moment."""
    ways = [(counted[str(task.inputs["prompt"])], task.created_at) for task in emulator.runs]
    return max(sum(began <= moment <= ended for began, ended in ways) for moment, _ in ways)


def one_of_many(number: int, act: Callable[..., Any], **arguments: Any) -> TaskDeferred | None:
    """Let a try act in this thread, which it gives its name; return what it deferred with."""
    threading.current_thread().name = str(number)
    ti = FakeTaskInstance()
    ti.map_index = number
    given = {"durable": False, "inputs": {"prompt": str(number)}, "wait_for_completion": False, "timeout": 600}
    try:
        act(generic(**given | arguments), context_of(ti))
    except TaskDeferred as deferred:
        return deferred
    return None


def test_of_fifty_that_start_at_once_no_more_run_than_may_and_were_on_the_way(
    wiro_emulator: WiroEmulator, most: Limit, counted: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a triggerer nobody counts for all: who submits is not seen by those that have counted just before."""
    most(MAY)
    monkeypatch.setattr(limit, "SPREAD", 10.0)
    wiro_emulator.outcome(duration=3.0, times=-1)
    together = threading.Barrier(TRIES)

    def run(number: int) -> None:
        together.wait()
        assert one_of_many(number, EXECUTE) is None

    with ThreadPoolExecutor(TRIES) as threads:
        list(threads.map(run, range(TRIES)))
    assert len(wiro_emulator.runs) == TRIES
    assert wiro_emulator.peak_active <= MAY + on_the_way(wiro_emulator, counted)


@pytest.mark.parametrize("triggerers", [1, 2])
def test_of_fifty_that_wait_in_triggerers_no_more_run_than_may_if_one_triggerer_counts_for_all(
    wiro_emulator: WiroEmulator,
    most: Limit,
    counted: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    triggerers: int,
) -> None:
    """Two triggerers do not see what the other one has let in, until it has submitted."""
    most(MAY)
    monkeypatch.setattr(door, "READ_EVERY", 0.5)
    wiro_emulator.outcome(duration=3.0, times=-1)

    async def live(number: int) -> None:
        deferred = await asyncio.to_thread(one_of_many, number, EXECUTE, deferrable=True)
        while deferred is not None:
            assert isinstance(deferred.trigger, WiroRoomTrigger)
            event = await event_of(deferred.trigger)
            act = partial(WiroRunOperator.submit_again, event=event)
            deferred = await asyncio.to_thread(one_of_many, number, act, deferrable=True)

    async def triggerer(first: int) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(TRIES))
        await asyncio.gather(*map(live, range(first, TRIES, triggerers)))

    with ThreadPoolExecutor(triggerers) as threads:
        list(threads.map(lambda first: asyncio.run(triggerer(first)), range(triggerers)))
    assert len(wiro_emulator.runs) == TRIES
    more = 0 if triggerers == 1 else on_the_way(wiro_emulator, counted)
    assert wiro_emulator.peak_active <= MAY + more
