"""Whether waiting tasks are looked at by Task/List, how far back it is read, and what its rows are worth.

Detail stays the truth. A row counts where it says that a task runs, as tasks do; whatever else it says, or where there
is none, Detail is asked. So a list that lies can delay, and never decides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from airflow_provider_wiro.core.protocol import NoReply, Reply, Send, complaint, is_auth_failure
from airflow_provider_wiro.core.search import CLOCK_SKEW, PAGE, listed
from airflow_provider_wiro.core.task import RUNNING, Task

# A page is taken to cost as much as so many looks with Detail, and is read where it is likely to answer more of them. A
# reading that has begun goes on while the next page is likely to answer half as many.
WORTH = 8
# So many rows are compared with Detail before one is believed; of the later ones, those that Detail happens to show.
PROOF = 20
AGREED = 0.8
# So many ends that the list did not show, or showed too soon, are too many where they are more than those it showed.
WRONG = 5
# What one reading has brought counts for so much after the next one.
FADING = 0.8
# After a reading that was not worth it, so many looks go to Detail before the next one; twice as many each time.
FIRST_REST, LONGEST_REST = 200, 6_400
# Where a page is too long or too slow, the next ones are of half as many rows; after so many good ones, of twice. Each
# time that they have become shorter, it takes twice as many.
FEWEST_ROWS = 25
GOOD_PAGES, MOST_GOOD_PAGES = 16, 4_096
# How many pages are on their way at once, and how many are read in a row.
ABREAST = 8
MOST_PAGES = 200
TIMEOUT = 5.0
# A longer page would hold up the event loop: it is parsed in 5 ms or so.
LONGEST_PAGE = 1_000_000
REFUSED = frozenset({400, 403, 404, 405, 410, 501})


class Book:
    """What is known of the list of one service and account: whether it is to be believed, and when it is worth it.

    :ivar rows: how many are asked for on a page.
    """

    __slots__ = (
        "_agreed",
        "_compared",
        "_density",
        "_found",
        "_good",
        "_good_wanted",
        "_left",
        "_pages",
        "_refused",
        "_rest",
        "_shown",
        "_wrong",
        "rows",
    )

    def __init__(self) -> None:
        self.rows = PAGE
        self._good, self._good_wanted = 0, GOOD_PAGES
        self._refused = False
        self._compared = self._agreed = self._shown = self._wrong = 0
        self._left, self._rest = 0, FIRST_REST
        self._density: float | None = None
        self._pages = self._found = 0.0

    @property
    def usable(self) -> bool:
        """Whether it may be read at all."""
        disagreed = self._compared >= PROOF and self._agreed < AGREED * self._compared
        return not self._refused and not disagreed and not (self._wrong >= WRONG and self._wrong > self._shown)

    @property
    def proven(self) -> bool:
        """Whether its rows are believed."""
        return self._compared >= PROOF and self.usable

    def is_worth(self, wanted: int, waiting: int) -> bool:
        """Whether to read it where so many looks are due, of tasks that wait.

        :param wanted: how many may be answered.
        :param waiting: how many tasks wait in all. Where the last reading has shown how many of them a page names,
            those that are due are taken to be as many on each.
        """
        if wanted < WORTH or self._left > 0 or not self.usable:
            return False
        likely = wanted if self._density is None else self._density * wanted / waiting
        return likely >= WORTH or self._left <= -LONGEST_REST

    def pages(self, waiting: int) -> int:
        """Return how many pages are likely to name all tasks that wait."""
        return min(MOST_PAGES, math.ceil(waiting / self._density)) if self._density else 1

    def detail_asked(self) -> None:
        """Take in that a look goes to Detail."""
        self._left -= 1

    def compare(self, status: str, task: Task) -> bool:
        """Take in what Detail shows of a task, of which the last row said *status*; return whether that was right."""
        right = status == task.status
        if task.terminal:
            self._shown += right
            self._wrong += not right
        elif self._compared < PROOF:
            self._compared += 1
            self._agreed += right
            if self.proven:
                self._left, self._rest = 0, FIRST_REST
            return True
        else:
            right = right or status in RUNNING
            self._wrong += not right
        return right

    def over(self, pages: int, found: int, named: int) -> None:
        """Take in that so many pages have answered so many looks, and have named so many waiting tasks."""
        self._left, self._density = 0, (named / pages if named else None)
        self._pages, self._found = pages + FADING * self._pages, found + FADING * self._found
        if named and self._found >= WORTH * self._pages and self.proven:
            self._rest = FIRST_REST
        else:
            # More may have begun to wait by then, of which the first page names others.
            self._density = None
            self._left, self._rest = self._rest, min(2 * self._rest, LONGEST_REST)

    def came(self) -> None:
        """Take in that a page has come."""
        self._good += 1
        if self._good < self._good_wanted:
            return
        self._good = 0
        if self.rows < PAGE:
            self.rows = min(2 * self.rows, PAGE)
        else:
            self._good_wanted = max(self._good_wanted // 2, GOOD_PAGES)

    def failed(self, outcome: Reply | NoReply, rows: int) -> None:
        """Take in an answer that is no page.

        :param rows: how many were asked for.
        """
        self._refused = self._refused or (isinstance(outcome, Reply) and _refuses(outcome))
        if outcome.status >= 500 if isinstance(outcome, Reply) else outcome.sent:
            self._good, shorter = 0, max(rows // 2, FEWEST_ROWS)
            if shorter < self.rows:
                self.rows, self._good_wanted = shorter, min(2 * self._good_wanted, MOST_GOOD_PAGES)


class Reading:
    """One reading of the list, from its newest task back.

    :param wanted: how many looks it may answer.
    :param waiting: how many tasks wait in all.
    :param since: unix time of the oldest submission among those that it may answer.
    """

    def __init__(self, book: Book, wanted: int, waiting: int, since: float) -> None:
        self._book = book
        self._rows = book.rows
        self._wanted = wanted
        self._waiting = waiting
        self._since = since - CLOCK_SKEW
        self._ends = False
        self._asked = self._read = self._found = self._named = 0
        self.complete = False

    @property
    def abreast(self) -> int:
        """How many pages may be on their way at once."""
        likely = math.ceil((self._wanted - self._found) / self._rows)
        return min(ABREAST, likely) if self._book.proven else 1

    def next_page(self) -> Send | None:
        """Return the request for one more page; None for no more now."""
        if self._ends or self._asked - self._read >= self.abreast:
            return None
        start = self._asked * self._rows
        self._asked += 1
        body = {"type": "model", "sort": "id", "order": "DESC", "start": str(start), "limit": str(self._rows)}
        return Send("/Task/List", body, TIMEOUT, longest=LONGEST_PAGE)

    def rows_of(self, outcome: Reply | NoReply) -> list[Mapping[str, object]]:
        """Take in what came of a request, and return its rows."""
        self._read += 1
        rows = listed(outcome) if isinstance(outcome, Reply) else None
        if rows is None:
            self._ends = True
            self._book.failed(outcome, self._rows)
            return []
        self._book.came()
        shown = [row for row in rows if isinstance(row, Mapping)]
        if len(rows) < self._rows or (shown and _created(shown[-1]) < self._since):
            self._ends = self.complete = True
        return shown[: self._rows]

    def answered(self, found: int, named: int) -> None:
        """Take in how many looks the rows of a page have answered, and how many waiting tasks they have named."""
        self._found += found
        self._named += named
        if self._read >= MOST_PAGES or not self._book.proven or 2 * self._likely < WORTH:
            self._ends = True

    @property
    def _likely(self) -> float:
        """How many of the looks that are left the next page is likely to answer.

        Those that are due are anywhere among the tasks that wait: where the newest ones have just been answered, the
        first pages answer nothing.
        """
        looks, tasks = self._wanted - self._found, self._waiting - self._named
        return self._named / self._read * min(1.0, looks / tasks) if tasks > 0 else 0.0

    def close(self) -> None:
        """Take in that it is over."""
        self._book.over(self._read, self._found, self._named)


def running(taskid: str, row: Mapping[str, object]) -> Task | None:
    """Return the task of a row that says that it runs; None where Detail has to be asked."""
    status = row.get("status")
    return Task(taskid, status, row) if isinstance(status, str) and status in RUNNING else None


def _created(row: Mapping[str, object]) -> float:
    try:
        return float(str(row.get("createtime")))
    except ValueError:
        return math.inf


def _refuses(reply: Reply) -> bool:
    said_no = 200 <= reply.status < 300 and complaint(reply) is not None
    return (reply.status in REFUSED or said_no) and not is_auth_failure(reply)
