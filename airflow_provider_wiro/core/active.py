"""Counting the tasks that run at Wiro now, whoever has submitted them."""

from __future__ import annotations

from airflow_provider_wiro.core.protocol import Flow
from airflow_provider_wiro.core.rules.room import Count
from airflow_provider_wiro.core.search import NoListing, is_newest_first, listed, read_page, row_of

MOST_PAGES = 10
ODD = "Task/List shows a task that cannot be read, or is not sorted newest first"


def count_active(most: int, *, deadline: float | None = None) -> Flow[Count]:
    """Count the tasks in Wiro's list that are not over, of all models and of all who use the API key. Costs nothing.

    The list is read from its newest task back, until *most* are found, or until a whole page of it is over.

    :param most: how many may run at once.
    :param deadline: unix time until which it is held back at most while Wiro throttles; None: there is none.
    """
    active, newest, start = set[str](), frozenset[str](), 0
    for _ in range(MOST_PAGES):
        reply = yield from read_page(start, "", deadline)
        if isinstance(reply, NoListing):
            return Count(len(active), most, refused=reply.why, newest=newest)
        shown = listed(reply) or []
        rows = [row for row in map(row_of, shown) if row is not None]
        if len(rows) < len(shown) or not is_newest_first(rows):
            return Count(len(active), most, refused=ODD, newest=newest)
        newest = newest or frozenset(row.task.taskid for row in rows)
        running = {row.task.taskid for row in rows if not row.task.terminal}
        active |= running
        if len(active) >= most or not running:
            return Count(len(active), most, newest=newest)
        start += len(rows)
    return Count(len(active), most, short=True, newest=newest)
