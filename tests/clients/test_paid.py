"""A submission goes over a connection of its own, and once nobody waits for it any more, no byte of it leaves."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.calls import submit
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Flow, NoReply, Reply, send
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown, WiroUnreachable
from driving import Drive, ListLog
from small_servers import read_request, socket_server

TIMEOUT = 1.0
ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{"result":true,"taskid":"2221"} '


def credentials_at(port: int, scheme: str = "http", verify: bool | str = True) -> Credentials:
    return Credentials("key", "secret", f"{scheme}://127.0.0.1:{port}/v1", TIMEOUT, verify)


def look_and_submit() -> Flow[list[Reply | NoReply]]:
    return [
        (yield from send("/Task/Detail", {"taskid": "1"})),
        (yield from send("/Run/owner/model", {"prompt": "x"}, paid=True)),
        (yield from send("/Task/Detail", {"taskid": "1"})),
    ]


def test_it_never_goes_over_a_connection_that_was_used_before(drive: Drive) -> None:
    """The one that was used before is in a black hole by now: a firewall has forgotten it."""

    def serve(connection: socket.socket) -> None:
        if read_request(connection).startswith(b"POST /v1/Run"):
            connection.sendall(ANSWER)
            return
        connection.sendall(ANSWER)
        if read_request(connection).startswith(b"POST /v1/Run"):
            time.sleep(TIMEOUT + 1)
        connection.sendall(ANSWER)

    with socket_server(serve) as port:
        outcomes = drive(look_and_submit(), credentials_at(port))
    assert [type(outcome) for outcome in outcomes] == [Reply] * 3


@contextmanager
def deaf_server(tls: ssl.SSLContext | None = None) -> Iterator[tuple[int, threading.Event, list[int]]]:
    """Accept connections and read nothing until told to, and then all there is.

    Its port comes out, the event that tells it to, and how many bytes each connection brought.
    """
    hear = threading.Event()
    brought: list[int] = []

    def serve(connection: socket.socket) -> None:
        with tls.wrap_socket(connection, server_side=True) if tls else contextlib.nullcontext(connection) as end:
            hear.wait(20)
            count = 0
            with contextlib.suppress(OSError):
                while data := end.recv(65536):
                    count += len(data)
            brought.append(count)

    with socket_server(serve, receive_buffer=4096) as port:
        try:
            yield port, hear, brought
        finally:
            hear.set()


@pytest.mark.parametrize("size", [200_000, 8_000_000])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_a_server_has_not_taken_when_the_time_is_over_never_arrives(
    drive: Drive, server_tls: ssl.SSLContext, ca_path: str, scheme: str, size: int
) -> None:
    with deaf_server(server_tls if scheme == "https" else None) as (port, hear, brought):
        with pytest.raises(WiroSubmissionUnknown):
            drive(submit("owner/model", {"prompt": "x" * size}), credentials_at(port, scheme, ca_path))
        hear.set()
        time.sleep(1)
        assert sum(brought) < size


@pytest.mark.usefixtures("short_pauses")
def test_a_connection_that_is_only_made_after_the_time_is_over_brings_nothing(drive: Drive) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for other in waiting:
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                other.connect(listener.getsockname())
        with pytest.raises(WiroUnreachable):
            drive(submit("owner/model", {"prompt": "x"}), credentials_at(listener.getsockname()[1]))
        for other in waiting:
            other.close()
        assert brought_by(listener, seconds=4) == b""  # the system repeats what asks for a connection after 1 and 3 s


def brought_by(listener: socket.socket, seconds: float) -> bytes:
    """Accept all connections that come within *seconds*, and return what they bring."""
    data, until = b"", time.monotonic() + seconds
    listener.settimeout(0.1)
    while time.monotonic() < until:
        with contextlib.suppress(TimeoutError), listener.accept()[0] as connection:
            connection.settimeout(0.2)
            with contextlib.suppress(OSError):
                data += connection.recv(65536)
    return data


class Raised(BaseException):
    """What a signal handler raises."""


def test_what_a_signal_handler_raises_breaks_it_off_too_and_what_is_left_never_arrives() -> None:
    def throw(_signal: int, _frame: object) -> None:
        raise Raised

    size = 8_000_000
    before = signal.signal(signal.SIGUSR1, throw)
    try:
        with deaf_server() as (port, hear, brought):
            client = Client(credentials_at(port), ListLog())
            threading.Timer(0.4, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            with pytest.raises(Raised):
                client.drive(submit("owner/model", {"prompt": "x" * size}))
            hear.set()
            time.sleep(0.5)
            assert sum(brought) < size
    finally:
        signal.signal(signal.SIGUSR1, before)
