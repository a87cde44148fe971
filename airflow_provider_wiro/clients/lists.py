"""Answers the looks of many waiting tasks from pages of Task/List, where that is cheaper than one Detail each."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from contextvars import Context
from typing import Protocol

from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.push import Push
from airflow_provider_wiro.clients.waiting import Asked, Waiting, Waits, unanswered
from airflow_provider_wiro.core.lookout import PROOF, Book, Reading, running
from airflow_provider_wiro.core.protocol import NoReply, Reply, Send, task_in
from airflow_provider_wiro.core.reading import read_taskid
from airflow_provider_wiro.core.task import TERMINAL, Task
from airflow_provider_wiro.core.text import in_words

PAGES_A_SECOND = 50.0

FRESH = 3.0
"""Seconds within which a row and Detail must say the same."""

PATIENCE = 2.0
"""Seconds for which a look waits at most for a reading that takes longer than it was likely to take, or for the next
one to begin."""

SEARCH = 20e-6
"""Seconds for each who sleeps, in which they are not searched again for those who may be answered sooner: where there
are thousands, each look would cost as much as all of them."""

UNLISTED = 8
"""So many looks at a task that the list does not show go to Detail before it is looked for there again."""

_log = logging.getLogger(__name__)


class Owner(Protocol):
    """Who the looks are of."""

    waits: Waits

    def answer(self, one: Waiting, task: Task) -> None:
        """Answer the look of one that waits for it, or sleeps before it, with the task as it runs."""

    def ask_detail(self, one: Waiting, *, first: bool = False) -> None:
        """Have the look of one that waits for it go to Detail, before all others or after them."""

    def wake(self, taskid: str) -> None:
        """Have a task looked at now."""


class Lists:
    """Reads the list for those who share *client*, one reading at a time.

    :param owner: whose looks it answers.
    :param push: listens for the tasks that the list shows.
    """

    def __init__(self, client: AsyncClient, owner: Owner, push: Push) -> None:
        self._client = client
        self._owner = owner
        self._push = push
        self._credentials = client.credentials
        self._book = Book()
        self._base_url = ""
        self._to_prove, self._proves = 0, False
        self._reading: asyncio.Task[None] | None = None
        self._begun = self._impatient_at = self._rests_until = -math.inf
        self._searched_until = self._page_at = -math.inf

    @property
    def is_busy(self) -> bool:
        """Whether a reading is on its way, or it is just being found out whether the list is to be believed."""
        return self._reading is not None or (self._proves and self._book.usable and not self._book.proven)

    @property
    def patient_until(self) -> float:
        """Until when looks wait for the list: for a reading, and after it for as long as it took.

        So those that came due meanwhile are answered together, and come due together from then on.
        """
        return self._impatient_at if self.is_busy else self._rests_until

    def worth(self, asked: int, sleeping: Collection[tuple[float, Waiting]]) -> list[Waiting] | None:
        """Return those who may be answered sooner by a reading; None where it is not worth it.

        :param asked: how many looks are due.
        :param sleeping: all who sleep, and when they are due.
        """
        now = asyncio.get_running_loop().time()
        if now < self._searched_until or not self._is_worth(len(self._owner.waits)):
            return None
        until = now + self.lasts
        sooner = [one for due, one in sleeping if one.due == due and due - until <= one.sooner]
        if self._is_worth(asked + len(sooner)):
            return sooner
        self._searched_until = now + SEARCH * len(sleeping)
        return None

    def _is_worth(self, wanted: int) -> bool:
        if self._client.credentials != self._credentials:
            self._credentials, self._book = self._client.credentials, Book()
        return self._reading is None and self._book.is_worth(wanted, len(self._owner.waits))

    @property
    def lasts(self) -> float:
        """For how many seconds a reading is likely to go on that goes through all tasks that wait."""
        return self._book.pages(len(self._owner.waits)) / PAGES_A_SECOND

    def read(self, asked: list[Asked], sleeping: Iterable[Waiting], then: Callable[[list[Asked]], None]) -> None:
        """Begin a reading.

        :param asked: the looks that wait for their answer.
        :param sleeping: those who sleep, and may be answered sooner.
        :param then: takes those of *asked* that are left over in the end: Detail has to answer them.
        """
        wanted = [one for one, _ in asked] + [one for one in sleeping if not one.unlisted]
        oldest = min(one.plan.submitted_at for one in wanted)
        reading = Reading(self._book, len(wanted), len(self._owner.waits), oldest)
        self._base_url, self._to_prove = self._client.base_url, PROOF
        self._proves = False
        loop = asyncio.get_running_loop()
        self._begun = loop.time()
        self._impatient_at = self._begun + PATIENCE + self.lasts
        patience = loop.call_at(self._impatient_at, lambda: then(unanswered(asked)))
        self._reading = loop.create_task(self._read(reading), context=Context())
        self._reading.add_done_callback(lambda _: patience.cancel())
        self._reading.add_done_callback(lambda _: self._over(reading, asked, then))

    @property
    def under_way(self) -> list[asyncio.Task[None]]:
        """The reading that is on its way, if there is one."""
        return [] if self._reading is None else [self._reading]

    def detail_asked(self) -> None:
        """Take in that a look goes to Detail."""
        self._book.detail_asked()

    def compare(self, one: Waiting, outcome: Reply | NoReply) -> None:
        """Hold what Detail says of a task against what the list has said a moment ago."""
        said, one.row = one.row, None
        if said is None or asyncio.get_running_loop().time() - said[1] > FRESH:
            return
        task = task_in(outcome, one.plan.taskid)
        if isinstance(task, Task) and not one.lied:
            one.lied = not self._book.compare(said[0], task)

    async def _read(self, reading: Reading) -> None:
        await asyncio.gather(*(self._pages(reading) for _ in range(reading.abreast)))

    async def _pages(self, reading: Reading) -> None:
        while (step := await self._next_page(reading)) is not None:
            try:
                outcome = await self._client.send(step, _log, service=self._base_url)
            except Exception as error:
                outcome = NoReply(sent=False, reason=in_words(error))
            now = asyncio.get_running_loop().time()
            named = [(row, waits) for row in reading.rows_of(outcome) if (waits := self._named(row))]
            told = [self._tell(one, row, now) for row, waits in named for one in waits]
            reading.answered(sum(told), len(named))

    async def _next_page(self, reading: Reading) -> Send | None:
        """Return the request for one more page, when it is its turn; None for no more.

        They are spread: the answers of many that are asked for at once would come at once, and hold up the event loop.
        """
        now = asyncio.get_running_loop().time()
        self._page_at = max(now, self._page_at + 1 / PAGES_A_SECOND)
        await asyncio.sleep(self._page_at - now)
        return reading.next_page()

    def _over(self, reading: Reading, asked: list[Asked], then: Callable[[list[Asked]], None]) -> None:
        self._reading = None
        reading.close()
        now = asyncio.get_running_loop().time()
        self._rests_until = now + min(now - self._begun, PATIENCE)
        left = unanswered(asked)
        if reading.complete:
            for one, _ in left:
                one.unlisted = UNLISTED
        elif not self._book.proven and self._to_prove <= 0:
            self._proves = True
        then(left)

    def _named(self, row: Mapping[str, object]) -> list[Waiting]:
        taskid = read_taskid(row.get("id"))
        waits = () if taskid is None else self._owner.waits.of(taskid)
        return [one for one in waits if one.listed and one.service in (None, self._base_url)]

    def _tell(self, one: Waiting, row: Mapping[str, object], now: float) -> bool:
        """Take in what a row says of a task; return whether that answers a look."""
        status = row.get("status")
        if not isinstance(status, str):
            return False
        one.unlisted, one.row = 0, (status, now)
        asked = one.asked is not None and not one.asked.sure
        sooner = not asked and one.due - now <= one.sooner
        task = running(one.plan.taskid, row) if asked or sooner or one.pushed else None
        if one.pushed:
            self._push.shown(one, task)
        if not self._book.proven:
            self._prove(one, asked=asked)
        elif task is not None and (asked or sooner):
            self._owner.answer(one, task)
        elif task is None and asked:
            self._owner.ask_detail(one)
        elif status in TERMINAL or (task is None and sooner):
            self._owner.wake(one.plan.taskid)
        return asked or sooner

    def _prove(self, one: Waiting, *, asked: bool) -> None:
        """Have Detail asked too, at once, for the first that the list names and that may be looked at."""
        looked_at = one.due - 2 * one.sooner  # it sleeps from one look to the next
        rested = asyncio.get_running_loop().time() - looked_at >= one.plan.poll_interval
        if self._to_prove > 0 and (asked or rested):
            self._to_prove -= 1
            if asked:
                self._owner.ask_detail(one, first=True)
            else:
                self._owner.wake(one.plan.taskid)
