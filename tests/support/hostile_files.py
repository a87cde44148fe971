"""A server of one file that keeps to no rule, connection by connection."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from small_servers import read_request, socket_server

FILE = bytes(range(256)) * 800
"""What is served where nothing else is said."""

Answer = Callable[[bytes, socket.socket], None]


@dataclass
class FileServer:
    """What the server has seen.

    :param requests: the heads of all requests.
    """

    port: int = 0
    requests: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/0.mp4"

    def ranges(self) -> list[tuple[str, str]]:
        """Return what each request says of Range and If-Range."""
        return [(_header(head, "Range"), _header(head, "If-Range")) for head in self.requests]


@contextmanager
def file_server(*answers: Answer) -> Iterator[FileServer]:
    """Give each connection the next of *answers*, and the last one again and again."""
    server, lock = FileServer(), threading.Lock()

    def handle(connection: socket.socket) -> None:
        request = read_request(connection)
        with lock:
            number = len(server.requests)
            server.requests.append(request.decode("latin-1"))
        if not server.over.is_set():
            answers[min(number, len(answers) - 1)](request, connection)

    with socket_server(handle) as server.port:
        try:
            yield server
        finally:
            server.over.set()


def whole(
    body: bytes = FILE, *headers: str, kind: str = "video/mp4", length: int | None = None, to: int = -1
) -> Answer:
    """Send a file as it should be, whatever part is asked for; or no more than *to* bytes of it.

    :param length: what Content-Length says; None: the truth.
    """

    def answer(_: bytes, connection: socket.socket) -> None:
        said = len(body) if length is None else length
        connection.sendall(_head("200 OK", f"Content-Type: {kind}", f"Content-Length: {said}", *headers))
        connection.sendall(body[:to] if to >= 0 else body)

    return answer


def rest(body: bytes = FILE, *headers: str, shift: int = 0, total: int | None = None, to: int = -1) -> Answer:
    """Send the part that is asked for, from *shift* bytes further on, and no more than *to* bytes of it."""

    def answer(request: bytes, connection: socket.socket) -> None:
        first = int(_header(request.decode("latin-1"), "Range").partition("=")[2].rstrip("-") or 0) + shift
        part = f"Content-Range: bytes {first}-{len(body) - 1}/{len(body) if total is None else total}"
        kind, length = "Content-Type: video/mp4", f"Content-Length: {len(body) - first}"
        connection.sendall(_head("206 Partial Content", kind, part, length, *headers))
        connection.sendall(body[first : first + to] if to >= 0 else body[first:])

    return answer


def status(line: str, *headers: str) -> Answer:
    """Answer with a status and no body."""

    def answer(_: bytes, connection: socket.socket) -> None:
        connection.sendall(_head(line, "Content-Length: 0", *headers))

    return answer


def redirect(location: str) -> Answer:
    """Lead elsewhere."""
    return status("302 Found", f"Location: {location}")


def dripping(interval: float, over: threading.Event, first: bytes = b"") -> Answer:
    """Send a byte every *interval* seconds, until *over*."""

    def answer(_: bytes, connection: socket.socket) -> None:
        connection.sendall(_head("200 OK", "Content-Type: video/mp4", f"Content-Length: {len(FILE)}") + first)
        while not over.wait(interval):
            connection.sendall(b"x")

    return answer


def silent(over: threading.Event) -> Answer:
    """Send nothing, until *over*."""

    def answer(_: bytes, __: socket.socket) -> None:
        over.wait(20)

    return answer


def endless(_: bytes, connection: socket.socket) -> None:
    """Send a body that does not end."""
    connection.sendall(_head("200 OK", "Content-Type: video/mp4", "Transfer-Encoding: chunked"))
    while True:
        connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")


def _head(line: str, *headers: str) -> bytes:
    return "\r\n".join((f"HTTP/1.1 {line}", "Connection: close", *headers, "", "")).encode("latin-1")


def _header(head: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*?)\r$", head, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""
