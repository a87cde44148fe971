"""A Wiro API of a few lines: each call answers what the test says, in turn, the last answer for ever."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from small_servers import read_request, socket_server


@dataclass
class ScriptedApi:
    """What it answers, by the last part of the path; a tuple is an HTTP status and a body.

    :param calls: the last part of each request's path, in order.
    """

    answers: dict[str, Sequence[object]]
    port: int = 0
    calls: list[str] = field(default_factory=list)

    def answer(self, path: str) -> bytes:
        """Return the HTTP answer to the next request for *path*."""
        call = path.rsplit("/", 1)[1]
        self.calls.append(call)
        script = self.answers[call]
        said = script[min(self.calls.count(call), len(script)) - 1]
        status, body = said if isinstance(said, tuple) else (200, said)
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        return head.encode() + b"Connection: close\r\n\r\n" + data


@contextmanager
def scripted_api(monkeypatch: pytest.MonkeyPatch, **answers: Sequence[object]) -> Iterator[ScriptedApi]:
    """Serve *answers*, by the name of the call, or of the model for a submission; ``wiro_default`` leads there."""
    api = ScriptedApi(answers)

    def handle(connection: socket.socket) -> None:
        path = read_request(connection).split()[1].decode()
        connection.sendall(api.answer(path))

    with socket_server(handle) as api.port:
        connection = {"conn_type": "wiro", "login": "a-key-0123", "host": f"http://127.0.0.1:{api.port}/v1"}
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(connection))
        yield api
