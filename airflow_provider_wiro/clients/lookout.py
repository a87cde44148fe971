"""Looks after all tasks that triggers of one connection and event loop wait for.

Each wait is a flow. One that sleeps is an entry in a heap, and its trigger awaits a future: nothing runs for it. What
is due is asked in the order in which it came due, so many at once, and so many a second.
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from contextvars import Context, copy_context

from airflow_provider_wiro.clients.aio import CONNECTIONS, AsyncClient
from airflow_provider_wiro.clients.throttle import queued_too_long
from airflow_provider_wiro.clients.wire import log_report
from airflow_provider_wiro.core import polling
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.pace import Experience
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.protocol import Answer, Flow, Look, Now, Report, Send, Sleep
from airflow_provider_wiro.core.verdict import Verdict

A_SECOND = 400.0
"""How many looks begin in a second at most: a triggerer that starts again with thousands of tasks asks for one after
the other."""

AT_FIRST = 50.0
"""How many may begin at once, where none did before."""

SLICE = 0.005
"""Seconds for which flows are carried on at most before the event loop sees to others."""

TOGETHER = 10
"""How many of those that wait for their turn begin together."""

STALE = 1.0
"""Seconds between two searches for those in the queue whose deadline has passed."""


class _Wait:
    """One task that is waited for.

    :param due: when its flow is carried on, in the event loop's time; infinite while it does not sleep.
    :param called: when something has said that a look is worth it; infinite for never.
    :param woken: when it was looked at for that, last.
    :param asked: the look that is in the queue.
    :param asking: the request that is on its way.
    """

    __slots__ = ("asked", "asking", "called", "context", "due", "ended", "flow", "log", "plan", "service", "woken")

    def __init__(self, plan: WaitPlan, flow: Flow[Verdict], log: Log, service: str | None) -> None:
        self.plan = plan
        self.flow = flow
        self.log = log
        self.service = service
        # By it, Airflow knows whose lines are in the log.
        self.context = copy_context()
        self.ended: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self.due = self.called = math.inf
        self.woken = -math.inf
        self.asked: Look | None = None
        self.asking: asyncio.Task[None] | None = None

    def __lt__(self, other: _Wait) -> bool:
        return False  # of two that are due at the same moment, either may be first


class Lookout:
    """Carries out the waits of all who share *client*."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self._loop = asyncio.get_running_loop()
        self._waits: dict[str, tuple[_Wait, ...]] = {}
        self._sleeping: list[tuple[float, _Wait]] = []
        self._queue: deque[_Wait] = deque()
        self._looks: set[asyncio.Task[None]] = set()
        self._others: set[asyncio.Task[None]] = set()
        self._allowed, self._allowed_at = AT_FIRST, self._loop.time()
        self._swept_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._context = Context()

    async def wait(
        self, plan: WaitPlan, log: Log, *, service: str | None = None, experience: Experience | None = None
    ) -> Verdict:
        """Wait for a task, and return the verdict; as ``core.polling.wait`` says it.

        :param service: the base URL that the task is at. Where the connection leads to another one, nothing is sent.
            None = wherever the connection leads.
        """
        one = _Wait(plan, polling.wait(plan, experience), log, service)
        self._waits[plan.taskid] = (*self._waits.get(plan.taskid, ()), one)
        try:
            self._carry_on(one, None)
            self._see_to_it()
            return await one.ended
        finally:
            self._forget(one)

    def wake(self, taskid: str) -> None:
        """Look at a task now, for something has happened to it; at most once in its ``poll_interval``."""
        now = self._loop.time()
        for one in self._waits.get(taskid, ()):
            one.called = min(one.called, max(now, one.woken + one.plan.poll_interval))
            if one.called < one.due < math.inf:
                self._sleep_until(one, one.called)
        self._see_to_it()

    async def close(self) -> None:
        """End what is on its way. Nobody waits any more."""
        self._set_timer(math.inf)
        left = self._looks | self._others
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def _forget(self, one: _Wait) -> None:
        left = tuple(other for other in self._waits[one.plan.taskid] if other is not one)
        if left:
            self._waits[one.plan.taskid] = left
        else:
            del self._waits[one.plan.taskid]
        one.due, one.asked = math.inf, None
        if one.asking is not None:
            one.asking.cancel()
        one.flow.close()
        if not self._waits:
            self._sleeping.clear()
            self._queue.clear()
            self._set_timer(math.inf)

    def _carry_on(self, one: _Wait, answer: Answer) -> None:
        """Carry a flow on until it sleeps, looks, sends, or ends; to be called in its own context."""
        try:
            while True:
                step = one.flow.send(answer)
                answer = None
                match step:
                    case Sleep(seconds):
                        return self._sleep_until(one, min(self._loop.time() + seconds, one.called))
                    case Look():
                        one.asked = step
                        return self._queue.append(one)
                    case Send():
                        return self._ask(one, step, self._others)
                    case Now():
                        answer = time.time()
                    case Report():
                        log_report(step, one.log)
        except StopIteration as done:
            if not one.ended.done():
                one.ended.set_result(done.value)
        except Exception as error:
            self._fail(one, error)

    def _fail(self, one: _Wait, error: Exception) -> None:
        if not one.ended.done():
            one.ended.set_exception(error)

    def _sleep_until(self, one: _Wait, due: float) -> None:
        one.due = due
        heapq.heappush(self._sleeping, (due, one))

    def _ask(self, one: _Wait, step: Send, among: set[asyncio.Task[None]]) -> None:
        one.asking = self._loop.create_task(self._exchange(one, step), context=one.context)
        among.add(one.asking)
        one.asking.add_done_callback(self._over, context=self._context)

    async def _exchange(self, one: _Wait, step: Send) -> None:
        try:
            answer = await self.client.send(step, one.log, service=one.service)
        except Exception as error:
            self._fail(one, error)
        else:
            one.asking = None
            self._carry_on(one, answer)

    def _over(self, asked: asyncio.Task[None]) -> None:
        self._looks.discard(asked)
        self._others.discard(asked)
        self._see_to_it()

    def _see_to_it(self) -> None:
        """Have the next thing done when it is due."""
        now = self._loop.time()
        moment = self._sleeping[0][0] if self._sleeping else math.inf
        if self._queue:
            moment = min(moment, max(self._swept_at + STALE, now))
            if len(self._looks) < CONNECTIONS:
                lacking = min(len(self._queue), TOGETHER) - self._allowance(now)
                moment = min(moment, now + max(0.0, lacking) / A_SECOND)
        if moment < math.inf:
            self._set_timer(moment)

    def _set_timer(self, moment: float) -> None:
        """Have a turn at *moment* at the latest; infinite for none at all."""
        if self._timer is not None:
            if self._timer.when() <= moment < math.inf:
                return
            self._timer.cancel()
        self._timer = None
        if moment < math.inf:
            self._timer = self._loop.call_at(moment, self._turn, context=self._context)

    def _turn(self) -> None:
        until = self._loop.time() + SLICE
        self._timer = None
        try:
            self._rouse(until)
            self._begin_looks()
        finally:
            self._see_to_it()

    def _rouse(self, until: float) -> None:
        """Carry on the flows that have slept long enough."""
        while self._sleeping and (now := self._loop.time()) < until and self._sleeping[0][0] <= now:
            due, one = heapq.heappop(self._sleeping)
            if one.due != due:
                continue  # it is due at another moment by now, or gone
            if one.called <= due:
                one.woken = now
            one.due = one.called = math.inf
            one.context.run(self._carry_on, one, None)

    def _begin_looks(self) -> None:
        """Begin the looks that may begin now."""
        now = self._loop.time()
        self._allowed, self._allowed_at = self._allowance(now), now
        while self._queue and self._allowed > 0.999 and len(self._looks) < CONNECTIONS:
            one = self._queue.popleft()
            if one.asked is not None:
                step, one.asked = one.asked.detail, None
                self._allowed -= 1
                self._ask(one, step, self._looks)
        if self._queue and now >= self._swept_at + STALE:
            self._swept_at = now
            self._give_up_the_late()

    def _give_up_the_late(self) -> None:
        """Answer those in the queue whose deadline has passed: nothing of theirs is sent any more."""
        now = time.time()
        for _ in range(len(self._queue)):
            one = self._queue.popleft()
            if one.asked is None:
                continue
            if one.asked.deadline is None or one.asked.deadline > now:
                self._queue.append(one)
            else:
                one.asked = None
                one.context.run(self._carry_on, one, queued_too_long())

    def _allowance(self, now: float) -> float:
        return min(AT_FIRST, self._allowed + (now - self._allowed_at) * A_SECOND)
