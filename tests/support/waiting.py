"""A service without sockets for the lookout, on a simulated loop: it knows when tasks end, and counts the requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_wiro.clients import lookout
from airflow_provider_wiro.clients.lookout import Lookout
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.protocol import NoReply, Reply, Send
from airflow_provider_wiro.core.verdict import Verdict
from driving import ListLog
from fake_driver import NOT_FOUND, START, VIDEO, reply

BASE_URL = "https://api.wiro.ai/v1"


class Service:
    """Answers as Wiro does, to whom a lookout takes for its client.

    :param latency: seconds for each request.
    """

    base_url = BASE_URL
    credentials = Credentials("key", "secret", BASE_URL)

    def __init__(self, latency: float = 0.1) -> None:
        self.latency = latency
        self.ends: dict[str, float] = {}
        self.as_they_end: dict[str, str] = {}
        self.asked: list[tuple[float, str, str]] = []
        self.counts: Counter[str] = Counter()
        self.on_their_way = self.most = 0

    @property
    def now(self) -> float:
        """Seconds since the loop began."""
        return asyncio.get_running_loop().time()

    def add(self, taskids: Iterable[int], ends: Callable[[int], float] = lambda _: 1e9) -> list[str]:
        """Add tasks that end so many seconds after the loop began."""
        added = {str(taskid): ends(taskid) for taskid in taskids}
        self.ends |= added
        return list(added)

    async def send(self, step: Send, log: Log, *, service: str | None = None) -> Reply | NoReply:
        """Carry a request out, as ``AsyncClient.send`` does."""
        call, taskid = step.path.rsplit("/", 1)[1], str(step.body.get("taskid", step.body.get("start")))
        self.asked.append((self.now, call, taskid))
        self.counts[call] += 1
        self.on_their_way += 1
        self.most = max(self.most, self.on_their_way)
        try:
            await asyncio.sleep(self.latency)
        finally:
            self.on_their_way -= 1
        return self.answer(call, taskid, step)

    def answer(self, call: str, taskid: str, step: Send) -> Reply | NoReply:
        """Return what comes of a request."""
        if call == "List":
            start, limit = int(str(step.body["start"])), int(str(step.body["limit"]))
            return page(self.listed(start, limit))
        if taskid not in self.ends:
            return NOT_FOUND
        if call != "Detail":
            self.ends[taskid] = min(self.ends[taskid], self.now)
        return page([self.row(taskid, cancelled=call != "Detail")])

    def listed(self, start: int, limit: int) -> list[Any]:
        """Return the rows of a page of the list: all tasks, the newest first."""
        return [self.row(taskid) for taskid in sorted(self.ends, key=int, reverse=True)[start : start + limit]]

    def row(self, taskid: str, *, cancelled: bool = False) -> dict[str, Any]:
        """Return a task as the API shows it."""
        row: dict[str, Any] = {"id": taskid, "status": "task_start", "createtime": str(int(START)), "outputs": []}
        if cancelled:
            self.as_they_end[taskid] = "task_cancel"
        if self.now >= self.ends[taskid]:
            row |= {"status": self.as_they_end.get(taskid, "task_postprocess_end"), "pexit": "0", "outputs": [VIDEO]}
        return row

    def looks(self, taskid: str) -> list[float]:
        """Return when a task was looked at."""
        return [moment for moment, call, asked in self.asked if (call, asked) == ("Detail", taskid)]


def page(rows: list[Any]) -> Reply:
    """Return rows as the API does."""
    return reply({"total": str(len(rows)), "errors": [], "tasklist": rows, "result": True})


def lookout_of(service: Service) -> Lookout:
    """Return a lookout that asks *service*."""
    return Lookout(service)  # type: ignore[arg-type]


def wait_for(
    watched: Lookout, taskid: str, log: Log | None = None, *, listed: bool = False, **options: Any
) -> asyncio.Task[Verdict]:
    """Have a task waited for, as its trigger does, from now on."""
    now = START + asyncio.get_running_loop().time()
    plan = WaitPlan(**{"taskid": taskid, "submitted_at": now, "deadline": now + 3600.0} | options)
    return asyncio.ensure_future(watched.wait(plan, log or ListLog(), service=BASE_URL, listed=listed))


def on_simulated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a lookout take the time of day from its event loop."""
    clock = SimpleNamespace(time=lambda: START + asyncio.get_running_loop().time())
    monkeypatch.setattr(lookout, "time", clock)
