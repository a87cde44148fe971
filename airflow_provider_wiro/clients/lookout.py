"""Looks after all tasks that triggers of one connection and event loop wait for.

Each wait is a flow. One that sleeps is an entry in a heap, and its trigger awaits a future: nothing runs for it. What
is due is asked in the order in which it came due, so many at once, and so many a second. Where enough are due together,
pages of Task/List may answer them (``lists.py``). Where Wiro's socket says that something has happened to a task, it is
looked at at once (``push.py``).
"""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from contextvars import Context
from dataclasses import replace

from airflow_provider_wiro.clients.aio import CONNECTIONS, AsyncClient
from airflow_provider_wiro.clients.lists import Lists
from airflow_provider_wiro.clients.push import Push
from airflow_provider_wiro.clients.throttle import queued_too_long
from airflow_provider_wiro.clients.turns import Turns
from airflow_provider_wiro.clients.waiting import Asked, Waiting, Waits, unanswered
from airflow_provider_wiro.clients.wire import log_report
from airflow_provider_wiro.core import polling
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.pace import Experience
from airflow_provider_wiro.core.protocol import Answer, Look, Now, Report, Send, Sleep, task_in
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.verdict import Verdict

SLICE = 0.005
"""Seconds for which flows are carried on at most before the event loop sees to others."""
GRAIN = 0.02
"""What comes due within so many seconds is seen to together: of thousands, a turn for each costs what its look does."""


class Lookout:
    """Carries out the waits of all who share *client*: ``waits``."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client
        self._loop = asyncio.get_running_loop()
        self.waits = Waits()
        self._sleeping: list[tuple[float, Waiting]] = []
        self._for_detail = Turns(CONNECTIONS, self._loop.time())
        self._for_list: list[Asked] = []
        self._looks: set[asyncio.Task[None]] = set()
        self._others: set[asyncio.Task[None]] = set()
        self._push = Push(client, self.wake)
        self._lists = Lists(client, self, self._push)
        self._timer: asyncio.TimerHandle | None = None
        self._context = Context()

    async def wait(
        self,
        plan: polling.WaitPlan,
        log: Log,
        *,
        service: str | None = None,
        experience: Experience | None = None,
        listed: bool = False,
        pushed: bool = False,
    ) -> Verdict:
        """Wait for a task, and return the verdict; as ``core.polling.wait`` says it.

        :param service: the base URL that the task is at. Where the connection leads to another one, nothing is sent.
            None = wherever the connection leads.
        :param listed: whether Task/List may answer that the task still runs.
        :param pushed: whether the socket may say when a look is worth it.
        """
        one = Waiting(plan, polling.wait(plan, experience), log, service, listed=listed, pushed=pushed)
        self.waits.add(one)
        try:
            self._carry_on(one)
            self._see_to_it()
            return await one.ended
        finally:
            self._forget(one)

    def wake(self, taskid: str) -> None:
        """Look at a task now, for something has happened to it; at most once in its ``poll_interval``."""
        now = self._loop.time()
        for one in self.waits.of(taskid):
            one.called = min(one.called, max(now, one.woken + one.plan.poll_interval))
            if one.looks and one.called < one.due < math.inf:
                self._sleep_until(one, one.called)
        self._see_to_it()

    async def close(self) -> None:
        """End what is on its way. Nobody waits any more."""
        self._set_timer(math.inf)
        # All are cancelled before any is awaited: who closes may be cancelled too.
        left = [*self._looks, *self._others, *self._lists.under_way, *self._push.under_way]
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left)

    def answer(self, one: Waiting, task: Task) -> None:
        """Answer the look of one that waits for it, or sleeps before it, with the task as it runs."""
        asleep, one.asked, one.due = one.asked is None, None, math.inf
        one.context.run(self._carry_on, one, *((None, task) if asleep else (task,)))

    def ask_detail(self, one: Waiting, *, first: bool = False) -> None:
        """Have the look of one that waits for it go to Detail, before all others or after them."""
        assert one.asked is not None
        one.asked = replace(one.asked, sure=True)
        self._for_detail.put([(one, one.asked)], first=first)

    def _forget(self, one: Waiting) -> None:
        self.waits.remove(one)
        self._push.forget(one, over=one.is_over)
        one.due, one.asked = math.inf, None
        if one.asking is not None:
            one.asking.cancel()
        one.flow.close()
        if not self.waits:
            self._sleeping.clear()
            self._for_detail.clear()
            self._for_list.clear()
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
                        seconds = self._push.pause(one, step)
                        one.sooner = seconds / 2 if step.sooner and one.listed else -math.inf
                        one.looks, due = step.looks, self._loop.time() + seconds
                        return self._sleep_until(one, min(due, one.called) if one.looks else due)
                    case Look() if known is not None and not step.sure:
                        answer, known = known, None
                    case Look():
                        one.asked = step
                        listed = one.may_be_listed(step, self.client.base_url)
                        return self._for_list.append((one, step)) if listed else self._for_detail.put([(one, step)])
                    case Send():
                        return self._ask(one, step, self._others)
                    case Now(steady):
                        answer = self._loop.time() if steady else time.time()
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
            if one.pushed:
                self._push.shown(one, task_in(answer, one.plan.taskid))
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
        if self._for_list:
            moment = min(moment, max(now, self._lists.patient_until))
        moment = min(moment, self._for_detail.moment(now, len(self._looks)))
        # Rounded up may be a hair's breadth too early: the division is rounded too.
        self._set_timer(max(moment, math.ceil(moment / GRAIN) * GRAIN) if now < moment < math.inf else moment)

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
            self._see_to_the_list()
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

    def _see_to_the_list(self) -> None:
        """Have the list read, or Detail asked."""
        if self._loop.time() < self._lists.patient_until:
            return
        asked, self._for_list = unanswered(self._for_list), []
        if asked and (sleeping := self._lists.worth(len(asked), self._sleeping)) is not None:
            self._lists.read(asked, sleeping, self._left_over)
        else:
            self._for_detail.put(asked)

    def _left_over(self, asked: list[Asked]) -> None:
        self._for_list.extend(asked) if self._lists.is_busy else self._for_detail.put(asked)
        self._see_to_it()

    def _begin_looks(self) -> None:
        """Begin the looks that may begin now."""
        now = self._loop.time()
        for one, look in self._for_detail.may_begin(now, len(self._looks)):
            one.asked = None
            self._lists.detail_asked()
            self._ask(one, look.detail, self._looks)
        for one in self._for_detail.late(now, time.time()):
            one.asked = None
            one.context.run(self._carry_on, one, queued_too_long())
