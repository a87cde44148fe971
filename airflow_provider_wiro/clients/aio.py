"""The driver for triggers, on aiohttp."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import aiohttp

from airflow_provider_wiro.clients.throttle import held_back, note, pauses
from airflow_provider_wiro.clients.wire import (
    LONGEST_BODY,
    TOO_LONG,
    Request,
    ca_file,
    log_report,
    proxy_for,
    read_reply,
    sign,
    words_of,
)
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import (
    Answer,
    Flow,
    NoReply,
    Now,
    Reply,
    Report,
    Send,
    Sleep,
    Step,
    is_auth_failure,
)
from airflow_provider_wiro.core.text import one_line

T = TypeVar("T")
Lookup = Callable[[], Awaitable[Credentials]]

CONNECTIONS = 100
REREAD_PAUSE = 10.0
# A connection that takes longer was surely not used: that must show before the whole exchange is out of time.
CONNECT_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Route:
    """Credentials with what the environment says about the way to them."""

    credentials: Credentials
    tls: ssl.SSLContext | bool
    proxy: str | None

    @classmethod
    async def to(cls, credentials: Credentials) -> Route:
        """Work the route out, in a thread, since loading a CA file blocks."""
        return await asyncio.to_thread(cls._find, credentials)

    @classmethod
    def _find(cls, credentials: Credentials) -> Route:
        ca = ca_file(credentials.verify)
        return cls(credentials, _tls_context(ca) if ca else False, proxy_for(credentials.base_url))


class AsyncClient:
    """Carries out any number of flows at once over one session.

    :param route: where to send and how to sign.
    :param lookup: reads the credentials again when they are rejected; None keeps the first ones.
    """

    def __init__(self, route: Route, lookup: Lookup | None = None) -> None:
        self._route = route
        self._lookup = lookup
        self._looked_up = time.monotonic()
        self._rereading = asyncio.Lock()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    def fresh(self) -> AsyncClient:
        """Return a client of its own session, which begins with the credentials that this one has in memory."""
        client = AsyncClient(self._route, self._lookup)
        client._looked_up = -math.inf
        return client

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    @property
    def base_url(self) -> str:
        """The service that the connection names now."""
        return self._route.credentials.base_url

    async def drive(self, flow: Flow[T], log: Log, *, service: str | None = None) -> T:
        """Carry out *flow* and return its result; ``Report`` steps go to *log*.

        :param service: the base URL that it is for; where the connection names another one, nothing is sent.
        """
        answer: Answer = None
        try:
            while True:
                answer = await self._perform(flow.send(answer), log, service)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            flow.close()

    async def reread(self, older_than: float, log: Log) -> None:
        """Read the credentials again if they were read more than *older_than* seconds ago."""
        async with self._rereading:
            if self._lookup is None or time.monotonic() - self._looked_up < older_than:
                return
            self._looked_up = time.monotonic()
            try:
                self._route = await Route.to(await self._lookup())
            except Exception as error:
                log.warning("the connection could not be read again: %s", one_line(f"{type(error).__name__}: {error}"))

    async def _perform(self, step: Step, log: Log, service: str | None) -> Answer:
        match step:
            case Send():
                return await self._send(step, log, service)
            case Sleep():
                await asyncio.sleep(step.seconds)
            case Now():
                return time.time()
            case Report():
                log_report(step, log)
        return None

    async def _send(self, step: Send, log: Log, service: str | None) -> Reply | NoReply:
        for pause in pauses(step, self._route.credentials):
            await asyncio.sleep(pause)
        if service is not None and self.base_url != service:
            await self.reread(REREAD_PAUSE, log)
        route = self._route
        if service is not None and route.credentials.base_url != service:
            reason = f"the connection leads to {route.credentials.base_url}, but this is for {service}"
            return NoReply(sent=False, reason=reason, elsewhere=True)
        if (unsent := held_back(step, route.credentials)) is not None:
            return unsent
        outcome = await self._exchange(sign(step, route.credentials), route)
        note(outcome, route.credentials, log)
        if is_auth_failure(outcome) and self._route is route:
            await self.reread(REREAD_PAUSE, log)
        return outcome

    async def _exchange(self, request: Request, route: Route) -> Reply | NoReply:
        try:
            async with self._session.post(
                request.url,
                data=request.body,
                headers=request.headers,
                timeout=aiohttp.ClientTimeout(total=request.timeout, connect=request.timeout * CONNECT_SHARE),
                ssl=route.tls,
                proxy=route.proxy,
                allow_redirects=False,
            ) as response:
                return await _read(response, route.credentials)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _no_reply(error)


async def _read(response: aiohttp.ClientResponse, credentials: Credentials) -> Reply | NoReply:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > LONGEST_BODY:
            response.close()
            return TOO_LONG
    return read_reply(response.status, bytes(body), response.headers, credentials)


_UNSENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)


def _no_reply(error: Exception) -> NoReply:
    tls = isinstance(error, aiohttp.ClientSSLError)
    reason = "no answer in time" if isinstance(error, TimeoutError) else words_of(error)
    return NoReply(sent=not isinstance(error, _UNSENT), reason=f"{type(error).__name__}: {reason}", tls=tls)


def _tls_context(ca: str) -> ssl.SSLContext:
    if Path(ca).is_dir():
        return ssl.create_default_context(capath=ca)
    return ssl.create_default_context(cafile=ca)
