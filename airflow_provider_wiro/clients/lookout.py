"""Looks after all tasks that triggers of one connection and event loop wait for.

Each wait is a flow. One that sleeps is an entry in a heap, and its trigger awaits a future: nothing runs for it. What
is due is asked in the order in which it came due, so many at once, and so many a second. Where enough are due together,
pages of Task/List may answer them (``lists.py``).
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections import deque
from contextvars import Context
from dataclasses import replace

from airflow_provider_wiro.clients.aio import CONNECTIONS, AsyncClient
from airflow_provider_wiro.clients.lists import Asked, Lists
from airflow_provider_wiro.clients.throttle import queued_too_long
from airflow_provider_wiro.clients.waiting import Waiting
from airflow_provider_wiro.clients.wire import log_report
from airflow_provider_wiro.core import polling
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.pace import Experience
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.protocol import Answer, Look, Now, Report, Send, Sleep
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.verdict import Verdict

A_SECOND = 400.0
"""How many looks with Detail begin in a second at most: a triggerer that starts again with thousands of tasks asks for
one after the other."""

AT_FIRST = 50.0
"""How many may begin at once, where none did before."""

SLICE = 0.005
"""Seconds for which flows are carried on at most before the event loop sees to others."""

TOGETHER = 10
"""How many of those that wait for their turn begin together."""

STALE = 1.0
"""Seconds between two searches for those in the queue whose deadline has passed."""


class Lookout:
    """Carries out the waits of all who share *client*."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self._loop = asyncio.get_running_loop()
        self._waits: dict[str, tuple[Waiting, ...]] = {}
        self._sleeping: list[tuple[float, Waiting]] = []
        # Looks for Detail, and those that a row of the list may answer. One that is answered stays until its turn.
        self._queue: deque[Asked] = deque()
        self._hopeful: list[Asked] = []
        self._looks: set[asyncio.Task[None]] = set()
        self._others: set[asyncio.Task[None]] = set()
        self._lists = Lists(client, self)
        self._allowed, self._allowed_at = AT_FIRST, self._loop.time()
        self._swept_at = -math.inf
        self._timer: asyncio.TimerHandle | None = None
        self._context = Context()

    async def wait(
        self,
        plan: WaitPlan,
        log: Log,
        *,
        service: str | None = None,
        experience: Experience | None = None,
        listed: bool = False,
    ) -> Verdict:
        """Wait for a task, and return the verdict; as ``core.polling.wait`` says it.

        :param service: the base URL that the task is at. Where the connection leads to another one, nothing is sent.
            None = wherever the connection leads.
        :param listed: whether Task/List may answer that the task still runs.
        """
        one = Waiting(plan, polling.wait(plan, experience), log, service, listed=listed)
        self._waits[plan.taskid] = (*self.those_of(plan.taskid), one)
        try:
            self._carry_on(one)
            self._see_to_it()
            return await one.ended
        finally:
            self._forget(one)

    def wake(self, taskid: str) -> None:
        """Look at a task now, for something has happened to it; at most once in its ``poll_interval``."""
        now = self._loop.time()
        for one in self.those_of(taskid):
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
        await self._lists.close()

    def those_of(self, taskid: str) -> tuple[Waiting, ...]:
        """Return the waits for a task."""
        return self._waits.get(taskid, ())

    def answer(self, one: Waiting, task: Task) -> None:
        """Answer the look of one that waits for it, or sleeps before it, with the task as it runs."""
        asleep, one.asked, one.due = one.asked is None, None, math.inf
        if asleep:
            one.context.run(self._carry_on, one, None, task)
        else:
            one.context.run(self._carry_on, one, task)

    def ask_detail(self, one: Waiting) -> None:
        """Have the look of one that waits for it go to Detail."""
        assert one.asked is not None
        one.asked = replace(one.asked, sure=True)
        self._queue.append((one, one.asked))

    def _forget(self, one: Waiting) -> None:
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
            self._hopeful.clear()
            self._set_timer(math.inf)

    def _carry_on(self, one: Waiting, answer: Answer = None, known: Task | None = None) -> None:
        """Carry a flow on until it sleeps, looks, sends, or ends; to be called in its own context.

        :param known: the task as it runs, which answers a look that comes next.
        """
        try:
            while True:
                step = one.flow.send(answer)
                answer = None
                match step:
                    case Sleep():
                        one.sooner = step.seconds / 2 if step.sooner and one.listed else -math.inf
                        return self._sleep_until(one, min(self._loop.time() + step.seconds, one.called))
                    case Look() if known is not None and not step.sure:
                        answer, known = known, None
                    case Look():
                        one.asked = step
                        hopeful = one.may_be_listed(step, self.client.base_url)
                        return (self._hopeful if hopeful else self._queue).append((one, step))
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
            one.fail(error)

    def _sleep_until(self, one: Waiting, due: float) -> None:
        one.due = due
        heapq.heappush(self._sleeping, (due, one))

    def _ask(self, one: Waiting, step: Send, among: set[asyncio.Task[None]]) -> None:
        one.asking = self._loop.create_task(self._exchange(one, step, among), context=one.context)
        among.add(one.asking)
        one.asking.add_done_callback(self._over, context=self._context)

    async def _exchange(self, one: Waiting, step: Send, among: set[asyncio.Task[None]]) -> None:
        try:
            answer = await self.client.send(step, one.log, service=one.service)
        except Exception as error:
            one.fail(error)
        else:
            one.asking = None
            if one.row is not None and among is self._looks:
                self._lists.compare(one, answer)
            self._carry_on(one, answer)

    def _over(self, asked: asyncio.Task[None]) -> None:
        self._looks.discard(asked)
        self._others.discard(asked)
        self._see_to_it()

    def _see_to_it(self) -> None:
        """Have the next thing done when it is due."""
        now = self._loop.time()
        moment = self._sleeping[0][0] if self._sleeping else math.inf
        if self._hopeful:
            moment = min(moment, max(now, self._lists.patient_until)) if self._lists.is_busy else now
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
        self._timer = None
        try:
            self._rouse(self._loop.time() + SLICE)
            self._see_to_the_hopeful()
            self._begin_looks()
        finally:
            self._see_to_it()

    def _rouse(self, until: float) -> None:
        """Carry on the flows that have slept long enough."""
        while self._sleeping and (now := self._loop.time()) < until and self._sleeping[0][0] <= now:
            due, one = heapq.heappop(self._sleeping)
            if one.due != due:
                continue  # it is due at another moment by now, or gone
            called = one.called <= due
            one.due = one.called = math.inf
            one.context.run(self._carry_on, one)
            if called:
                one.woken = now
                if one.asked is not None:
                    self.ask_detail(one)

    def _see_to_the_hopeful(self) -> None:
        """Have the list read, or Detail asked."""
        now = self._loop.time()
        if not self._hopeful or (self._lists.is_busy and now < self._lists.patient_until):
            return
        asked, self._hopeful = self._hopeful, []
        waiting = len(self._waits)
        if self._lists.is_worth(waiting, waiting):
            sleeping = [one for due, one in self._sleeping if one.due == due and due - now <= one.sooner]
            if self._lists.is_worth(len(asked) + len(sleeping), waiting):
                self._lists.read(asked, sleeping, self._left_over)
                return
        self._queue.extend(asked)

    def _left_over(self, asked: list[Asked]) -> None:
        (self._hopeful if self._lists.is_busy else self._queue).extend(asked)
        self._see_to_it()

    def _begin_looks(self) -> None:
        """Begin the looks that may begin now."""
        now = self._loop.time()
        self._allowed, self._allowed_at = self._allowance(now), now
        while self._queue and self._allowed > 0.999 and len(self._looks) < CONNECTIONS:
            one, look = self._queue.popleft()
            if one.asked is look:
                one.asked = None
                self._allowed -= 1
                self._lists.detail_asked()
                self._ask(one, look.detail, self._looks)
        if self._queue and now >= self._swept_at + STALE:
            self._swept_at = now
            self._give_up_the_late()

    def _give_up_the_late(self) -> None:
        """Answer those in the queue whose deadline has passed: nothing of theirs is sent any more."""
        now = time.time()
        for _ in range(len(self._queue)):
            one, look = self._queue.popleft()
            if one.asked is not look:
                continue
            if look.deadline is None or look.deadline > now:
                self._queue.append((one, look))
            else:
                one.asked = None
                one.context.run(self._carry_on, one, queued_too_long())

    def _allowance(self, now: float) -> float:
        return min(AT_FIRST, self._allowed + (now - self._allowed_at) * A_SECOND)
