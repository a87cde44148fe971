"""The looks that go to Detail, in the order in which they came due: so many at once, and so many a second."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator

from airflow_provider_wiro.clients.waiting import Asked, Waiting

A_SECOND = 400.0
"""How many looks begin in a second at most: a triggerer that starts again with thousands of tasks asks for one after
the other."""

AT_FIRST = 50.0
"""How many may begin at once, where none did before."""

TOGETHER = 10
"""How many of those that wait for their turn begin together."""

STALE = 1.0
"""Seconds between two searches for those whose deadline has passed."""


class Turns:
    """Says which look may begin, and when. A look that is answered by then stays until its turn.

    :param room: how many may be on their way at the same time.
    :param now: the event loop's time.
    """

    def __init__(self, room: int, now: float) -> None:
        self._room = room
        self._asked: deque[Asked] = deque()
        self._allowed, self._allowed_at = AT_FIRST, now
        self._swept_at = -math.inf

    def put(self, asked: Iterable[Asked]) -> None:
        """Have these wait for their turn."""
        self._asked.extend(asked)

    def put_first(self, asked: Asked) -> None:
        """Have this one begin before all others."""
        self._asked.appendleft(asked)

    def clear(self) -> None:
        """Forget all of them."""
        self._asked.clear()

    def moment(self, now: float, under_way: int) -> float:
        """Return when there is something to do; infinite for never."""
        if not self._asked:
            return math.inf
        moment = max(self._swept_at + STALE, now)
        if under_way < self._room:
            lacking = min(len(self._asked), TOGETHER) - self._allowance(now)
            moment = min(moment, now + max(0.0, lacking) / A_SECOND)
        return moment

    def may_begin(self, now: float, under_way: int) -> Iterator[Asked]:
        """Take out those that may begin now."""
        self._allowed, self._allowed_at = self._allowance(now), now
        while self._asked and self._allowed > 0.999 and under_way < self._room:
            one, look = self._asked.popleft()
            if one.asked is look:
                self._allowed -= 1
                under_way += 1
                yield one, look

    def late(self, now: float, clock: float) -> list[Waiting]:
        """Take out those whose deadline has passed: nothing of theirs is sent any more.

        :param clock: unix time.
        """
        if not self._asked or now < self._swept_at + STALE:
            return []
        self._swept_at = now
        # Each once: one that has waited for a reading of the list may have been put here twice.
        waiting = list(dict.fromkeys((one, look) for one, look in self._asked if one.asked is look))
        late = [one for one, look in waiting if look.deadline is not None and look.deadline <= clock]
        self._asked = deque((one, look) for one, look in waiting if look.deadline is None or look.deadline > clock)
        return late

    def _allowance(self, now: float) -> float:
        return min(AT_FIRST, self._allowed + (now - self._allowed_at) * A_SECOND)
