"""The look whether an earlier try's outputs are still there: a courtesy that must cost neither hours nor a result."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_wiro import __version__
from airflow_provider_wiro.clients import outputs
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.hooks.connection import DEFAULT_CONN_ID
from small_servers import proxy_server, read_request, socket_server

GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def told() -> threading.Event:
    return threading.Event()


@pytest.fixture
def caller(wiro_emulator: WiroEmulator, told: threading.Event) -> Caller:
    return Caller(DEFAULT_CONN_ID, logging.getLogger(__name__), told_to_stop=told.is_set)


@contextmanager
def silent_urls(count: int) -> Iterator[list[str]]:
    """Addresses at which nobody ever answers."""
    over = threading.Event()

    def keep_quiet(_: socket.socket) -> None:
        over.wait(20)

    with socket_server(keep_quiet) as port:
        try:
            yield [f"http://127.0.0.1:{port}/{number}.mp4" for number in range(count)]
        finally:
            over.set()


@contextmanager
def gone_server() -> Iterator[tuple[int, list[bytes]]]:
    """Know no file; the port comes out, and what was asked for."""
    requests: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(GONE)

    with socket_server(serve) as port:
        yield port, requests


def test_the_first_output_that_is_lost_is_the_last_that_is_looked_at(
    caller: Caller, wiro_emulator: WiroEmulator
) -> None:
    urls = [f"{wiro_emulator.url}/Output/gone/{number}.mp4" for number in range(3)]
    assert caller.lost_output(urls) == urls[0]
    assert wiro_emulator.count("Output") == 1
    assert caller.lost_output([]) is None
    headers = wiro_emulator.requests[0].headers
    assert headers["user-agent"] == f"airflow-provider-wiro/{__version__}"
    assert not {"x-api-key", "x-signature", "cookie"} & set(headers)


def test_all_looks_together_end_in_time_and_what_is_left_is_taken_as_there(
    caller: Caller, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "TIMEOUT", 0.4)
    monkeypatch.setattr(outputs, "ALL_TIMEOUT", 1.0)
    with silent_urls(20) as urls:
        caller.check()
        begun = time.monotonic()
        assert caller.lost_output([*urls, f"{wiro_emulator.url}/Output/gone/0.mp4"]) is None
        assert 0.9 < time.monotonic() - begun < 1.5


def test_to_be_told_to_stop_ends_the_look_that_is_on_its_way(caller: Caller, told: threading.Event) -> None:
    assert caller.base_url
    telling = threading.Timer(0.3, told.set)
    with silent_urls(20) as urls:
        telling.start()
        begun = time.monotonic()
        with pytest.raises(WiroInterrupted):
            caller.lost_output(urls)
        assert time.monotonic() - begun < 0.6
    telling.join()


def test_nothing_is_sent_by_one_that_was_told_to_stop_before(
    caller: Caller, told: threading.Event, wiro_emulator: WiroEmulator
) -> None:
    told.set()
    with pytest.raises(WiroInterrupted):
        caller.lost_output([f"{wiro_emulator.url}/Output/gone/0.mp4"])
    assert wiro_emulator.requests == []


def test_a_proxy_that_cannot_be_used_for_an_output_proves_nothing(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    assert caller.lost_output(["https://cdn1.wiro.ai/6a6af820/0.mp4"]) is None


@pytest.mark.parametrize("host", ["localhost", "2130706433", "[::ffff:127.0.0.1]", "inside.example"])
def test_a_private_address_is_not_asked_and_that_proves_nothing(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    resolve_to_here(monkeypatch, "inside.example")
    with gone_server() as (port, requests):
        url = f"http://{host}:{port}/0.mp4"
        assert caller.lost_output([url]) is None
        time.sleep(0.1)
        assert requests == []


@pytest.mark.parametrize("host", ["localhost", "inside.example"])
def test_a_private_address_is_asked_where_its_host_is_allowed(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    resolve_to_here(monkeypatch, "inside.example")
    monkeypatch.setenv("AIRFLOW__WIRO__ALLOW_PRIVATE_HOSTS", f"other.example, {host}")
    with gone_server() as (port, requests):
        url = f"http://{host}:{port}/0.mp4"
        assert caller.lost_output([url]) == url
        assert requests[0].startswith(b"HEAD /0.mp4 HTTP/1.1\r\n")


def test_through_a_proxy_only_what_is_private_by_its_name_is_not_asked(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert caller.base_url
    with proxy_server(GONE) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        for host in ("localhost", "127.0.0.2", "10.0.0.1", "0x7f.2"):
            assert caller.lost_output([f"http://{host}/0.mp4"]) is None
        assert proxy.heads == []
        assert caller.lost_output(["http://inside.example/0.mp4"]) == "http://inside.example/0.mp4"
        assert len(proxy.heads) == 1


def resolve_to_here(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    resolve = socket.getaddrinfo

    def resolved(host: str | bytes | None, *args: object, **kwargs: object) -> list[object]:
        return resolve("127.0.0.1" if host == name else host, *args, **kwargs)  # type: ignore[arg-type,return-value]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
