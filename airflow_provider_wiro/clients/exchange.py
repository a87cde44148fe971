"""One request over the wire and its answer, the same in a worker and in a triggerer."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import aiohttp

from airflow_provider_wiro.clients.names import Resolver
from airflow_provider_wiro.clients.wire import (
    API_HEADERS,
    Request,
    proxy_for,
    read_reply,
    tls_context,
    too_long,
    words_of,
)
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import NoReply, Reply

# A longer body is handed over in pieces, as fast as the server takes them.
IN_ONE_PIECE = 64 * 1024
# How often the event loop goes round until a transport whose socket is shut has noticed. It takes three or four.
ROUNDS = 20

AddressInfo = tuple[int, int, int, str, tuple[object, ...]]

_UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)
_DISCARD = struct.pack("ii", 1, 0)
_DELIVER = struct.pack("ii", 0, 0)


@dataclass(frozen=True, slots=True)
class Route:
    """Credentials, and the way to the one service that they may be sent to."""

    credentials: Credentials
    tls: ssl.SSLContext | bool
    proxy: str | None = field(repr=False)

    @classmethod
    def find(cls, credentials: Credentials) -> Route:
        """Work the route out; loads a CA file.

        :raises WiroConfigError: if the CA file or the environment's proxy cannot be used.
        """
        return cls(credentials, tls_context(credentials), proxy_for(credentials.base_url))

    @classmethod
    async def to(cls, credentials: Credentials) -> Route:
        """Do the same without blocking the event loop."""
        return await asyncio.to_thread(cls.find, credentials)


def new_session(
    headers: Mapping[str, str] | None = None, *, traces: Sequence[aiohttp.TraceConfig] = (), **connector: object
) -> aiohttp.ClientSession:
    """Return a session that keeps no cookie, reads no environment and unpacks nothing.

    :param headers: what each request says that does not say otherwise.
    :param traces: what is told of its requests.
    :param connector: options of its ``aiohttp.TCPConnector``.
    """
    return aiohttp.ClientSession(
        headers=headers,
        trace_configs=list(traces),
        connector=aiohttp.TCPConnector(limit=0, resolver=Resolver(), **connector),  # type: ignore[arg-type]
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


async def exchange(session: aiohttp.ClientSession, request: Request, route: Route) -> Reply | NoReply:
    """Send *request* and read its answer; ends within its timeout, however a server drips."""
    try:
        # aiohttp's own limit on the whole may swallow a cancellation that comes in the same moment.
        async with (
            asyncio.timeout(request.timeout),
            session.post(
                request.url,
                data=_body_of(request),
                headers=request.headers,
                timeout=_connecting_within(request.connect),
                ssl=route.tls,
                proxy=route.proxy,
                allow_redirects=False,
            ) as response,
        ):
            return await _read(response, route.credentials, request.longest)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        return _no_reply(error)


def _body_of(request: Request) -> AsyncIterator[bytes] | io.BytesIO | bytes:
    if request.file is not None:
        return request.file.pieces()
    return io.BytesIO(request.body) if len(request.body) > IN_ONE_PIECE else request.body


async def exchange_alone(request: Request, route: Route) -> Reply | NoReply:
    """Do the same over a connection of its own.

    Where it is broken off, whoever breaks it off, the connection is reset: what the system has not delivered yet never
    leaves this machine.
    """
    sockets = Sockets()
    async with lone_session(sockets, API_HEADERS) as session:
        outcome = await exchange(session, request, route)
        if isinstance(outcome, Reply):
            sockets.deliver()
        return outcome


class Sockets:
    """The sockets of one exchange."""

    def __init__(self) -> None:
        self._made: list[socket.socket] = []

    def make(self, address: AddressInfo) -> socket.socket:
        """Return a socket for a connection to *address*, which is reset when it is closed."""
        family, kind, protocol, _, _ = address
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
        self._made.append(made)
        return made

    def deliver(self) -> None:
        """Let what was written be delivered after the sockets are closed."""
        for made in self._open():
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DELIVER)

    async def close(self) -> None:
        """Close them all, also those whose transports have more to write."""
        for _ in range(ROUNDS):
            if not self._open():
                return
            for made in self._open():
                with contextlib.suppress(OSError):
                    made.shutdown(socket.SHUT_RDWR)
            await asyncio.sleep(0)
        for made in self._open():
            made.close()

    def _open(self) -> list[socket.socket]:
        return [made for made in self._made if made.fileno() >= 0]


@asynccontextmanager
async def lone_session(
    sockets: Sockets, headers: Mapping[str, str], make: Callable[[AddressInfo], socket.socket] | None = None
) -> AsyncIterator[aiohttp.ClientSession]:
    """Make a session whose connections are *sockets*, none of which outlives the block.

    :param headers: what each request says that does not say otherwise.
    :param make: makes each of them by ``Sockets.make``, or raises OSError where the address is not to be connected to.
    """
    session = new_session(headers, force_close=True, socket_factory=make or sockets.make)
    try:
        yield session
    finally:
        with contextlib.suppress(Exception):  # an answer counts, whatever closing does
            await session.close()
            await sockets.close()


@lru_cache(maxsize=8)
def _connecting_within(seconds: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, connect=seconds)


async def _read(response: aiohttp.ClientResponse, credentials: Credentials, longest: int) -> Reply | NoReply:
    chunks, length = [], 0
    while chunk := await response.content.readany():
        chunks.append(chunk)
        length += len(chunk)
        if length > longest:
            response.close()
            return too_long(longest)
    return read_reply(response.status, b"".join(chunks), response.headers, credentials, longest)


def _no_reply(error: Exception) -> NoReply:
    tls = isinstance(error, aiohttp.ClientSSLError)
    return NoReply(not isinstance(error, _UNSENT), f"{type(error).__name__}: {_reason(error)}", tls)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return words_of(f"no connection to {error.host}:{error.port}: {error.certificate_error}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return words_of(f"no connection to {error.host}:{error.port}: {error.os_error}")
    return words_of(error)
