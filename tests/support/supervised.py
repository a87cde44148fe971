"""A task's channel to Airflow 3, of real parts: its end, the supervisor's code, the client, a small API server."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

import pytest

RUN, TASK = "manual__2026-01-01", "video"


@dataclass
class ApiServer:
    """As much of Airflow's execution API as the look-up of a task instance needs.

    :param state: of the task instance; None: it has none.
    :param status: of the answers to a look-up.
    :param health: of the answer whether the server is there.
    :param delay: seconds before a look-up is answered.
    """

    state: str | None = "running"
    status: int = 200
    health: int = 200
    delay: float = 0.0
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, Any]]:
        self.asked.append(path)
        if path.endswith("/health"):
            return self.health, {"status": "healthy"}
        time.sleep(self.delay)
        if self.status != 200:
            return self.status, {"detail": {"reason": "trouble", "message": "as told"}}
        return 200, {"task_states": {RUN: {TASK: self.state}}}

    @contextlib.contextmanager
    def listening(self) -> Iterator[ApiServer]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = outer.answer(self.path.partition("?")[0])
                raw = json.dumps(body).encode()
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}/execution/"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class Supervisor:
    """Answers a task's requests with the code of the installed Airflow's supervisor, in a thread.

    :param url: of the API server.
    """

    def __init__(self, url: str) -> None:
        import psutil
        import structlog
        from airflow.sdk.api.client import Client
        from airflow.sdk.execution_time import supervisor

        self.mine, self.theirs = socket.socketpair()
        self.channel = _channel_of_lines(self.theirs) if speaks_in_lines() else _channel_of_frames(self.theirs)
        self._process = supervisor.ActivitySubprocess(
            id=uuid4(),
            pid=os.getpid(),
            stdin=self.mine,
            process=psutil.Process(),  # type: ignore[arg-type]
            process_log=structlog.get_logger(),
            client=Client(base_url=url, token="t"),
            **further_arguments(),
        )
        self.died: Exception | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        import structlog

        handler = self._process.handle_requests(structlog.get_logger())
        next(handler)
        try:
            for request in self._lines() if speaks_in_lines() else self._frames():
                handler.send(request)
        except Exception as error:  # on 3.0 and 3.1, what the client raises ends the supervisor
            self.died = error
            self.mine.close()

    def _lines(self) -> Iterator[Any]:
        with self.mine.makefile("rb") as lines:
            yield from lines

    def _frames(self) -> Iterator[Any]:
        import msgspec
        from airflow.sdk.execution_time import comms

        decoder = msgspec.msgpack.Decoder(comms._RequestFrame)
        while length := self.mine.recv(4):
            yield decoder.decode(self.mine.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL))

    def close(self) -> None:
        for end in (self.theirs, self.mine):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        if speaks_in_lines():
            self.channel.input.close()  # whoever waits there for an answer would never see that none comes
            self.channel.request_socket.close()


def speaks_in_lines() -> bool:
    """Whether a task and its supervisor speak in lines, as up to Airflow 3.0.2."""
    from airflow.sdk.execution_time import comms

    return not hasattr(comms, "CommsDecoder")


def further_arguments() -> dict[str, Any]:
    """Return what a supervisor that speaks in lines needs besides."""
    return {"requests_fd": -1} if speaks_in_lines() else {}


def _channel_of_lines(end: socket.socket) -> Any:
    from airflow.sdk.execution_time import task_runner

    channel: Any = task_runner.CommsDecoder(input=end.makefile("r"))  # type: ignore[attr-defined]
    channel.request_socket = end.makefile("wb", buffering=0)
    return channel


def _channel_of_frames(end: socket.socket) -> Any:
    from airflow.sdk.execution_time import comms

    return comms.CommsDecoder(socket=end)


@contextlib.contextmanager
def supervised(patch: pytest.MonkeyPatch, url: str) -> Iterator[Supervisor]:
    """Give the task in this process its channel to an API server at *url*."""
    from airflow.sdk.execution_time import task_runner

    patch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", url)
    supervisor = Supervisor(url)
    patch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor.channel, raising=False)
    try:
        yield supervisor
    finally:
        supervisor.close()


def closed_url() -> str:
    """Return an address at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/execution/"
