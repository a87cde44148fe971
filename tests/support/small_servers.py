"""Servers of a few lines, each in threads of its own: sockets with a mind of their own, an API that always says yes,
and a proxy."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

ANSWER = json.dumps(
    {"result": True, "errors": [], "total": "1", "tasklist": [{"id": "2221", "status": "task_start"}]}
).encode()


@contextmanager
def socket_server(handle: Callable[[socket.socket], None], receive_buffer: int | None = None) -> Iterator[int]:
    """Hand each connection to *handle*, in a thread; the server's port comes out.

    :param receive_buffer: how many bytes the system takes although nobody reads them; default: many.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if receive_buffer is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    over = threading.Event()

    def one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            handle(connection)

    def accept() -> None:
        threads = []
        while not over.is_set():
            connection, _ = listener.accept()
            threads.append(threading.Thread(target=one, args=(connection,)))
            threads[-1].start()
        for thread in threads:
            thread.join()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield listener.getsockname()[1]
    finally:
        over.set()
        with contextlib.suppress(OSError):
            socket.create_connection(listener.getsockname()).close()
        accepting.join()
        listener.close()


def read_request(connection: socket.socket) -> bytes:
    """Read a request with a Content-Length, or one without a body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError
    return data


@dataclass
class Seen:
    """What a server has seen.

    :param heads: of each request: its first line, and its headers with lower-case names.
    """

    port: int
    heads: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    connections: int = 0


@contextmanager
def yes_server(tls: ssl.SSLContext | None = None, headers: dict[str, str] | None = None) -> Iterator[Seen]:
    """Answer every POST with a running task."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            seen.connections += 1

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.heads.append((self.requestline, {name.lower(): value for name, value in self.headers.items()}))
            self.send_response(200)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(ANSWER)))
            self.end_headers()
            self.wfile.write(ANSWER)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def finish_request(self, request: Any, client_address: Any) -> None:
            # A handshake that fails is the client's to report.
            with contextlib.suppress(OSError), tls.wrap_socket(request, server_side=True) if tls else request as end:
                super().finish_request(end, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    seen = Seen(server.server_address[1])
    serving = threading.Thread(target=server.serve_forever, args=(0.02,))
    serving.start()
    try:
        yield seen
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


@contextmanager
def proxy_server(refuse: bytes | None = None) -> Iterator[Seen]:
    """Tunnel what comes with CONNECT and forward the rest, or answer *refuse* to all."""
    seen = Seen(0)

    def handle(client: socket.socket) -> None:
        request = read_request(client)
        first, *lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        seen.heads.append((first, {name.lower(): value for name, value in pairs}))
        if refuse is not None:
            client.sendall(refuse)
            return
        method, target, _ = first.split()
        host, port = target.removeprefix("http://").split("/")[0].split(":")
        with socket.create_connection((host, int(port))) as server:
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                server.sendall(request.replace(f"http://{host}:{port}".encode(), b"", 1))
            _shovel(client, server)

    with socket_server(handle) as port:
        seen.port = port
        yield seen


def _shovel(client: socket.socket, server: socket.socket) -> None:
    while True:
        for readable in select.select([client, server], [], [], 20)[0]:
            data = readable.recv(65536)
            if not data:
                return
            (server if readable is client else client).sendall(data)


@contextmanager
def port_nobody_listens_on() -> Iterator[int]:
    """Hold a port without listening on it: a connection to it is refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def port_that_never_connects(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Listen with a queue that is full: a connection to it is neither made nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


def server_context(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Return TLS for a server with a certificate of *authority* for *name*."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(name).configure_cert(context)
    return context
