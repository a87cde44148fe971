"""One client for all triggers of a connection: one look-up, one session, however many tasks wait."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar
from weakref import WeakKeyDictionary

from airflow_provider_wiro.clients.aio import AsyncClient, Lookup
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.pace import Experience

REREAD_AGE = 60.0


@dataclass(slots=True)
class _Shared:
    making: asyncio.Future[AsyncClient]
    holders: int = 0

    @property
    def failed(self) -> bool:
        return self.making.done() and (self.making.cancelled() or self.making.exception() is not None)


class Lease:
    """A share in the client that all triggers of one connection and event loop use."""

    __slots__ = ("_key", "_shared")

    # Kept from one client to the next, for as long as the process lives; by service, for that is whose models they are.
    _experiences: ClassVar[dict[str, Experience]] = {}
    _open: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]]] = WeakKeyDictionary()

    def __init__(self, key: str, shared: _Shared) -> None:
        self._key = key
        self._shared: _Shared | None = shared
        shared.holders += 1

    @classmethod
    async def take(cls, key: str, lookup: Lookup, log: Log) -> Lease:
        """Return a lease on the client of *key*, made with one *lookup* for all who come at once."""
        open_here = cls._open.setdefault(asyncio.get_running_loop(), {})
        shared = open_here.get(key)
        if shared is None or shared.failed:
            shared = open_here[key] = _Shared(asyncio.ensure_future(_make(lookup)))
        lease = cls(key, shared)
        try:
            client = await asyncio.shield(shared.making)
            await client.reread(REREAD_AGE, log)
        except BaseException:
            await lease.release()
            raise
        return lease

    @property
    def client(self) -> AsyncClient:
        """The shared client."""
        assert self._shared is not None
        return self._shared.making.result()

    @property
    def experience(self) -> Experience:
        """How long the tasks took that this process has seen end at the service that the connection names now."""
        return self._experiences.setdefault(self.client.base_url, Experience())

    async def release(self) -> None:
        """Give the share back; the last one closes the session. Harmless if repeated."""
        shared, self._shared = self._shared, None
        if shared is None:
            return
        shared.holders -= 1
        if shared.holders:
            return
        open_here = self._open.get(asyncio.get_running_loop(), {})
        if open_here.get(self._key) is shared:
            del open_here[self._key]
        if shared.making.done() and not shared.failed:
            await shared.making.result().close()
        elif not shared.making.done():
            shared.making.cancel()


async def _make(lookup: Lookup) -> AsyncClient:
    return AsyncClient(await Route.to(await lookup()), lookup)
