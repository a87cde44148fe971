"""The trigger that waits until fewer tasks run at Wiro than the connection's ``max_active`` allows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_wiro import triggers
from airflow_provider_wiro.clients.door import Door
from airflow_provider_wiro.clients.shared import REREAD_AGE, Lease
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.hooks.connection import aread_credentials

UNSEEN = 60.0
"""Seconds until the task counts itself where the trigger cannot: it comes back here each time that there is no room."""


class WiroRoomTrigger(BaseTrigger):
    """Fire one event when there is room for one more task. Only reads Wiro's list, and so has nothing to stop.

    :param conn_id: the Airflow connection; the trigger carries no secret.
    :param until: unix time at which it fires at the latest.
    :param since: unix time since which the task waits.
    :param attempts: how often there was no room.
    :param try_number: the try that has deferred. These three only travel to the event.
    """

    def __init__(self, *, conn_id: str, until: float, since: float, attempts: int, try_number: int) -> None:
        super().__init__()
        self.conn_id = conn_id
        self.until = until
        self.since = since
        self.attempts = attempts
        self.try_number = try_number

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the trigger's path and arguments: public, they outlive an upgrade of this package."""
        kwargs = {"conn_id": self.conn_id, "until": self.until, **self._event}
        return "airflow_provider_wiro.triggers.room.WiroRoomTrigger", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire one event: ``{"since", "attempts", "try_number"}``.

        It fires five seconds after it has begun at the earliest.
        """
        await asyncio.sleep(triggers.SETTLING)
        try:
            async with asyncio.timeout(max(0.0, self.until - time.time())) as limit:
                await self._wait()
        except Exception as error:
            if limit.expired():
                self.log.info("connection %s: there was no room in time", self.conn_id)
            else:
                await self._be_blind(in_words(error))
        yield TriggerEvent(self._event)

    async def _be_blind(self, why: str) -> None:
        self.log.warning("connection %s: whether there is room cannot be determined here: %s", self.conn_id, why)
        await asyncio.sleep(max(0.0, min(UNSEEN, self.until - time.time())))

    @property
    def _event(self) -> dict[str, Any]:
        return {"since": self.since, "attempts": self.attempts, "try_number": self.try_number}

    async def _wait(self) -> None:
        door = Door.of(self.conn_id)
        if self.attempts > 1:
            door.one_less()
        lease = await Lease.take(self.conn_id, partial(aread_credentials, self.conn_id), self.log)
        try:
            while not await door.lets_in(lease.client, self.log):
                await lease.client.reread(REREAD_AGE, self.log)
        finally:
            await lease.release()
