"""One task that is waited for, as the lookout keeps it: all that a waiting trigger costs."""

from __future__ import annotations

import asyncio
import math
from contextvars import copy_context

from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.protocol import Flow, Look
from airflow_provider_wiro.core.task import TERMINAL
from airflow_provider_wiro.core.verdict import Verdict


class Waiting:
    """One wait. Moments are in the event loop's time, and infinite for never.

    :ivar context: the trigger's; by it, Airflow knows whose lines are in the log.
    :ivar listed: whether a row of Task/List may answer a look.
    :ivar pushed: whether the socket may say when a look is worth it.
    :ivar ended: what the trigger awaits.
    :ivar due: when the flow is carried on.
    :ivar looks: whether it is a look that comes then.
    :ivar sooner: how long before that a row may answer what comes then.
    :ivar called: when something has said that a look is worth it.
    :ivar woken: when it was looked at for that, last.
    :ivar asked: the look that has to be answered and is not on its way yet.
    :ivar asking: the request that is on its way.
    :ivar row: what the last row of the list said, and when.
    :ivar lied: whether Detail has contradicted a row. One task counts once, however often it is looked at.
    :ivar unlisted: how many looks go to Detail at once, for the list did not show the task.
    """

    __slots__ = (
        "asked",
        "asking",
        "called",
        "context",
        "due",
        "ended",
        "flow",
        "lied",
        "listed",
        "log",
        "looks",
        "plan",
        "pushed",
        "row",
        "service",
        "sooner",
        "unlisted",
        "woken",
    )

    def __init__(
        self, plan: WaitPlan, flow: Flow[Verdict], log: Log, service: str | None, *, listed: bool, pushed: bool
    ) -> None:
        self.plan = plan
        self.flow = flow
        self.log = log
        self.service = service
        self.listed = listed
        self.pushed = pushed
        self.context = copy_context()
        self.ended: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.due = self.called = math.inf
        self.sooner = self.woken = -math.inf
        self.looks = False
        self.asked: Look | None = None
        self.asking: asyncio.Task[None] | None = None
        self.row: tuple[str, float] | None = None
        self.lied = False
        self.unlisted = 0

    def __lt__(self, other: Waiting) -> bool:
        return False  # of two that are due at the same moment, either may be first

    @property
    def is_over(self) -> bool:
        """Whether Detail has shown that its task is over."""
        ended = self.ended
        good = ended.done() and not ended.cancelled() and ended.exception() is None
        return good and ended.result().status in TERMINAL

    def fail(self, error: Exception) -> None:
        """End the wait with an error, which its trigger alone sees."""
        if not self.ended.done():
            self.ended.set_exception(error)

    def may_be_listed(self, look: Look, base_url: str) -> bool:
        """Whether a row of the list at *base_url* may answer a look."""
        if look.sure or not self.listed or self.service not in (None, base_url):
            return False
        if not self.unlisted:
            return True
        self.unlisted -= 1
        return False


class Waits:
    """All that are waited for, by taskid: two triggers may wait for one task."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[Waiting, ...]] = {}

    def __len__(self) -> int:
        return len(self._of)

    def of(self, taskid: str) -> tuple[Waiting, ...]:
        """Return the waits for a task."""
        return self._of.get(taskid, ())

    def add(self, one: Waiting) -> None:
        """Take in one more."""
        self._of[one.plan.taskid] = (*self.of(one.plan.taskid), one)

    def remove(self, one: Waiting) -> None:
        """Forget one."""
        left = tuple(other for other in self.of(one.plan.taskid) if other is not one)
        if left:
            self._of[one.plan.taskid] = left
        else:
            del self._of[one.plan.taskid]


Asked = tuple[Waiting, Look]
"""A look, and the wait that it is of. The look is answered where that one asks for it no longer."""


def unanswered(asked: list[Asked]) -> list[Asked]:
    """Return those who still wait for their answer."""
    return [(one, look) for one, look in asked if one.asked is look]
