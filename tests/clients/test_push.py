"""The socket on which Wiro says that something has happened: it makes the wait quicker, and nothing depends on it."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from airflow_provider_wiro import __version__
from airflow_provider_wiro.clients import push
from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.lookout import Lookout
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.protocol import Reply, Send
from airflow_provider_wiro.core.verdict import Verdict
from airflow_provider_wiro.emulator import WiroEmulator
from driving import ListLog, credentials_of

INPUTS = {"prompt": "A train", "inputImageUrl": "https://example.com/train.png", "ratio": "1280:720", "duration": "5"}


@pytest.fixture(autouse=True)
def _opened_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "FIRST_PAUSE", 0.05)


@pytest.fixture
def credentials(emulator: WiroEmulator) -> Credentials:
    return replace(credentials_of(emulator), socket_url=emulator.socket_url)


class Watch:
    """A lookout on the emulator."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self.lookout = Lookout(client)
        self.log = ListLog()

    async def submit(self) -> str:
        """Submit, and return the taskid."""
        outcome = await self.client.send(Send("/Run/Runway/image-to-video-gen4-turbo", INPUTS), self.log)
        assert isinstance(outcome, Reply)
        body: Any = outcome.body
        return str(body["taskid"])

    def lead_to(self, credentials: Credentials) -> None:
        """Have the connection say something else from now on."""
        self.client._route = replace(self.client._route, credentials=credentials)

    def wait(
        self, taskid: str, poll_interval: float = 0.1, *, service: str | None = None, log: ListLog | None = None
    ) -> asyncio.Task[Verdict]:
        now = time.time()
        plan = WaitPlan(taskid, submitted_at=now, deadline=now + 60, poll_interval=poll_interval)
        return asyncio.ensure_future(self.lookout.wait(plan, log or self.log, service=service, pushed=True))


def run(credentials: Credentials, scene: Any) -> Any:
    """Carry *scene* out; nothing is left of it then."""

    async def whole() -> Any:
        watch = Watch(AsyncClient(await Route.to(credentials)))
        try:
            return await asyncio.wait_for(scene(watch), 120)
        finally:
            await watch.lookout.close()
            await watch.client.close()
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    return asyncio.run(whole())


async def heard(watch: Watch, taskid: str) -> None:
    """Wait until the socket has said how far a task is."""
    await until(lambda: [line for line in watch.log.lines if line.startswith(f"taskid {taskid}: ") and "%" in line])


def test_an_end_is_seen_at_once_with_two_looks(emulator: WiroEmulator, credentials: Credentials) -> None:
    async def scene(watch: Watch) -> None:
        emulator.outcome(duration=2.0, hold=True)
        taskid = await watch.submit()
        waiting = watch.wait(taskid, poll_interval=60.0)
        await heard(watch, taskid)
        emulator.release(taskid)
        assert (await waiting).kind == "success"
        assert (emulator.count("Detail"), emulator.count("Socket")) == (2, 1)

    run(credentials, scene)


def test_once_an_end_was_said_the_next_task_is_looked_at_twice(
    emulator: WiroEmulator, credentials: Credentials
) -> None:
    async def scene(watch: Watch) -> None:
        emulator.outcome(duration=2.0, hold=True, times=2)
        for poll_interval in (60.0, 0.1):
            before = emulator.count("Detail")
            waiting = watch.wait(taskid := await watch.submit(), poll_interval)
            await heard(watch, taskid)
            emulator.release(taskid)
            assert (await waiting).kind == "success"
        assert emulator.count("Detail") - before == 2

    run(credentials, scene)


FAULTS: dict[str, dict[str, Any]] = {
    "socket_silent": {},
    "socket_cut": {"events": 1},
    "socket_error": {},
    "socket_nonsense": {},
    "socket_lie": {},
    "5xx": {},
    "html": {},
    "redirect": {},
    "drop_before": {},
    "hang": {},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_the_socket_does_each_task_comes_to_its_own_end_in_time(
    emulator: WiroEmulator, credentials: Credentials, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "airflow_provider_wiro")

    async def scene(watch: Watch) -> None:
        emulator.script("Socket", fault, times=-1, **FAULTS[fault])
        for pexit, kind in (("0", "success"), ("1", "failed"), ("0", "success")):
            emulator.outcome(duration=0.4, pexit=pexit)
            begun = time.monotonic()
            assert (await watch.wait(await watch.submit())).kind == kind
            # One that sleeps when the socket is gone is looked at when a trusted socket's long pause is over.
            assert 0.35 < time.monotonic() - begun < push.SAFETY + 10
        told = caplog.text + "".join(watch.log.lines)
        assert not [task.token for task in emulator.runs if task.token in told]

    run(credentials, scene)


def test_it_says_how_far_a_generation_is_once_in_ten_seconds(emulator: WiroEmulator, credentials: Credentials) -> None:
    async def scene(watch: Watch) -> list[str]:
        emulator.outcome(duration=2.0)
        await watch.wait(await watch.submit(), poll_interval=1.0)
        return [line for line in watch.log.lines if "%" in line]

    [line] = run(credentials, scene)
    assert line.startswith(f"taskid {emulator.runs[0].taskid}: ")
    assert line.endswith("s left")


class Full(ListLog):
    """A log that takes no line of progress."""

    def info(self, message: str, /, *args: object) -> None:
        super().info(message, *args)
        if "%" in self.lines[-1]:
            raise OSError("no space left on device")


def test_a_log_that_cannot_be_written_to_does_not_take_the_socket_from_the_others(
    emulator: WiroEmulator, credentials: Credentials
) -> None:
    async def scene(watch: Watch) -> None:
        emulator.outcome(duration=2.0, times=2)
        broken = watch.wait(await watch.submit(), poll_interval=1.0, log=Full())
        other = watch.wait(await watch.submit(), poll_interval=1.0)
        with pytest.raises(OSError, match="no space left"):
            await broken
        assert (await other).kind == "success"
        assert emulator.count("Socket") == 1

    run(credentials, scene)


class Sockets:
    """A service's socket that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.open: list[web.WebSocketResponse] = []
        self.agents: list[str | None] = []

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.agents.append(request.headers.get("User-Agent"))
        self.open.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self.told.append(message.data)
        return socket

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_get("/v1", self.handle)
        self._runner = web.AppRunner(app, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        return f"ws://{host}:{port}/v1"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()


async def until(what: Any) -> None:
    """Wait until *what* is true."""
    async with asyncio.timeout(10):
        while not what():  # noqa: ASYNC110 - it may be anything
            await asyncio.sleep(0.01)


def test_a_socket_that_is_gone_is_opened_again_and_told_of_all_tasks(
    emulator: WiroEmulator, credentials: Credentials
) -> None:
    async def scene(watch: Watch) -> None:
        sockets = Sockets()
        async with sockets as url:
            watch.lead_to(replace(credentials, socket_url=url))
            emulator.outcome(hold=True, times=-1)
            waiting = [watch.wait(await watch.submit(), poll_interval=5.0) for _ in range(120)]
            await until(lambda: len(sockets.told) == 120)
            await sockets.open[0].close()
            await until(lambda: len(sockets.told) == 240)
            assert sockets.agents == [f"airflow-provider-wiro/{__version__}"] * 2
            assert set(sockets.told[:120]) == set(sockets.told[120:])
            await end(waiting)

    run(credentials, scene)


async def end(waiting: list[asyncio.Task[Any]]) -> None:
    """Have nobody wait any more."""
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_no_socket_is_left_where_closing_is_cancelled(
    emulator: WiroEmulator, credentials: Credentials, rounds: int
) -> None:
    async def scene(watch: Watch) -> None:
        sockets = Sockets()
        async with sockets as url:
            watch.lead_to(replace(credentials, socket_url=url))
            emulator.outcome(hold=True)
            waiting = watch.wait(await watch.submit())
            await until(lambda: sockets.told)
            emulator.script("Detail", "hang", times=1)
            await asyncio.sleep(0.5)
            waiting.cancel()
            await asyncio.sleep(0)
            closing = asyncio.ensure_future(watch.lookout.close())
            for _ in range(rounds):
                await asyncio.sleep(0)
            closing.cancel()
            await until(lambda: sockets.open[0].closed)
            await end([waiting, closing])

    run(credentials, scene)


def test_no_token_goes_to_another_service_than_that_of_its_task(
    emulator: WiroEmulator, credentials: Credentials
) -> None:
    async def scene(watch: Watch) -> None:
        first, second = Sockets(), Sockets()
        async with first as here, second as there:
            watch.lead_to(replace(credentials, socket_url=here))
            emulator.outcome(hold=True, times=-1)
            waiting = [watch.wait(await watch.submit())]
            await until(lambda: len(first.told) == 1)
            with WiroEmulator() as other:
                watch.lead_to(replace(credentials_of(other), socket_url=there))
                other.outcome(hold=True)
                waiting.append(watch.wait(await watch.submit()))
                await until(lambda: len(second.told) == 1)
                await asyncio.sleep(0.3)
                assert other.runs[0].token in second.told[0]
                assert len(first.told) == len(second.told) == 1
                await end(waiting)

    run(credentials, scene)


def test_no_token_goes_to_another_service_that_the_connection_leads_to_while_the_task_is_asked_for(
    emulator: WiroEmulator, credentials: Credentials
) -> None:
    async def scene(watch: Watch) -> None:
        sockets = Sockets()
        async with sockets as there:
            emulator.outcome(hold=True)
            taskid = await watch.submit()
            emulator.script("Detail", "slow", times=1, seconds=0.5)
            waiting = watch.wait(taskid, service=watch.client.base_url)
            await asyncio.sleep(0.2)
            with WiroEmulator() as other:
                watch.lead_to(replace(credentials_of(other), socket_url=there))
                await asyncio.sleep(1.0)
                assert sockets.told == []
                await end([waiting])

    run(credentials, scene)


@pytest.mark.parametrize("frame", ["x" * 100_000, '{"type": "task_end"'])
def test_a_frame_that_is_too_long_or_cut_ends_nothing(
    emulator: WiroEmulator, credentials: Credentials, frame: str
) -> None:
    async def scene(watch: Watch) -> None:
        sockets = Sockets()
        async with sockets as url:
            watch.lead_to(replace(credentials, socket_url=url))
            emulator.outcome(duration=1.0)
            waiting = watch.wait(await watch.submit())
            await until(lambda: sockets.told)
            await sockets.open[0].send_str(frame)
            assert (await waiting).kind == "success"

    run(credentials, scene)


def test_without_a_socket_url_and_where_it_is_not_asked_for_none_is_opened(
    emulator: WiroEmulator, credentials: Credentials
) -> None:
    async def alone(watch: Watch) -> None:
        assert (await watch.wait(await watch.submit())).kind == "success"

    async def unasked(watch: Watch) -> None:
        now = time.time()
        plan = WaitPlan(await watch.submit(), submitted_at=now, deadline=now + 60, poll_interval=0.1)
        assert (await watch.lookout.wait(plan, watch.log)).kind == "success"

    run(replace(credentials, socket_url=None), alone)
    run(credentials, unasked)
    assert emulator.count("Socket") == 0
