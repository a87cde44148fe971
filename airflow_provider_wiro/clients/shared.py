"""One client and lookout for all triggers of a connection: one look-up, one session, however many tasks wait."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import ClassVar
from weakref import WeakKeyDictionary

from airflow_provider_wiro.clients.aio import AsyncClient, Lookup, route_of
from airflow_provider_wiro.clients.lookout import Lookout
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.pace import Experience

REREAD_AGE = 60.0

AT_ONCE = 50
"""How many of those that wait for a client go on at once: the event loop sees to others before the next ones."""


@dataclass(slots=True)
class _Shared:
    making: asyncio.Task[Lookout]
    holders: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    @classmethod
    def begin(cls, lookup: Lookup) -> _Shared:
        """Begin to make what is shared."""
        shared = cls(asyncio.ensure_future(_make(lookup)))
        shared.making.add_done_callback(shared._let_some_in)
        return shared

    async def made(self) -> Lookout:
        """Wait until it is there, and one's turn has come."""
        if not self.making.done():
            turn = asyncio.get_running_loop().create_future()
            self.waiting.append(turn)
            await turn
        return self.making.result()

    def _let_some_in(self, _: object = None) -> None:
        for _ in range(min(AT_ONCE, len(self.waiting))):
            turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
        if self.waiting:
            self.making.get_loop().call_soon(self._let_some_in)

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
            shared = open_here[key] = _Shared.begin(lookup)
        lease = cls(key, shared)
        try:
            await shared.made()
            await lease.client.reread(REREAD_AGE, log)
        except BaseException:
            await lease.release()
            raise
        return lease

    @property
    def client(self) -> AsyncClient:
        """The shared client."""
        return self.lookout.client

    @property
    def lookout(self) -> Lookout:
        """What waits for the tasks of all who share the client."""
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
            lookout = shared.making.result()
            try:
                await lookout.close()
            finally:
                await lookout.client.close()
        elif not shared.making.done():
            shared.making.cancel()


async def _make(lookup: Lookup) -> Lookout:
    return Lookout(AsyncClient(await route_of(lookup), lookup))
