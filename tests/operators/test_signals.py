"""What comes as a signal, or as an error in the middle of anything: Ctrl-C, the task's time, a worker that ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowTaskTimeout

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted, WiroNotStopped
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import ending
from airflow_provider_wiro.task_instance import Standing
from doubles import FakeTaskInstance, context_of, statuses, when
from operators import generic
from signalled import ENDS, signalled
from taskids import FIRST
from tries import kept


def with_another_try() -> FakeTaskInstance:
    ti = FakeTaskInstance()
    ti.max_tries = 1
    return ti


@contextmanager
def out_of_time_at(condition: object) -> Iterator[None]:
    """Let the task's time be over as Airflow does it: its handler of SIGALRM raises, wherever the task is."""

    def over(number: int, frame: FrameType | None) -> None:
        raise AirflowTaskTimeout("Timeout, PID: 1")

    before = signal.signal(signal.SIGALRM, over)
    when(condition, lambda: os.kill(os.getpid(), signal.SIGALRM))  # type: ignore[arg-type]
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, before)


def unstoppable(wiro: WiroEmulator) -> None:
    for call in ("Kill", "Cancel"):
        wiro.script(call, "code", code=0, message="Something went wrong", times=-1)


@pytest.mark.parametrize("phase", ["Run", "Detail"])
def test_what_is_out_of_time_is_stopped(all_held: WiroEmulator, phase: str) -> None:
    all_held.script(phase, "slow", seconds=0.5)
    with out_of_time_at(lambda: all_held.count(phase)), pytest.raises(AirflowTaskTimeout):
        generic().execute(context_of(with_another_try()))
    assert statuses(all_held) == ["task_cancel"]


def test_what_is_out_of_time_is_stopped_though_the_next_try_would_find_it(
    all_held: WiroEmulator, journal_folder: Path
) -> None:
    with out_of_time_at(lambda: all_held.count("Detail")), pytest.raises(AirflowTaskTimeout):
        generic().execute(context_of(with_another_try()))
    assert statuses(all_held) == ["task_cancel"]
    record = kept()
    assert record is not None
    assert record.taskid == FIRST


def test_what_is_out_of_time_and_cannot_be_stopped_is_final(all_held: WiroEmulator) -> None:
    unstoppable(all_held)
    said = rf"AirflowTaskTimeout: .*the Wiro task {FIRST} COULD NOT BE STOPPED"
    with out_of_time_at(lambda: all_held.count("Detail")), pytest.raises(WiroNotStopped, match=said) as caught:
        generic().execute(context_of(with_another_try()))
    assert isinstance(caught.value, AirflowFailException)
    assert caught.value.taskid == FIRST


@pytest.mark.usefixtures("journal_folder")
def test_with_a_journal_a_retry_finds_what_could_not_be_stopped(all_held: WiroEmulator) -> None:
    unstoppable(all_held)
    with out_of_time_at(lambda: all_held.count("Detail")), pytest.raises(WiroNotStopped) as caught:
        generic().execute(context_of(with_another_try()))
    assert not isinstance(caught.value, AirflowFailException)
    all_held.tasks[FIRST].release()
    assert generic().execute(context_of(FakeTaskInstance()))["taskid"] == FIRST


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("phase", ["Run", "Detail"])
def test_ctrl_c_stops_it_though_the_next_try_would_find_it(all_held: WiroEmulator, phase: str) -> None:
    all_held.script(phase, "slow", seconds=0.5)
    when(lambda: all_held.count(phase), lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        generic().execute(context_of(with_another_try()))
    assert statuses(all_held) == ["task_cancel"]


def test_ctrl_c_leaves_what_is_to_be_left(all_held: WiroEmulator) -> None:
    when(lambda: all_held.count("Detail"), lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        generic(cancel_on_kill=False).execute(context_of(with_another_try()))
    assert statuses(all_held) == ["task_start"]


@pytest.mark.parametrize("handler", ENDS)
def test_sigterm_in_the_middle_of_a_read_is_heard_at_once(all_held: WiroEmulator, handler: str) -> None:
    all_held.script("Detail", "slow", seconds=20)
    with signalled(handler) as process:
        while not all_held.count("Detail"):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        told = time.monotonic()
        while statuses(all_held) != ["task_cancel"]:
            assert time.monotonic() - told < 5
            time.sleep(0.01)
        took = time.monotonic() - told
        said, _ = process.communicate(timeout=30)
    assert took < 1.0
    assert ENDS[handler] in said


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize(
    ("answer", "status"), [(Standing.ENDED, "task_cancel"), (Standing.GOES_ON, "task_start")], ids=str
)
def test_a_submission_that_a_signal_comes_into_is_decided_after_it(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, answer: Standing, status: str
) -> None:
    monkeypatch.setattr(ending, "standing", lambda _: answer)
    all_held.script("Run", "slow", seconds=0.5)
    operator: WiroRunOperator = generic()
    when(lambda: all_held.count("Run"), operator.on_kill)
    with pytest.raises(WiroInterrupted) as caught:
        operator.execute(context_of(with_another_try()))
    assert caught.value.retryable
    assert statuses(all_held) == [status]
