"""The trigger that only waits: for a place among the tasks that a Wiro account may run at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class WiroWakeUpTrigger(BaseTrigger):
    """Fire one event at a moment. Sends nothing, holds nothing, and so has nothing to stop.

    Airflow's own trigger for this writes a line into the task's log every second.

    :param moment: unix time in seconds.
    :param since: unix time since which the task waits.
    :param attempts: how often Wiro had no room.
    :param try_number: the try that has deferred; None, as in 0.1.0: not known. These three only travel to the event:
        ``DAG.test`` loses a deferral's kwargs.
    """

    def __init__(self, *, moment: float, since: float, attempts: int, try_number: int | None = None) -> None:
        super().__init__()
        self.moment = moment
        self.since = since
        self.attempts = attempts
        self.try_number = try_number

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the trigger's path and arguments: public, they outlive an upgrade of this package."""
        kwargs = {"moment": self.moment, **self._event}
        return "airflow_provider_wiro.triggers.wake_up.WiroWakeUpTrigger", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire one event: ``{"since", "attempts", "try_number"}``."""
        await asyncio.sleep(max(0.0, self.moment - time.time()))
        yield TriggerEvent(self._event)

    @property
    def _event(self) -> dict[str, Any]:
        return {"since": self.since, "attempts": self.attempts, "try_number": self.try_number}
