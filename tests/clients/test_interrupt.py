"""Interrupting the worker's client: from a signal handler, in a sleep, before and during a request."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.calls import stop, submit
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Flow, send, sleep
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted
from driving import ListLog, credentials_of, look


@pytest.fixture
def client(credentials: Credentials) -> Iterator[Client]:
    with Client(credentials, ListLog()) as client:
        yield client


@contextmanager
def signalled(client: Client, when: Callable[[], object]) -> Iterator[list[float]]:
    """Interrupt *client* from a signal handler as soon as *when* is so; the time at which it was comes out."""
    at: list[float] = []

    def handle(_signal: int, _frame: object) -> None:
        at.append(time.monotonic())
        client.interrupt()

    def wait_and_signal() -> None:
        until = time.monotonic() + 10
        while not when() and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    waiting = threading.Thread(target=wait_and_signal)
    waiting.start()
    try:
        yield at
    finally:
        waiting.join()
        signal.signal(signal.SIGUSR1, before)


def send_twice() -> Flow[None]:
    for _ in range(2):
        yield from send("/Task/Detail", {"taskid": "2221"})


def test_a_sleep_ends_within_a_second(client: Client, emulator: WiroEmulator) -> None:
    asleep = []

    def flow() -> Flow[None]:
        asleep.append(True)
        yield from sleep(60)
        yield from send("/Task/Detail", {"taskid": "2221"})

    with signalled(client, lambda: asleep) as at, pytest.raises(WiroInterrupted, match="nothing more was sent"):
        client.drive(flow())
    assert time.monotonic() - at[0] < 1
    assert emulator.requests == []


def test_nothing_is_sent_after_an_interrupt(client: Client, emulator: WiroEmulator) -> None:
    client.interrupt()
    for flow in (look(), submit("owner/model", {}), stop("2221")):
        with pytest.raises(WiroInterrupted):
            client.drive(flow)
    assert emulator.requests == []


def test_a_request_that_is_on_its_way_is_the_last(client: Client, emulator: WiroEmulator) -> None:
    emulator.script("Detail", "slow", seconds=0.4)
    with signalled(client, lambda: emulator.requests), pytest.raises(WiroInterrupted):
        client.drive(send_twice())
    assert emulator.count("Detail") == 1


def test_the_taskid_of_a_run_that_is_on_its_way_is_not_lost(client: Client, emulator: WiroEmulator) -> None:
    emulator.script("Run", "slow", seconds=0.4)
    with signalled(client, lambda: emulator.requests):
        submission = client.drive(submit("owner/model", {}))
    assert submission.taskid in emulator.tasks


def test_a_run_is_not_sent_again_after_an_interrupt(client: Client, emulator: WiroEmulator) -> None:
    emulator.script("Run", "429", times=-1)
    with signalled(client, lambda: emulator.requests), pytest.raises(WiroInterrupted):
        client.drive(submit("owner/model", {}))
    assert (emulator.count("Run"), emulator.runs) == (1, [])


def test_a_fresh_client_works_after_an_interrupt_and_while_the_old_one_waits(
    client: Client, emulator: WiroEmulator
) -> None:
    emulator.outcome(hold="task_queue", duration=0.01)
    taskid = client.drive(submit("owner/model", {})).taskid
    emulator.script("Detail", "slow", seconds=1.0)
    waiting = threading.Thread(target=client.drive, args=(look(),))
    waiting.start()
    while emulator.count("Detail") == 0:
        time.sleep(0.005)
    client.interrupt()
    with client.fresh() as fresh:
        assert fresh.drive(stop(taskid)).over
    assert waiting.is_alive()
    waiting.join()
    assert emulator.tasks[taskid].status == "task_cancel"


def test_the_flow_is_closed_when_it_is_interrupted(client: Client) -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield from sleep(60)
        finally:
            closed.append(True)

    client.interrupt()
    with pytest.raises(WiroInterrupted):
        client.drive(flow())
    assert closed == [True]


def test_an_interrupt_of_one_client_does_not_touch_another(client: Client, emulator: WiroEmulator) -> None:
    client.interrupt()
    with Client(credentials_of(emulator), ListLog()) as other:
        assert len(other.drive(look())) == 1
