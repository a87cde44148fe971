"""Many tasks wait on few connections while Wiro is slow: to wait for one's turn is no outage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from airflow_provider_wiro.clients import aio
from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Flow, NoReply, Reply, send
from driving import ListLog, look

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class SlowServer:
    """Answers after *seconds*, and counts how many it answers at once."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.paths: list[str] = []
        self.now = self.most = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.split(b":")[1]))
                self.paths.append(head.split()[1].decode())
                self.now += 1
                self.most = max(self.most, self.now)
                await asyncio.sleep(self.seconds)
                self.now -= 1
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def client_of(server: SlowServer, patience: float) -> AsyncIterator[AsyncClient]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=512)
    port = listening.sockets[0].getsockname()[1]
    client = AsyncClient(await Route.to(Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", patience)))
    try:
        yield client
    finally:
        await client.close()
        listening.close()
        await listening.wait_closed()


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 60))


def test_a_thousand_triggers_on_a_hundred_connections_that_answer_slowly() -> None:
    server = SlowServer(0.6)

    async def test() -> None:
        async with client_of(server, 4.0) as client:
            outcomes = await asyncio.gather(*(client.drive(look(), ListLog()) for _ in range(1000)))
        assert {type(outcome) for [outcome] in outcomes} == {Reply}
        assert server.most <= aio.CONNECTIONS

    run(test())


def at(path: str, **options: Any) -> Flow[Reply | NoReply]:
    return send(path, {"taskid": "1"}, **options)


@pytest.fixture
def one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aio, "CONNECTIONS", 1)


@pytest.mark.usefixtures("one_connection")
def test_a_step_whose_deadline_passes_while_it_waits_for_its_turn_is_not_sent() -> None:
    server = SlowServer(1.0)

    async def test() -> None:
        async with client_of(server, 5.0) as client:
            first = asyncio.ensure_future(client.drive(at("/first"), ListLog()))
            await asyncio.sleep(0.2)
            begun = time.time()
            late = await client.drive(at("/late", deadline=begun + 0.3), ListLog())
            assert 0.2 < time.time() - begun < 0.7
            assert isinstance(late, Reply)
            assert (late.status, late.retry_after) == (429, None)
            assert "not sent" in late.excerpt
            await first
            after = await client.drive(at("/after", deadline=begun), ListLog())  # nothing holds it back
            assert isinstance(after, Reply)
            assert after.status == 200
        assert server.paths == ["/v1/first", "/v1/after"]

    run(test())


@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize("options", [{"urgent": True}, {"paid": True}])
def test_what_stops_a_task_and_what_is_paid_for_do_not_queue(options: dict[str, bool]) -> None:
    server = SlowServer(1.0)

    async def test() -> None:
        async with client_of(server, 5.0) as client:
            first = asyncio.ensure_future(client.drive(at("/first"), ListLog()))
            await asyncio.sleep(0.2)
            await client.drive(at("/second", **options), ListLog())
            assert server.most == 2
            await first

    run(test())


def test_thousands_of_stops_are_on_their_way_a_few_at_a_time_whichever_client_sends_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aio, "STOPS", 3, raising=False)
    server = SlowServer(0.2)

    async def test() -> None:
        async with client_of(server, 5.0) as client:
            fresh = client.fresh()
            stops = (one.drive(at("/stop", urgent=True), ListLog()) for one in [client, fresh] * 6)
            outcomes = await asyncio.gather(*stops)
            await fresh.close()
            assert [isinstance(outcome, Reply) for outcome in outcomes] == [True] * 12
            assert server.most == 3

    run(test())


@pytest.mark.usefixtures("one_connection")
def test_one_that_is_cancelled_in_the_queue_gives_its_place_away() -> None:
    server = SlowServer(0.3)

    async def test() -> None:
        async with client_of(server, 5.0) as client:
            flows = [asyncio.ensure_future(client.drive(at(f"/{number}"), ListLog())) for number in range(4)]
            await asyncio.sleep(0.1)
            flows[0].cancel()  # on its way
            flows[2].cancel()  # in the queue
            await asyncio.gather(*flows, return_exceptions=True)
            assert [flow.cancelled() for flow in flows] == [True, False, True, False]
            await client.drive(at("/last"), ListLog())
        assert server.paths == ["/v1/0", "/v1/1", "/v1/3", "/v1/last"]

    run(test())
