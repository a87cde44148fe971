"""Telling the worker's client to stop: in a sleep, before a request, and while one is on its way."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.calls import stop, submit
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Flow, NoReply, Reply, send, sleep
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted, WiroSubmissionUnknown
from driving import ListLog, credentials_of, look
from small_servers import read_request, socket_server


class Told:
    """The flag that a signal handler sets, and when it was set."""

    def __init__(self) -> None:
        self.at: float | None = None

    def set(self, *_: object) -> None:
        self.at = time.monotonic()

    def __call__(self) -> bool:
        return self.at is not None

    @property
    def ago(self) -> float:
        assert self.at is not None
        return time.monotonic() - self.at


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def client(credentials: Credentials, told: Told) -> Client:
    return Client(credentials, ListLog(), told_to_stop=told)


@contextmanager
def signalled(handle: Callable[[int, object], object], when: Callable[[], object]) -> Iterator[None]:
    """Have *handle* called as a signal handler as soon as *when* is so."""

    def wait_and_signal() -> None:
        until = time.monotonic() + 10
        while not when() and time.monotonic() < until:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handle)
    waiting = threading.Thread(target=wait_and_signal)
    waiting.start()
    try:
        yield
    finally:
        waiting.join()
        signal.signal(signal.SIGUSR1, before)


def send_twice() -> Flow[None]:
    for _ in range(2):
        yield from send("/Task/Detail", {"taskid": "2221"})


def ours() -> list[str]:
    """Return the threads of exchanges that are there."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("wiro-exchange", "wiro-name"))]


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


def test_a_sleep_ends_at_once(client: Client, told: Told, emulator: WiroEmulator) -> None:
    asleep = []

    def flow() -> Flow[None]:
        asleep.append(True)
        yield from sleep(60)
        yield from send("/Task/Detail", {"taskid": "2221"})

    with signalled(told.set, lambda: asleep), pytest.raises(WiroInterrupted, match="nothing more was sent"):
        client.drive(flow())
    assert told.ago < 0.2
    assert emulator.requests == []


def test_nothing_is_sent_after_it(client: Client, told: Told, emulator: WiroEmulator) -> None:
    told.set()
    for flow in (look(), submit("owner/model", {}), stop("2221")):
        with pytest.raises(WiroInterrupted):
            client.drive(flow)
    assert emulator.requests == []


def test_a_read_that_is_on_its_way_is_broken_off(client: Client, told: Told, emulator: WiroEmulator) -> None:
    emulator.script("Detail", "slow", seconds=3)
    with signalled(told.set, lambda: emulator.requests), pytest.raises(WiroInterrupted):
        client.drive(send_twice())
    assert told.ago < 0.2
    assert emulator.count("Detail") == 1


def test_the_taskid_of_a_submission_that_is_on_its_way_is_not_lost(
    client: Client, told: Told, emulator: WiroEmulator
) -> None:
    emulator.script("Run", "slow", seconds=0.6)
    with signalled(told.set, lambda: emulator.requests):
        submission = client.drive(submit("owner/model", {}))
    assert submission.taskid in emulator.tasks
    assert told()


def test_a_submission_runs_to_its_own_timeout(emulator: WiroEmulator, told: Told) -> None:
    emulator.script("Run", "hang")
    client = Client(credentials_of(emulator, 1.0), ListLog(), told_to_stop=told)
    begun = time.monotonic()
    with signalled(told.set, lambda: emulator.requests), pytest.raises(WiroSubmissionUnknown):
        client.drive(submit("owner/model", {}))
    assert 0.9 < time.monotonic() - begun < 1.5


def test_a_submission_is_not_sent_again_after_it(client: Client, told: Told, emulator: WiroEmulator) -> None:
    emulator.script("Run", "429", times=-1)
    with signalled(told.set, lambda: emulator.requests), pytest.raises(WiroInterrupted):
        client.drive(submit("owner/model", {}))
    assert (emulator.count("Run"), emulator.runs) == (1, [])


def test_what_stops_a_task_is_carried_out_nevertheless(client: Client, told: Told, emulator: WiroEmulator) -> None:
    emulator.outcome(hold="task_queue", duration=0.01)
    taskid = client.drive(submit("owner/model", {})).taskid
    told.set()
    assert client.drive(stop(taskid), to_the_end=True).over
    assert emulator.tasks[taskid].status == "task_cancel"
    with pytest.raises(WiroInterrupted):
        client.drive(look())


def test_the_flow_is_closed_when_it_is_interrupted(client: Client, told: Told) -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield from sleep(60)
        finally:
            closed.append(True)

    told.set()
    with pytest.raises(WiroInterrupted):
        client.drive(flow())
    assert closed == [True]


class Raised(BaseException):
    """What a signal handler raises, as Airflow 2's does at SIGTERM and every version's at an execution_timeout."""


def throw(_signal: int, _frame: object) -> None:
    raise Raised


@pytest.mark.parametrize("part", ["before an answer", "in an answer", "in a sleep"])
def test_what_a_signal_handler_raises_ends_it_at_once_and_nothing_leaks(part: str) -> None:
    reached = threading.Event()
    closed = threading.Event()

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        if part == "in an answer":
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        reached.set()
        try:
            connection.recv(1)
        finally:
            closed.set()

    def flow() -> Flow[object]:
        if part == "in a sleep":
            reached.set()
            yield from sleep(60)
        return (yield from send("/Task/Detail", {"taskid": "1"}))

    with socket_server(serve) as port:
        client = Client(Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", 30), ListLog())
        before = descriptors()
        with signalled(throw, reached.is_set):
            with pytest.raises(Raised):
                client.drive(flow())
            ended = time.monotonic()
        assert time.monotonic() - ended < 1
        assert part == "in a sleep" or closed.wait(1)
        assert ours() == []
        assert len(descriptors() - before) <= 1  # the server's end of the connection


@pytest.mark.parametrize("fault", [None, "hang", "drip", "drop_after", "huge"])
def test_no_thread_and_no_socket_outlives_its_exchange(emulator: WiroEmulator, fault: str | None) -> None:
    client = Client(credentials_of(emulator, 0.4), ListLog())
    before = descriptors()
    if fault is not None:
        emulator.script("Detail", fault)
    client.drive(look())
    assert ours() == []
    until = time.monotonic() + 1  # the server's ends are in this process too
    while descriptors() - before:
        assert time.monotonic() < until
        time.sleep(0.05)


def test_it_works_in_a_thread_that_is_not_the_main_one(client: Client) -> None:
    outcomes: list[Reply | NoReply] = []
    working = threading.Thread(target=lambda: outcomes.extend(client.drive(look())))
    working.start()
    working.join()
    assert [type(outcome) for outcome in outcomes] == [Reply]


def test_it_works_where_an_event_loop_runs(client: Client) -> None:
    async def work() -> list[Reply | NoReply]:
        return client.drive(look())

    assert [type(outcome) for outcome in asyncio.run(work())] == [Reply]


def test_where_no_thread_can_be_started_nothing_was_sent(
    client: Client, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        [outcome] = client.drive(look())
    assert outcome == NoReply(sent=False, reason="no thread could be started: can't start new thread")
    assert emulator.requests == []
