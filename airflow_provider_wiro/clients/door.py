"""Where tasks wait in a triggerer that want to submit: one door for all of a connection and event loop."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from typing import ClassVar
from weakref import WeakKeyDictionary

from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.core.active import count_active
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.rules.room import Count, entry_of

READ_EVERY = 5.0
"""Seconds between two readings of Wiro's list."""

ON_THE_WAY = 120.0
"""Seconds within which somebody who was let in has submitted, or does not."""


class Door:
    """Lets as many in as there is room for; those who are on their way to submit count too.

    One reading of Wiro's list answers all. Each task that is new in it stands for one who was on the way.
    """

    _doors: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Door]]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._read_at = -math.inf
        self._free = 0
        self._on_the_way = deque[float]()
        self._newest: frozenset[str] | None = None

    @classmethod
    def of(cls, conn_id: str) -> Door:
        """Return the door of a connection on the running event loop."""
        return cls._doors.setdefault(asyncio.get_running_loop(), {}).setdefault(conn_id, cls())

    async def lets_in(self, client: AsyncClient, log: Log) -> bool:
        """Wait for one's turn; return whether there is room for one who submits then. If so, it is taken."""
        async with self._turn:
            most = client.max_active
            if most is None:
                return True
            age = time.monotonic() - self._read_at
            if self._free <= 0 or age >= READ_EVERY:
                await asyncio.sleep(max(0.0, READ_EVERY - age))
                self._free = self._room(await client.drive(count_active(most), log))
                self._read_at = time.monotonic()
            if self._free <= 0:
                return False
            self._free -= 1
            self._on_the_way.append(time.monotonic())
            return True

    def one_less(self) -> None:
        """Note that somebody who was let in is not on the way any more: has submitted, or has come back."""
        if self._on_the_way:
            self._on_the_way.popleft()

    def _room(self, count: Count) -> int:
        if entry_of(count).warns:
            return 1  # who is let in counts again, and says so
        arrived = count.newest - self._newest if self._newest is not None else frozenset()
        self._newest = count.newest
        for _ in arrived:
            self.one_less()
        while self._on_the_way and self._on_the_way[0] < time.monotonic() - ON_THE_WAY:
            self.one_less()
        return count.most - count.active - len(self._on_the_way)
