"""A session of requests whose exchanges end in time, however a server drips, and that goes nowhere by itself.

requests itself bounds each read, but not all of them together, and gives each address of a host the whole timeout. It
also reads the body of a redirect, and parses where it leads to, when it is told not to follow it. Here only the look-up
of the host's name is outside of the deadline: the system bounds it.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPException, HTTPResponse
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

_COOKIES = ("Set-Cookie", "Set-Cookie2")

# A signal handler may begin an exchange in the middle of another one: each has a deadline of its own.
_deadline: ContextVar[float] = ContextVar("deadline")


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Let every exchange within the block end after so many seconds, with one of the library's timeouts."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def _time_left() -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise TimeoutError("the exchange took too long")
    return left


class Session(requests.Session):
    """Sends what it is told to, within a :func:`deadline`: follows no redirect, keeps no cookie, reads no .netrc."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter())

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Lead nowhere."""


class _InTime(io.RawIOBase):
    """What a socket brings, read within the deadline."""

    def __init__(self, source: io.RawIOBase, connection: socket.socket) -> None:
        self._source = source
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._connection.settimeout(_time_left())
        return self._source.readinto(buffer)

    def close(self) -> None:
        self._source.close()
        super().close()


class _Response(HTTPResponse):
    fp: io.BufferedReader

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_InTime(self.fp.detach(), sock))

    def begin(self) -> None:
        super().begin()
        while 101 < self.status < 200:  # interim, of which http.client knows only 100
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        if self.msg.defects:
            raise HTTPException("the headers cannot be read")  # urllib3 would log them, whatever they hold
        for name in _COOKIES:
            del self.msg[name]


class _Bounded(HTTPConnection):
    """A connection of urllib3 that is made, and used, within the deadline."""

    response_class = _Response

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"no connection to {self.host} in time") from error

    def send(self, data: Any) -> None:
        if self.sock is not None:  # the handshake has taken some of the time
            self.sock.settimeout(_time_left())
        super().send(data)

    def _new_conn(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from error
        problem: OSError | None = None
        for *_, address in found:
            try:
                made = create_connection((str(address[0]), self.port), _time_left(), socket_options=self.socket_options)
            except OSError as error:
                problem = error
            else:
                made.settimeout(max(_deadline.get() - time.monotonic(), 0.001))
                return made
        if isinstance(problem, TimeoutError):
            raise problem
        raise NewConnectionError(self, f"no connection to {self.host}: {problem}") from problem

    def _tunnel(self) -> None:
        super()._tunnel()
        self.sock.settimeout(_time_left())


class _BoundedTLS(_Bounded, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Bounded


class _PoolTLS(HTTPSConnectionPool):
    ConnectionCls = _BoundedTLS


class _Adapter(HTTPAdapter):
    _pools = {"http": _Pool, "https": _PoolTLS}  # noqa: RUF012

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **kwargs)
        manager.pool_classes_by_scheme = self._pools
        return manager
