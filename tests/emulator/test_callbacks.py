"""The task is posted to its callbackUrl when it is over, on loopback only."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any

import pytest
from emulator_client import Client

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.server import is_loopback


class Listener(ThreadingHTTPServer):
    """Receives callbacks."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: Queue[tuple[str, dict[str, object]]] = Queue()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.received.put((self.path, body))
        self.send_response(307 if self.path == "/moved" else 200)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_task_that_is_over_is_posted_once(wiro: Client, emulator: WiroEmulator, listener: Listener) -> None:
    completed, cancelled = (wiro.run(callbackUrl=f"{listener.url}/{name}") for name in ("completed", "cancelled"))
    wiro.post("/Task/Cancel", taskid=cancelled)
    path, body = listener.received.get(timeout=5)
    assert (path, body["id"], body["status"]) == ("/cancelled", cancelled, "task_cancel")
    emulator.advance(61)
    path, body = listener.received.get(timeout=5)
    assert (path, body["id"], body["status"]) == ("/completed", completed, "task_postprocess_end")

    with pytest.raises(Empty):
        listener.received.get(timeout=0.3)


def test_a_redirect_of_a_callback_is_not_followed(wiro: Client, emulator: WiroEmulator, listener: Listener) -> None:
    wiro.run(callbackUrl=f"{listener.url}/moved")
    emulator.advance(61)

    assert listener.received.get(timeout=5)[0] == "/moved"
    with pytest.raises(Empty):
        listener.received.get(timeout=0.3)


def test_an_address_elsewhere_or_none_is_left_alone(
    wiro: Client, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[object] = []
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def recorded_look_up(*arguments: Any, **options: Any) -> Any:
        looked_up.append(arguments[0])
        return look_up(*arguments, **options)

    def recorded_connect(self: socket.socket, address: Any) -> None:
        looked_up.append(address[0])
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", recorded_look_up)
    monkeypatch.setattr(socket.socket, "connect", recorded_connect)
    for url in ("http://wiro.invalid/", "http://192.0.2.1:9/", "ftp://127.0.0.1/", "http://[bad", "no address"):
        wiro.run(callbackUrl=url)
    emulator.advance(61)
    threading.Event().wait(0.3)

    assert set(looked_up) == {"127.0.0.1"}, "the client's own connection"


def test_a_callback_that_nobody_answers_harms_nothing(wiro: Client, emulator: WiroEmulator) -> None:
    wiro.run(callbackUrl="http://127.0.0.1:9/")
    emulator.advance(61)
    threading.Event().wait(0.2)

    assert wiro.detail(wiro.run())["status"] == "task_queue"


@pytest.mark.parametrize(
    ("host", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("192.0.2.1", False),
        ("localhost.example.com", False),
        ("", False),
    ],
)
def test_what_is_loopback(host: str, is_local: bool) -> None:
    assert is_loopback(host) is is_local
