"""Waiting for Wiro to have room: the account's concurrency limit and throttling are no failures."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from airflow_provider_wiro.compat import TaskDeferred
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.protocol import MAX_RETRY_AFTER
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroBusy
from airflow_provider_wiro.stages.remember import remember
from airflow_provider_wiro.stages.this_try import Try

T = TypeVar("T")

SHORTEST = 15.0
LONGEST = 120.0
GROWTH = 1.5
# The last attempt is so many seconds before the wait is over, and never more than such a share of all of it.
LAST, LAST_SHARE = 30.0, 0.1


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


def with_room(this: Try, queue: Queue, found: Record | None, pay: Callable[[Record | None, float], T]) -> T:
    """Pay as soon as Wiro has room; until then wait, if deferrable without a worker slot.

    :param found: what an earlier try has left.
    :param pay: is given that, and the unix time until which it may wait.
    :raises WiroBusy: if there was no room until ``queue_timeout``; nothing was submitted.
    """
    until = this.deadline(queue.since, this.settings.queue_timeout)
    while True:
        if queue.attempts and time.time() >= until:
            raise _given_up(this, queue)
        this.has_waited = queue.attempts > 0
        try:
            return pay(found, min(until, time.time() + this.settings.timeout))
        except WiroBusy as busy:
            left = until - min(LAST, LAST_SHARE * (until - queue.since)) - time.time()
            if left <= 0 or left < (busy.retry_after or 0.0):
                raise _given_up(this, queue, busy) from None
            pause, limited = min(queue.pause(busy), left), busy.limited and this.defers
            this.log.info("%s; %s", busy, "waiting for a place" if limited else f"trying again in {pause:.0f} s")
        queue = queue.again()
        if limited:
            _defer_for_a_place(this, queue, until)
        if this.defers:
            _defer(this, time.time() + pause, queue)
        this.caller.pause(pause)
        found = remember(this, again=True)


def _given_up(this: Try, queue: Queue, busy: WiroBusy | None = None) -> WiroBusy:
    """Return the error where there was no room in time.

    :param busy: what came of the last attempt, if it was made just now.
    """
    waited = max(0.0, time.time() - queue.since)
    last = f" At last, {one_line(busy, 500)}." if busy else ""
    error = WiroBusy(
        f"Wiro, or max_active of connection {this.settings.conn_id}, had no room for {waited:.0f} s, so nothing was "
        f"submitted.{last} Increase queue_timeout (or execution_timeout, where that ends earlier), or let fewer tasks "
        "run at once; then clear this task",
        code=busy.code if busy else 96,
    )
    if busy:
        error.retry_after, error.limited = busy.retry_after, busy.limited
    return error


def _defer(this: Try, moment: float, queue: Queue) -> NoReturn:
    from airflow_provider_wiro.triggers.wake_up import WiroWakeUpTrigger

    trigger = WiroWakeUpTrigger(
        moment=moment, since=queue.since, attempts=queue.attempts, try_number=this.ti.try_number
    )
    raise TaskDeferred(trigger=trigger, method_name="submit_again", kwargs=_kept(this))


def _defer_for_a_place(this: Try, queue: Queue, until: float) -> NoReturn:
    from airflow_provider_wiro.triggers.room import WiroRoomTrigger

    trigger = WiroRoomTrigger(
        conn_id=this.settings.conn_id,
        until=until,
        since=queue.since,
        attempts=queue.attempts,
        try_number=this.ti.try_number,
    )
    raise TaskDeferred(trigger=trigger, method_name="submit_again", kwargs=_kept(this))


def _kept(this: Try) -> dict[str, object]:
    """Return what the process that comes after the wait need not find out again."""
    return {"contents": this.contents} if this.contents else {}
