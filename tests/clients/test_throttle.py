"""After an HTTP 429 that says for how long, all requests of the connection wait, except what stops a task."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from email.utils import formatdate

import pytest

from airflow_provider_wiro.clients import throttle
from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.calls import stop, submit
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import Flow, NoReply, Reply, Send, send
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroBusy, WiroInterrupted
from driving import Drive, DriveAsync, DriveSync, ListLog, credentials_of, look

STEP = Send("/Task/Detail", {})
CREDENTIALS = Credentials("the-key", "the-secret", "https://api.wiro.ai/v1")


class Clock:
    """Time that only the test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(throttle.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(throttle.time, "time", lambda: 1_700_000_000 + self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def throttled(emulator: WiroEmulator, retry_after: float | str) -> None:
    """Have the gate closed by a client that is gone."""
    emulator.script("List", "429", retry_after=retry_after)
    DriveSync()(send("/Task/List", {}), credentials_of(emulator))
    assert emulator.requests[-1].status == 429


def close_for(seconds: float, credentials: Credentials = CREDENTIALS) -> ListLog:
    log = ListLog()
    throttle.note(Reply(429, retry_after=seconds), credentials, log)
    return log


def total(step: Send, clock: Clock, meanwhile: Callable[[], object] = lambda: None) -> float:
    """How long *step* waits in all."""
    begun = clock.now
    for pause in throttle.pauses(step, CREDENTIALS):
        clock.now += pause
        meanwhile()
    return clock.now - begun


@pytest.mark.parametrize("first", [DriveSync, DriveAsync])
def test_the_requests_of_every_client_of_the_connection_wait(
    drive: Drive, first: type[DriveSync | DriveAsync], emulator: WiroEmulator, credentials: Credentials
) -> None:
    emulator.script("Detail", "429", retry_after=1)
    first()(look(), credentials)
    drive(look(2), credentials)
    at = [request.at for request in emulator.requests]
    assert 1 <= at[1] - at[0] < 2
    assert at[2] - at[1] < 0.5


def test_an_http_date_is_understood(drive: Drive, emulator: WiroEmulator, credentials: Credentials) -> None:
    emulator.script("Detail", "429", retry_after=formatdate(time.time() + 4, usegmt=True))
    drive(look(2), credentials)
    first, second = emulator.requests
    assert 1 < second.at - first.at < 6


@pytest.mark.parametrize("retry_after", [None, 0, "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_a_429_that_does_not_say_for_how_long_holds_nobody(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials, retry_after: int | str | None
) -> None:
    emulator.script("Detail", "429", retry_after=retry_after)
    drive(look(2), credentials)
    first, second = emulator.requests
    assert second.at - first.at < 0.5
    assert drive.log.lines == []


def test_a_stop_does_not_wait(drive: Drive, emulator: WiroEmulator, credentials: Credentials) -> None:
    emulator.outcome(hold="task_queue", duration=0.01)
    taskid = drive(submit("owner/model", {}), credentials).taskid
    throttled(emulator, 60)
    emulator.script("Kill", "drop_before", times=3)
    emulator.script("Cancel", "5xx", times=1)
    begun = time.monotonic()
    assert drive(stop(taskid), credentials).over
    assert time.monotonic() - begun < 5
    assert [request.call for request in emulator.requests[2:]] == ["Kill", "Cancel", "Kill", "Detail", "Kill", "Cancel"]


def test_nobody_waits_longer_than_to_the_deadline_of_the_step_and_nothing_is_sent_then(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    throttled(emulator, 60)
    begun = time.time()
    outcome = drive(send("/Task/Detail", {"taskid": "2221"}, deadline=begun + 0.7), credentials)
    assert 0.6 < time.time() - begun < 2
    assert isinstance(outcome, Reply)
    assert outcome.status == 429
    assert 50 < (outcome.retry_after or 0) < 60
    assert len(emulator.requests) == 1


def test_a_run_that_is_held_back_to_its_deadline_is_not_submitted(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    throttled(emulator, 60)
    with pytest.raises(WiroBusy, match=r"(?s)not sent.*Nothing was submitted") as caught:
        drive(submit("owner/model", {}, deadline=time.time() + 0.2), credentials)
    assert 50 < (caught.value.retry_after or 0) <= 60
    assert emulator.runs == []


def test_a_step_whose_deadline_has_passed_is_sent_where_nothing_holds_it_back(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    outcome = drive(send("/Task/Detail", {"taskid": "2221"}, deadline=1.0), credentials)
    assert isinstance(outcome, Reply)
    assert outcome.status == 200
    assert len(emulator.requests) == 1


def test_a_wait_ends_at_its_deadline_and_stops_the_task_though_wiro_throttles(
    drive: Drive, emulator: WiroEmulator, credentials: Credentials
) -> None:
    emulator.outcome(hold="task_queue", duration=0.01)
    submission = drive(submit("owner/model", {}), credentials)
    throttled(emulator, 60)
    begun = time.time()
    verdict = drive(wait(WaitPlan(submission.taskid, submission.submitted_at, begun + 1)), credentials)
    assert (verdict.kind, verdict.stopped) == ("timeout", True)
    assert time.time() - begun < 4


def test_another_connection_does_not_wait(drive: Drive, emulator: WiroEmulator) -> None:
    throttled(emulator, 60)
    right = credentials_of(emulator)
    begun = time.monotonic()
    [rejected] = drive(look(), Credentials("another-key", "secret", right.base_url))
    assert isinstance(rejected, Reply)
    with WiroEmulator() as other:
        drive(look(), Credentials(right.api_key, right.api_secret, other.url))
    assert time.monotonic() - begun < 5


def test_an_interrupt_ends_the_wait_and_nothing_is_sent(emulator: WiroEmulator, credentials: Credentials) -> None:
    throttled(emulator, 60)
    told = threading.Event()
    client = Client(credentials, ListLog(), told_to_stop=told.is_set)
    interrupting = threading.Timer(0.3, told.set)
    interrupting.start()
    begun = time.monotonic()
    with pytest.raises(WiroInterrupted):
        client.drive(submit("owner/model", {}))
    interrupting.join()
    assert time.monotonic() - begun < 0.6
    throttled_for_a_moment = Send("/Task/Detail", {}, deadline=time.time() + 0.2)
    with pytest.raises(WiroInterrupted):
        client.drive(iter_of(throttled_for_a_moment))
    assert len(emulator.requests) == 1


def iter_of(step: Send) -> Flow[None]:
    yield step


def test_a_cancelled_coroutine_leaves_the_wait(emulator: WiroEmulator, credentials: Credentials) -> None:
    throttled(emulator, 60)

    async def leave() -> None:
        client = AsyncClient(await Route.to(credentials))
        try:
            async with asyncio.timeout(0.2):
                await client.drive(look(), ListLog())
        finally:
            await client.close()

    with pytest.raises(TimeoutError):
        asyncio.run(leave())
    assert len(emulator.requests) == 1


def test_many_that_wait_do_not_all_come_at_once_and_one_line_says_so(
    emulator: WiroEmulator, credentials: Credentials
) -> None:
    log = ListLog()

    async def wait_together() -> None:
        client = AsyncClient(await Route.to(credentials))
        emulator.script("Detail", "429", times=30, retry_after=2)
        await asyncio.gather(*(client.drive(look(2), log) for _ in range(30)))
        await client.close()

    asyncio.run(wait_together())
    at = sorted(request.at for request in emulator.requests)
    assert at[30] - at[0] >= 2
    assert at[-1] - at[30] > 0.1
    line = "Wiro throttles this connection (HTTP 429): all its requests in this process wait 2 s, except stops"
    assert log.lines == [line]


def test_the_wait_is_at_most_five_minutes_however_often_the_gate_is_closed_again(clock: Clock) -> None:
    close_for(300)
    assert total(STEP, clock, lambda: close_for(300)) == pytest.approx(300)
    assert total(Send("/x", {}, deadline=1_700_000_000 + clock.now + 40), clock, lambda: close_for(300)) == (
        pytest.approx(40)
    )
    assert total(Send("/x", {}, deadline=0.0), clock) == 0
    assert total(Send("/x", {}, urgent=True), clock) == 0


def test_a_gate_opens_by_itself_and_is_forgotten(clock: Clock) -> None:
    close_for(10)
    for passed in (0.0, 5.0, 9.9):
        clock.now = 1000 + passed
        left = 10 - passed
        for pause in [next(throttle.pauses(STEP, CREDENTIALS)) for _ in range(20)]:
            assert left <= pause <= left * 1.1
    clock.now = 1010
    assert list(throttle.pauses(STEP, CREDENTIALS)) == []
    close_for(10, Credentials("another-key", None))
    assert len(throttle._opens) == 1


def test_a_shorter_wait_does_not_open_the_gate_sooner(clock: Clock) -> None:
    close_for(100)
    close_for(1)
    assert next(throttle.pauses(STEP, CREDENTIALS)) >= 100


def test_a_line_says_that_a_gate_closes_or_stays_closed_for_much_longer(clock: Clock) -> None:
    assert [len(close_for(seconds).warnings) for seconds in (5, 5, 8, 2, 60, 61)] == [1, 0, 0, 0, 1, 0]
    clock.now += 100
    assert len(close_for(5).warnings) == 1


def test_a_gate_holds_no_key_in_clear() -> None:
    close_for(10)
    assert "the-key" not in str(throttle._opens)
    assert b"wiro" not in b"".join(throttle._opens)


def test_a_signal_handler_may_close_a_gate_whatever_it_interrupts(clock: Clock) -> None:
    with throttle._lock:
        assert close_for(5).warnings != []


@pytest.mark.parametrize("outcome", [Reply(503, retry_after=9.0), Reply(429), NoReply(True, "x")], ids=repr)
def test_only_a_429_closes_a_gate(outcome: Reply | NoReply) -> None:
    throttle.note(outcome, CREDENTIALS, ListLog())
    assert throttle._opens == {}
