"""Waiting for Wiro to have room: the account's concurrency limit and throttling are no failures."""

from __future__ import annotations

import random
from dataclasses import dataclass

from airflow_provider_wiro.core.protocol import MAX_RETRY_AFTER
from airflow_provider_wiro.exceptions import WiroBusy

SHORTEST = 15.0
LONGEST = 120.0
GROWTH = 1.5


@dataclass(frozen=True, slots=True)
class Queue:
    """How long this task has been waiting to submit.

    :param since: unix time of the first attempt.
    :param attempts: how often Wiro had no room.
    """

    since: float
    attempts: int = 0

    def again(self) -> Queue:
        """Return what it is after one more attempt."""
        return Queue(self.since, self.attempts + 1)

    def pause(self, busy: WiroBusy) -> float:
        """Return the seconds until the next attempt: 15 to 300, growing, spread, and at least what Wiro asks for."""
        grown = min(LONGEST, SHORTEST * GROWTH ** min(self.attempts, 20))
        return min(MAX_RETRY_AFTER, max(grown, busy.retry_after or 0.0) * random.uniform(1.0, 1.5))
