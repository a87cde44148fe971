"""Lists that lie, in the ways that a list can."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from airflow_provider_wiro.core.protocol import NoReply, Reply, Send
from fake_driver import UNANSWERED, page, refusal, reply
from waiting import Service

Row = dict[str, Any]
Lie = Callable[[list[Row]], Reply | NoReply | None]
"""What is said instead of a page of such rows; None = the truth."""


def each(change: Callable[[Row], Any]) -> Lie:
    """Return the lie that changes each row."""
    return lambda rows: shown([change(row) for row in rows])


def shown(rows: list[Any]) -> Reply:
    """Return rows as the API does."""
    return reply({"result": True, "errors": [], "tasklist": rows})


def of_others(rows: list[Row]) -> Reply:
    """Give each row the id of the next one."""
    ids = [row["id"] for row in rows]
    return shown([row | {"id": taskid} for row, taskid in zip(rows, ids[1:] + ids[:1], strict=True)])


LIES: dict[str, Lie] = {
    "the truth": lambda rows: None,
    "all run": each(lambda row: row | {"status": "task_start"}),
    "all wait in the queue": each(lambda row: row | {"status": "task_queue"}),
    "all are over": each(lambda row: row | {"status": "task_postprocess_end"}),
    "all are cancelled": each(lambda row: row | {"status": "task_cancel"}),
    "all failed": each(lambda row: row | {"status": "task_error"}),
    "statuses that nobody knows": each(lambda row: row | {"status": "task_napping"}),
    "no statuses": each(lambda row: {"id": row["id"]}),
    "no ids": each(lambda row: {"status": row["status"]}),
    "numbers": each(lambda row: row | {"id": int(row["id"]), "createtime": 5}),
    "no rows": lambda rows: shown([]),
    "not even rows": lambda rows: shown([None, 5, "x", [], {}]),
    "every third is missing": lambda rows: shown([row for row in rows if int(row["id"]) % 3]),
    "shuffled": lambda rows: shown(random.Random(len(rows)).sample(rows, len(rows))),
    "the oldest first": lambda rows: shown(rows[::-1]),
    "other tasks' statuses": of_others,
    "refused": lambda rows: refusal(0, "no such endpoint"),
    "not there": lambda rows: page(404),
    "broken": lambda rows: page(502),
    "throttled": lambda rows: page(429),
    "silent": lambda rows: UNANSWERED,
}


class Lying(Service):
    """Its list lies from some moment on, in the ways that are given, in turn; Detail never does.

    :param slow: seconds that each page takes.
    """

    def __init__(self, lies: list[str], since: float = 0.0, slow: float = 0.0) -> None:
        super().__init__()
        self.lies, self.since, self.slow = lies, since, slow

    async def send(self, step: Send, *args: Any, **options: Any) -> Reply | NoReply:
        if step.path == "/Task/List" and self.slow:
            patience = step.timeout or 30.0
            await asyncio.sleep(min(self.slow, patience))
            if self.slow >= patience:
                return UNANSWERED
        return await super().send(step, *args, **options)

    def answer(self, call: str, taskid: str, step: Send) -> Reply | NoReply:
        if call != "List" or self.now < self.since:
            return super().answer(call, taskid, step)
        rows = self.listed(int(str(step.body["start"])), int(str(step.body["limit"])))
        lied = LIES[self.lies[self.counts["List"] % len(self.lies)]](rows)
        return shown(rows) if lied is None else lied
