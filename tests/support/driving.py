"""Carries out a flow over one of the two real drivers, the same way for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from airflow_provider_wiro.clients.aio import AsyncClient, Lookup
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Flow, NoReply, Reply, send
from airflow_provider_wiro.emulator import WiroEmulator

T = TypeVar("T")


@dataclass
class ListLog:
    """A logger that keeps its lines."""

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def info(self, message: str, /, *args: object) -> None:
        self.lines.append(message % args)

    def warning(self, message: str, /, *args: object) -> None:
        self.lines.append(message % args)
        self.warnings.append(message % args)

    def error(self, message: str, /, *args: object) -> None:
        self.lines.append(message % args)


class Drive(Protocol):
    """Carries out a flow with a client of its own."""

    log: ListLog

    def __call__(
        self,
        flow: Flow[T],
        credentials: Credentials,
        lookup: Callable[[], Credentials] | None = None,
        *,
        service: str | None = None,
    ) -> T: ...


class DriveSync:
    """As a worker does."""

    def __init__(self) -> None:
        self.log = ListLog()

    def __call__(
        self,
        flow: Flow[T],
        credentials: Credentials,
        lookup: Callable[[], Credentials] | None = None,
        *,
        service: str | None = None,
    ) -> T:
        return Client(credentials, self.log, lookup).drive(flow, service=service)


class DriveAsync:
    """As a triggerer does."""

    def __init__(self) -> None:
        self.log = ListLog()

    def __call__(
        self,
        flow: Flow[T],
        credentials: Credentials,
        lookup: Callable[[], Credentials] | None = None,
        *,
        service: str | None = None,
    ) -> T:
        return asyncio.run(self._drive(flow, credentials, _awaited(lookup), service))

    async def _drive(self, flow: Flow[T], credentials: Credentials, lookup: Lookup | None, service: str | None) -> T:
        client = AsyncClient(await Route.to(credentials), lookup)
        try:
            return await client.drive(flow, self.log, service=service)
        finally:
            await client.close()


def _awaited(lookup: Callable[[], Credentials] | None) -> Lookup | None:
    if lookup is None:
        return None

    async def look_up() -> Credentials:
        return lookup()

    return look_up


def look(times: int = 1) -> Flow[list[Reply | NoReply]]:
    """Send Detail that many times and return the bare outcomes."""
    outcomes: list[Reply | NoReply] = []
    while len(outcomes) < times:
        outcomes += [(yield from send("/Task/Detail", {"taskid": "2221"}))]
    return outcomes


def credentials_of(emulator: WiroEmulator, timeout: float = 10.0) -> Credentials:
    """Return the credentials that are right now."""
    connection = emulator.connection
    return Credentials(connection["login"], connection.get("password"), connection["host"], timeout)
