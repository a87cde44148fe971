"""The driver for triggers: any number of flows at once on one event loop."""

from __future__ import annotations

import asyncio
import math
import ssl
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from airflow_provider_wiro.clients.exchange import Route, exchange, exchange_alone, new_session
from airflow_provider_wiro.clients.sending import REREAD_PAUSE, Pause, Reread, before, is_rejected, not_reread
from airflow_provider_wiro.clients.throttle import queued_too_long
from airflow_provider_wiro.clients.wire import API_HEADERS, log_report, sign
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import Answer, Flow, Look, NoReply, Now, Reply, Report, Send, Sleep

T = TypeVar("T")
Lookup = Callable[[], Awaitable[Credentials]]

# How many exchanges are on their way at once; the others queue, and their timeouts begin when it is their turn.
CONNECTIONS = 100

# What stops paid tasks has places of its own. Thousands whose deadline is the same would use up the process's files.
STOPS = 250

# Seconds that reading the connection may take. All who wait for tasks of the connection wait for it.
LOOKUP = 30.0


async def route_of(lookup: Lookup) -> Route:
    """Return the route to where the connection leads, as *lookup* reads it.

    :raises TimeoutError: after ``LOOKUP`` seconds.
    """
    limit = asyncio.timeout(LOOKUP)
    try:
        async with limit:
            return await Route.to(await lookup())
    except TimeoutError:
        if limit.expired():
            raise TimeoutError(f"reading it took more than {LOOKUP:.0f} s") from None
        raise


class AsyncClient:
    """Carries out any number of flows at once over one session.

    :param route: where to send and how to sign.
    :param lookup: reads the credentials again when they are rejected or lead elsewhere; None keeps the first ones.
    """

    def __init__(self, route: Route, lookup: Lookup | None = None) -> None:
        self._route = route
        self._lookup = lookup
        self._looked_up = time.monotonic()
        self._rereading = asyncio.Lock()
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._room_for_stops = asyncio.Semaphore(STOPS)
        self._session = new_session(API_HEADERS)

    def fresh(self) -> AsyncClient:
        """Return a client of its own session, which begins with the credentials that this one has in memory."""
        client = AsyncClient(self._route, self._lookup)
        client._looked_up = -math.inf
        client._room_for_stops = self._room_for_stops
        return client

    async def close(self) -> None:
        """Close the session."""
        await self._session.close()

    @property
    def base_url(self) -> str:
        """The service that the connection names now."""
        return self._route.credentials.base_url

    @property
    def credentials(self) -> Credentials:
        """Where it sends and how it signs now."""
        return self._route.credentials

    @property
    def tls(self) -> ssl.SSLContext | bool:
        """How the service is verified."""
        return self._route.tls

    @property
    def max_active(self) -> int | None:
        """How many tasks may run at Wiro at once, as the connection says now; None: any number."""
        return self._route.credentials.max_active

    async def drive(self, flow: Flow[T], log: Log, *, service: str | None = None) -> T:
        """Carry out *flow* and return its result; ``Report`` steps go to *log*.

        :param service: the base URL that *flow* is for. Where the connection leads to another one, nothing is sent, and
            each request is answered with ``NoReply(elsewhere=True)``. None = wherever the connection leads.
        """
        answer: Answer = None
        try:
            while True:
                # A flow that sleeps holds no more than this: thousands of them may.
                match flow.send(answer):
                    case Sleep(seconds):
                        answer = None
                        await asyncio.sleep(seconds)
                    case Send() as step:
                        answer = await self.send(step, log, service=service)
                    case Look() as step:
                        answer = await self.send(step.detail, log, service=service)
                    case Now(steady):
                        answer = time.monotonic() if steady else time.time()
                    case Report() as step:
                        answer = None
                        log_report(step, log)
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
            try:
                self._route = await route_of(self._lookup)
            except Exception as error:
                not_reread(error, log)
            self._looked_up = time.monotonic()  # only now: those who have waited for it read no second time

    async def send(self, step: Send, log: Log, *, service: str | None = None) -> Reply | NoReply:
        """Send one request, as a step of a flow that :meth:`drive` carries out, and return its outcome."""
        for each in before(step, service, lambda: self._route):
            match each:
                case Route():
                    outcome = await self._exchange(step, each)
                    if is_rejected(outcome, each, log) and self._route is each:
                        await self.reread(REREAD_PAUSE, log)
                    return outcome
                case Reply() | NoReply():
                    return each
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case Reread():
                    await self.reread(REREAD_PAUSE, log)
        raise AssertionError("unreachable")

    async def _exchange(self, step: Send, route: Route) -> Reply | NoReply:
        request = sign(step, route.credentials)
        if step.paid:
            return await exchange_alone(request, route)
        if step.urgent:
            async with self._room_for_stops:
                return await exchange(self._session, request, route)
        if not self._room.locked():
            await self._room.acquire()
        elif not await self._comes_in_time(step):
            return queued_too_long()
        try:
            return await exchange(self._session, request, route)
        finally:
            self._room.release()

    async def _comes_in_time(self, step: Send) -> bool:
        """Queue; return whether the turn of *step* came before its deadline. If so, a place is taken."""
        left = None if step.deadline is None else max(step.deadline - time.time(), 0.0)
        try:
            async with asyncio.timeout(left):
                return await self._room.acquire()
        except TimeoutError:
            return False
