"""No room at Wiro is no failure: it is waited for, without a worker slot where the operator may defer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_wiro.clients import throttle
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_image
from airflow_provider_wiro.exceptions import WiroBusy, WiroInterrupted, WiroRefused
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import open_journal
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import contents, room
from airflow_provider_wiro.stages.room import Queue
from airflow_provider_wiro.triggers.wake_up import WiroWakeUpTrigger
from doubles import FakeTaskInstance, Lines, context_of, when
from operators import defer, runway
from taskids import FIRST, SECOND
from triggerer import fire

LIMIT = {"code": 96, "message": "At most 1 task can be active at once"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the journal is; and no gate stays closed for the next test."""
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    yield tmp_path
    throttle._opens.clear()


@pytest.fixture
def full(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """The account runs as many tasks as it may."""
    wiro_emulator.script("Run", "code", times=-1, **LIMIT)
    return wiro_emulator


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SHORTEST", 0.1)


def nothing_is_kept() -> bool:
    journal = open_journal(context_of(FakeTaskInstance()))
    return journal is not None and journal.read() is None


def waiting(deferred: TaskDeferred) -> WiroWakeUpTrigger:
    """Return the trigger of a wait for room."""
    assert deferred.method_name == "submit_again"
    assert isinstance(deferred.trigger, WiroWakeUpTrigger)
    return deferred.trigger


def again(deferred: TaskDeferred, ti: FakeTaskInstance, **arguments: Any) -> Any:
    """Resume in a new process, as Airflow does when the moment has come."""
    trigger = waiting(deferred)
    event = {"since": trigger.since, "attempts": trigger.attempts}
    kwargs = (deferred.kwargs or {}) | {"event": event}
    return runway(**arguments).resume_execution(deferred.method_name, kwargs, context_of(ti))


def test_an_input_file_is_read_once_while_its_task_waits_for_room(
    full: WiroEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, ti = tmp_path / "image.png", FakeTaskInstance()
    image.write_bytes(sample_image())
    given = {"deferrable": True, "input_image": str(image), "input_image_url": None}
    deferred = defer(runway(**given), ti)
    read: list[object] = []
    piece_of = contents._piece_of
    monkeypatch.setattr(contents, "_piece_of", lambda *of: read.append(of) or piece_of(*of))  # type: ignore[func-returns-value]
    with pytest.raises(TaskDeferred) as caught:
        again(deferred, ti, **given)
    assert read == []
    image.write_bytes(sample_image() + b"changed")
    full.clear()
    with pytest.raises(TaskDeferred):
        again(caught.value, ti, **given)
    assert read
    [sent] = [request.body["file"] for request in full.requests if request.call == "Upload" and request.body][-1:]
    assert sent.data == sample_image() + b"changed"


def pauses_of(attempt: int, *, retry_after: float | None = None, draws: int = 200) -> list[float]:
    busy = WiroBusy("no room")
    busy.retry_after = retry_after
    return [Queue(0.0, attempt).pause(busy) for _ in range(draws)]


def test_the_pauses_are_at_least_15_s_grow_and_are_spread() -> None:
    by_attempt = [pauses_of(attempt) for attempt in range(8)]
    assert min(min(pauses) for pauses in by_attempt) >= 15
    assert max(max(pauses) for pauses in by_attempt) <= 180
    means = [sum(pauses) / len(pauses) for pauses in by_attempt]
    assert means[:6] == sorted(means[:6])
    assert means[5] > 4 * means[0]
    assert all(max(pauses) > 1.3 * min(pauses) for pauses in by_attempt)


@pytest.mark.parametrize("attempt", [50, 5000, 10**6])
def test_a_wait_of_days_comes_to_no_harm(attempt: int) -> None:
    assert 15 <= min(pauses_of(attempt, draws=5)) <= 180


def test_what_wiro_asks_for_is_the_least() -> None:
    assert min(pauses_of(0, retry_after=60)) >= 60
    assert min(pauses_of(0, retry_after=1)) >= 15
    assert set(pauses_of(0, retry_after=300)) == {300}
    assert max(pauses_of(9, retry_after=250)) <= 300


@pytest.mark.usefixtures("quick")
def test_a_task_that_may_not_defer_waits_and_submits_when_there_is_room(
    wiro_emulator: WiroEmulator, lines: Lines
) -> None:
    wiro_emulator.script("Run", "code", times=3, **LIMIT)
    result = runway().execute(context_of(FakeTaskInstance()))
    assert result["outputs"]
    assert (wiro_emulator.count("Run"), len(wiro_emulator.runs)) == (4, 1)
    assert lines.text.count("trying again in") == 3
    assert "concurrency limit" in lines.text


def test_a_task_that_may_defer_waits_without_a_worker(full: WiroEmulator) -> None:
    ti, before = FakeTaskInstance(), time.time()
    deferred = defer(runway(deferrable=True), ti)
    trigger = waiting(deferred)
    assert before + 15 <= trigger.moment <= time.time() + 22.5
    assert before <= trigger.since <= time.time()
    assert trigger.attempts == 1
    assert ti.xcoms == {}
    assert nothing_is_kept()
    assert full.count("Run") == 1


def test_it_remembers_how_long_it_has_waited(full: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    first = defer(runway(deferrable=True), ti)
    with pytest.raises(TaskDeferred) as caught:
        again(first, ti, deferrable=True)
    second = waiting(caught.value)
    assert (second.since, second.attempts) == (waiting(first).since, 2)
    assert second.moment >= time.time() + 22.5 - 5


def test_it_submits_and_waits_for_the_task_once_there_is_room(full: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    deferred = defer(runway(deferrable=True), ti)
    full.clear()
    full.outcome(hold=True)
    with pytest.raises(TaskDeferred) as caught:
        again(deferred, ti, deferrable=True)
    assert caught.value.method_name == "execute_complete"
    assert caught.value.kwargs["attached"] is False
    kwargs = caught.value.trigger.serialize()[1]
    assert kwargs["deadline"] == kwargs["submitted_at"] + 3600
    assert ti.xcoms["taskid"] == FIRST


GIVEN_UP = r"so nothing was submitted\. At last, .*concurrency limit.*Increase queue_timeout .*then clear this task"


def test_it_gives_up_at_the_timeout_with_an_error_that_may_be_retried(full: WiroEmulator) -> None:
    with pytest.raises(WiroBusy, match=r"so nothing was submitted.* Increase queue_timeout") as caught:
        runway(queue_timeout=1).execute(context_of(FakeTaskInstance()))
    assert not isinstance(caught.value, AirflowFailException)
    assert full.count("Run") > 1
    assert nothing_is_kept()


def test_the_last_attempt_is_shortly_before_the_timeout(full: WiroEmulator) -> None:
    operator, began = runway(deferrable=True, queue_timeout=14), time.time()
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context_of(FakeTaskInstance()))
    assert began + 12.5 < deferred.value.trigger.serialize()[1]["moment"] < time.time() + 12.7
    with pytest.raises(WiroBusy, match=GIVEN_UP) as caught:
        operator.submit_again(context_of(FakeTaskInstance()), {"since": time.time() - 12.7, "attempts": 1})
    assert not isinstance(caught.value, AirflowFailException)
    assert full.count("Run") == 2
    assert nothing_is_kept()


def test_what_wiro_asks_for_is_not_waited_for_beyond_the_timeout(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Run", "429", retry_after=100)
    with pytest.raises(WiroBusy, match="had no room for 0 s"):
        runway(deferrable=True, queue_timeout=60).execute(context_of(FakeTaskInstance()))
    assert wiro_emulator.count("Run") == 1


def test_an_execution_timeout_that_ends_earlier_counts(full: WiroEmulator) -> None:
    with pytest.raises(TaskDeferred) as caught:
        runway(deferrable=True, execution_timeout=timedelta(seconds=20)).execute(context_of(FakeTaskInstance()))
    assert caught.value.trigger.serialize()[1]["moment"] < time.time() + 20


def test_nothing_is_sent_after_the_timeout(wiro_emulator: WiroEmulator) -> None:
    operator = runway(deferrable=True, queue_timeout=100)
    with pytest.raises(WiroBusy, match=r"had no room for 101 s, so nothing was submitted\. Increase queue_timeout"):
        operator.submit_again(context_of(FakeTaskInstance()), {"since": time.time() - 101, "attempts": 3})
    assert wiro_emulator.count("Run") == 0


def test_a_task_that_may_not_defer_waits_as_long_as_its_timeout(full: WiroEmulator) -> None:
    with pytest.raises(WiroBusy):
        runway(timeout=1).execute(context_of(FakeTaskInstance()))
    assert full.count("Run") > 1


def test_a_deferrable_task_waits_for_room_longer_than_its_generation_may_take(wiro_emulator: WiroEmulator) -> None:
    """A long batch: the last one's turn comes after hours, and then it has all of its timeout."""
    ti, waited = FakeTaskInstance(), {"since": time.time() - 5 * 3600, "attempts": 90}
    with pytest.raises(TaskDeferred) as caught:
        runway(deferrable=True, timeout=100).submit_again(context_of(ti), waited)
    kwargs = caught.value.trigger.serialize()[1]
    assert kwargs["deadline"] == kwargs["submitted_at"] + 100
    assert wiro_emulator.count("Run") == 1


def test_the_wait_for_room_ends_after_a_day(wiro_emulator: WiroEmulator) -> None:
    waited = {"since": time.time() - 86_401, "attempts": 900}
    with pytest.raises(WiroBusy):
        runway(deferrable=True).submit_again(context_of(FakeTaskInstance()), waited)
    assert wiro_emulator.count("Run") == 0


def test_an_execution_timeout_bounds_the_wait_for_room_too(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    assert ti.start_date is not None
    ti.start_date -= timedelta(hours=5)
    operator = runway(deferrable=True, execution_timeout=timedelta(hours=5, seconds=30))
    with pytest.raises(WiroBusy):
        operator.submit_again(context_of(ti), {"since": time.time() - 5 * 3600, "attempts": 90})
    assert wiro_emulator.count("Run") == 0


@pytest.mark.usefixtures("quick")
def test_pauses_end_before_the_timeout(full: WiroEmulator) -> None:
    with pytest.raises(WiroBusy):
        runway(timeout=3).execute(context_of(FakeTaskInstance()))
    sent = [request.at for request in full.requests]
    assert full.count("Run") > 2
    assert max(sent) <= min(sent) + 3


def test_a_long_throttle_is_waited_for_in_the_triggerer_too(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Run", "429", retry_after=60)
    deferred = defer(runway(deferrable=True), FakeTaskInstance())
    assert time.time() + 55 <= waiting(deferred).moment <= time.time() + 90
    assert wiro_emulator.count("Run") == 1
    assert nothing_is_kept()


def test_a_long_throttle_is_waited_for_in_the_worker_where_it_may_not_defer(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []

    def pause(_: Caller, seconds: float) -> None:
        paused.append(seconds)
        throttle._opens.clear()

    monkeypatch.setattr(Caller, "pause", pause)
    wiro_emulator.script("Run", "429", retry_after=60)
    assert runway().execute(context_of(FakeTaskInstance()))["outputs"]
    [pause_before_the_second_run] = paused
    assert 60 <= pause_before_the_second_run <= 90
    assert wiro_emulator.count("Run") == 2


def test_a_kill_while_it_waits_in_the_worker_is_heard_at_once_and_sends_nothing(full: WiroEmulator) -> None:
    operator, began = runway(), time.monotonic()
    when(lambda: full.count("Run"), operator.on_kill)
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(FakeTaskInstance()))
    assert time.monotonic() - began < 10
    assert full.count("Run") == 1
    assert [request.call for request in full.requests] == ["Run"]
    assert nothing_is_kept()


def test_a_kill_before_it_submits_again_sends_nothing(wiro_emulator: WiroEmulator) -> None:
    operator = runway(deferrable=True)
    operator.on_kill()
    with pytest.raises(WiroInterrupted):
        operator.submit_again(context_of(FakeTaskInstance()), {"since": time.time(), "attempts": 1})
    assert wiro_emulator.count("Run") == 0


def test_a_wait_that_airflow_gives_up_on_has_nothing_to_stop(full: WiroEmulator, lines: Lines) -> None:
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    with pytest.raises(Exception, match="Trigger timeout"):
        runway(deferrable=True).resume_execution("__fail__", {"error": "Trigger timeout"}, context_of(ti))
    assert "COULD NOT BE STOPPED" not in lines.text
    assert [request.call for request in full.requests] == ["Run"]


def test_other_refusals_end_the_wait(full: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    deferred = defer(runway(deferrable=True), ti)
    full.clear()
    full.script("Run", "code", code=97, message="Insufficient balance")
    with pytest.raises(WiroRefused, match="Insufficient balance"):
        again(deferred, ti, deferrable=True)
    assert nothing_is_kept()


def test_without_a_journal_one_warning_is_enough_for_all_attempts(
    full: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.delenv("AIRFLOW__WIRO__JOURNAL_PATH")
    ti = FakeTaskInstance()
    deferred = defer(runway(deferrable=True), ti)
    with pytest.raises(TaskDeferred):
        again(deferred, ti, deferrable=True)
    assert lines.text.count("nowhere to keep its journal") == 1


def test_a_real_limit_is_never_exceeded(monkeypatch: pytest.MonkeyPatch, wiro_emulator: WiroEmulator) -> None:
    monkeypatch.setattr(room, "SHORTEST", 0.1)
    wiro_emulator._account.concurrency = 1
    wiro_emulator.outcome(hold=True)
    theirs = WiroHook().run("owner/video", {"prompt": "somebody else's"}).taskid

    def end_theirs_once_ours_was_refused() -> None:
        while wiro_emulator.count("Run") < 2:
            time.sleep(0.01)
        wiro_emulator.release(theirs)

    with ThreadPoolExecutor(1) as beside:
        ended = beside.submit(end_theirs_once_ours_was_refused)
        assert runway().execute(context_of(FakeTaskInstance()))["taskid"] == SECOND
        ended.result()
    assert wiro_emulator.peak_active == 1
    assert wiro_emulator.count("Run") > 2


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_place_is_waited_for_also_where_an_earlier_task_was_stopped(
    wiro_emulator: WiroEmulator, deferrable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SHORTEST", 0.1)
    wiro_emulator.outcome(hold=True, duration=0.0)
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    wiro_emulator.tasks[FIRST].stop()
    wiro_emulator.script("Run", "code", times=2, **LIMIT)
    make = WiroRunOperator.execute_complete
    event = {
        "version": 1,
        "taskid": FIRST,
        "verdict": "cancelled",
        "status": "task_cancel",
        "reason": "",
        "result": None,
    }
    arguments: dict[str, Any] = {"attached": True}
    try:
        result = make(runway(deferrable=deferrable), context_of(ti), event, **arguments)
    except TaskDeferred as deferred:
        with pytest.raises(TaskDeferred):
            again(deferred, ti, deferrable=True)
        assert ti.xcoms["taskid"] == FIRST
    else:
        assert result["taskid"] == SECOND
    assert wiro_emulator.count("Run") == (3 if deferrable else 4)


def test_what_another_try_has_waited_does_not_count(wiro_emulator: WiroEmulator, full: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    deferred = defer(runway(deferrable=True), ti)
    trigger: Any = WiroWakeUpTrigger(**{**waiting(deferred).serialize()[1], "moment": 0.0})
    event = {**fire(trigger), "since": 1.0}
    full.clear()
    ti.try_number = 2  # Airflow 3.0 resumes the retry with the event of the first try
    assert runway().resume_execution("submit_again", {"event": event}, context_of(ti))["outputs"]


def test_a_deferral_that_was_broken_off_and_left_no_event_begins_anew(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    operator = runway()
    assert operator.resume_execution("submit_again", {}, context_of(FakeTaskInstance()))["taskid"] == FIRST
