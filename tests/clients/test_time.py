"""The connection's timeout bounds the whole exchange, whichever part of it a server draws out."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Flow, NoReply, Reply, Send, send
from airflow_provider_wiro.emulator import WiroEmulator
from driving import Drive, DriveSync, ListLog, credentials_of, look
from small_servers import port_that_never_connects, read_request, socket_server, yes_server

TIMEOUT = 1.0
LATEST = TIMEOUT + 1.5


def dripping(before: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    """Return a server that begins with *before*, and goes on drop by drop for longer than anybody waits."""

    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(before)
        until = time.monotonic() + 3 * TIMEOUT
        while time.monotonic() < until:
            connection.sendall(drop)
            time.sleep(0.1)

    return drip


OK = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "status line": (b"HTTP/1.1 200 ", b"O"),
    "header": (OK + b"X-Slow: ", b"x"),
    "headers": (OK, b"X-Slow: x\r\n"),
    "interim answers": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "headers of an interim answer": (b"HTTP/1.1 103 Early Hints\r\n", b"Link: x\r\n"),
    "body": (OK + b"Content-Length: 1000\r\n\r\n", b"{"),
    "body without a length": (OK + b"\r\n", b" "),
    "length of a chunk": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunks": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n{\r\n"),
    "trailers": (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Slow: x\r\n"),
}


@pytest.mark.parametrize("part", DRIPS)
def test_an_answer_that_drips(drive: Drive, part: str) -> None:
    with socket_server(dripping(*DRIPS[part])) as port:
        begun = time.monotonic()
        [outcome] = drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", TIMEOUT))
        assert time.monotonic() - begun < LATEST
    assert isinstance(outcome, NoReply)
    assert outcome.sent


def test_an_answer_that_drips_over_tls(server_tls: ssl.SSLContext, ca_path: str) -> None:
    def serve(connection: socket.socket) -> None:
        with server_tls.wrap_socket(connection, server_side=True) as tls:
            dripping(OK, b"X-Slow: x\r\n")(tls)

    with socket_server(serve) as port:
        begun = time.monotonic()
        [outcome] = DriveSync()(look(), Credentials("key", "secret", f"https://127.0.0.1:{port}/v1", TIMEOUT, ca_path))
        assert time.monotonic() - begun < LATEST
    assert isinstance(outcome, NoReply)
    assert outcome.sent


@pytest.mark.parametrize("tls", [False, True])
def test_a_large_request_that_a_server_takes_slowly(server_tls: ssl.SSLContext, ca_path: str, tls: bool) -> None:
    def sip(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with server_tls.wrap_socket(connection, server_side=True) if tls else connection as end:
            until = time.monotonic() + 3 * TIMEOUT
            while time.monotonic() < until and end.recv(20_000):
                time.sleep(0.1)

    def flow() -> Flow[Reply | NoReply]:
        return (yield from send("/Run/owner/model", {"prompt": "x" * 8_000_000}))

    scheme = "https" if tls else "http"
    with socket_server(sip) as port:
        begun = time.monotonic()
        outcome = DriveSync()(flow(), Credentials("key", "secret", f"{scheme}://127.0.0.1:{port}/v1", TIMEOUT, ca_path))
        assert time.monotonic() - begun < LATEST
    assert isinstance(outcome, NoReply)
    assert outcome.sent


def test_a_proxy_whose_answer_drips(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket_server(dripping(b"HTTP/1.1 200 Connection established\r\n", b"X-Slow: x\r\n")) as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        begun = time.monotonic()
        [outcome] = drive(look(), Credentials("key", "secret", "https://127.0.0.1:9/v1", TIMEOUT))
        assert time.monotonic() - begun < LATEST
    assert isinstance(outcome, NoReply)
    assert not outcome.sent


def test_a_host_of_many_addresses_of_which_none_answers(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def many(host: str | bytes | None, *args: object, **kwargs: object) -> list[object]:
        if host != "many.example":
            return resolve(host, *args, **kwargs)  # type: ignore[arg-type,return-value]
        return resolve("127.0.0.1", *args, **kwargs) * 5  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", many)
    with port_that_never_connects() as port:
        begun = time.monotonic()
        [outcome] = drive(look(), Credentials("key", "secret", f"http://many.example:{port}/v1", TIMEOUT))
        assert time.monotonic() - begun < LATEST
    assert isinstance(outcome, NoReply)
    assert not outcome.sent


def test_a_host_is_reached_at_the_address_that_answers(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def two(host: str | bytes | None, *args: object, **kwargs: object) -> list[object]:
        if host != "two.example":
            return resolve(host, *args, **kwargs)  # type: ignore[arg-type,return-value]
        return [*resolve("127.0.0.2", *args, **kwargs), *resolve("127.0.0.1", *args, **kwargs)]  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with WiroEmulator() as emulator:
        here = credentials_of(emulator)
        url = here.base_url.replace("127.0.0.1", "two.example")
        [outcome] = drive(look(), Credentials(here.api_key, here.api_secret, url, 5.0))
    assert isinstance(outcome, Reply)


def test_a_host_whose_first_address_is_dead_is_reached_in_time(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo

    def two(host: str | bytes | None, *args: object, **kwargs: object) -> list[object]:
        if host != "two.example":
            return resolve(host, *args, **kwargs)  # type: ignore[arg-type,return-value]
        return [*resolve("127.0.0.2", *args, **kwargs), *resolve("127.0.0.1", *args, **kwargs)]  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with yes_server() as server, port_that_never_connects("127.0.0.2", server.port):
        begun = time.monotonic()
        [outcome] = drive(look(), Credentials("key", "secret", f"http://two.example:{server.port}/v1", 20.0))
        assert time.monotonic() - begun < 5
    assert isinstance(outcome, Reply)


def test_a_timeout_of_a_step_is_for_that_step(emulator: WiroEmulator, credentials: Credentials) -> None:
    def flow() -> Flow[list[Reply | NoReply]]:
        short = yield from send("/Task/Detail", {"taskid": "1"}, 0.3)
        return [short, (yield from send("/Task/Detail", {"taskid": "1"}))]

    emulator.script("Detail", "slow", times=2, seconds=0.6)
    outcomes = Client(credentials, ListLog()).drive(flow())
    assert [type(outcome) for outcome in outcomes] == [NoReply, Reply]


def test_a_server_that_takes_its_time_first_for_the_handshake_and_then_for_the_request(
    server_tls: ssl.SSLContext, ca_path: str
) -> None:
    def dawdle(connection: socket.socket) -> None:
        time.sleep(1.4)
        with server_tls.wrap_socket(connection, server_side=True):
            time.sleep(2.5)

    def flow() -> Flow[Reply | NoReply]:
        return (yield from send("/Run/owner/model", {"prompt": "x" * 8_000_000}))

    with socket_server(dawdle) as port:
        begun = time.monotonic()
        outcome = DriveSync()(flow(), Credentials("key", "secret", f"https://127.0.0.1:{port}/v1", 2.0, ca_path))
        assert time.monotonic() - begun < 3
    assert isinstance(outcome, NoReply)
    assert outcome.sent


@pytest.mark.parametrize("bad", ["no colon here", " begins with a space", ": no name"])
def test_headers_that_cannot_be_read_are_no_answer_and_not_logged(
    drive: Drive, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    def answer(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK + f"{bad}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        with contextlib.suppress(OSError):
            connection.recv(1)

    with socket_server(answer) as port:
        [outcome] = drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", TIMEOUT))
    assert isinstance(outcome, NoReply)
    assert outcome.sent
    assert "no colon" not in caplog.text


SLOW_NAMES = """
import json, logging, socket, sys, threading, time
from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import send
from airflow_provider_wiro.exceptions import WiroInterrupted

socket.getaddrinfo = lambda *args, **kwargs: time.sleep(60)
told = threading.Event()
client = Client(Credentials("key", None, "https://slow.example/v1", 1.0), logging.getLogger(), told_to_stop=told.is_set)
begun = time.monotonic()
print(client.drive(send("/Task/Detail", {})).sent, time.monotonic() - begun < 2)
threading.Timer(0.3, told.set).start()
begun = time.monotonic()
try:
    client.drive(send("/Task/Detail", {}))
except WiroInterrupted:
    print(time.monotonic() - begun < 0.8)
"""


def test_a_name_that_is_looked_up_for_long_holds_up_neither_the_exchange_nor_the_end_of_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", SLOW_NAMES], capture_output=True, text=True, check=False, timeout=20)
    assert (done.stdout.split(), done.returncode) == (["False", "True", "True"], 0), done.stderr


@pytest.mark.parametrize("after", [b"", OK + b"Content-Length: 1000\r\n\r\n{"])
def test_who_is_cancelled_in_the_moment_in_which_time_is_over_sends_nothing_more(after: bytes) -> None:
    requests = []

    def hang(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(after)
        time.sleep(2 * TIMEOUT)

    def flow() -> Flow[object]:
        yield Send("/Task/Detail", {"taskid": "2221"}, 0.3)
        return (yield Send("/Run/owner/model", {}, 0.3, paid=True))

    async def cancelled_in_that_moment(port: int) -> bool:
        credentials = Credentials("key", "secret", f"http://127.0.0.1:{port}/v1")
        client, loop = AsyncClient(await Route.to(credentials)), asyncio.get_running_loop()
        begun, driving = loop.time(), asyncio.create_task(client.drive(flow(), ListLog()))
        loop.call_at(begun + 0.25, time.sleep, 0.2)  # as in a triggerer that is busy: both are due when it goes on
        loop.call_at(begun + 0.4, driving.cancel)
        await asyncio.wait([driving])
        await client.close()
        return driving.cancelled()

    with socket_server(hang) as port:
        assert asyncio.run(cancelled_in_that_moment(port))
    assert len(requests) == 1
