"""Listing the tasks of the time of a submission whose answer was lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.kept import LAST_TIME
from airflow_provider_wiro.core.protocol import Flow, Reply, complaint, describe, now, report, send, sleep
from airflow_provider_wiro.core.slugs import clean_slug
from airflow_provider_wiro.core.task import Task

READ_PAUSES = (1.0, 3.0, 10.0)
# How long Wiro may need to show a task that it has accepted.
SETTLED_AFTER = 30.0
# How far Wiro's clock and the workers' may differ, unless it is seen to be more.
CLOCK_SKEW = 300.0
# How far clocks that are kept right may differ.
KEPT_RIGHT = 0.3
# How much newer a task may be than one before it in a list that is sorted newest first.
OUT_OF_ORDER = 60.0
# A longer pause is worth a line in the log.
SILENT_PAUSE = 5.0
PAGE = 100
MOST_ROWS = 10_000
MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class Row:
    """A task of Task/List.

    :param created: unix time at which Wiro accepted it, in whole seconds of Wiro's clock.
    :param parameters: its inputs as Wiro echoes them.
    :param model: ``"owner/model"`` as far as the row says it; a part that it does not say is empty.
    """

    task: Task
    created: float
    parameters: Mapping[str, object]
    model: str = "/"


@dataclass(frozen=True, slots=True)
class Listing:
    """The tasks that Wiro shows of the time of a submission.

    :param rows: by taskid, also some that are older.
    :param ahead: seconds by which Wiro's clock is ahead of this machine's, by its ``Date``; None: it did not say.
    """

    rows: Mapping[str, Row]
    ahead: float | None = None


@dataclass(frozen=True, slots=True)
class NoListing:
    """There is nothing to judge by.

    :param why: in words.
    """

    why: str


def list_of_model(found: Record, *, deadline: float | None = None) -> Flow[Listing | NoListing]:
    """List the tasks of the model of an intent, once Wiro must show its own. **Proves nothing by what is missing:**
    that Wiro filters by model is not documented.

    :param deadline: unix time until which it pauses, and is held back, at most; None: there is none.
    """
    time = yield from now()
    if found.at > time + SETTLED_AFTER:
        return NoListing(
            f"its record is dated {found.at - time:.0f} s later than the clock of this worker: set the workers' clocks"
        )
    # Before Wiro must show it, somebody else's with the same inputs could be the only one.
    if not (yield from _pause_until(found.at + SETTLED_AFTER, deadline)):
        return NoListing("there was no time left to wait until Wiro must show it")
    return (yield from _read_back(found, clean_slug(found.model).partition("/")[2], deadline))


def list_all(found: Record, *, quiet_since: float, deadline: float | None = None) -> Flow[Listing | NoListing]:
    """List the tasks of all models, late enough that one which Wiro has accepted cannot be missing.

    :param quiet_since: unix time from which on nothing of the submission can have been on its way.
    :param deadline: unix time until which it pauses, and is held back, at most; None: there is none.
    """
    if not (yield from _pause_until(max(found.at, quiet_since) + SETTLED_AFTER, deadline)):
        return NoListing("no task of that time has its inputs, but there was no time left to make sure")
    return (yield from _read_back(found, "", deadline))


def _pause_until(moment: float, deadline: float | None) -> Flow[bool]:
    """Pause until *moment*, or until *deadline*; return whether *moment* is reached."""
    time = yield from now()
    end = moment if deadline is None else min(moment, deadline)
    if end - time > SILENT_PAUSE:
        yield from report(f"looking for the lost submission in {end - time:.0f} s, when Wiro must show its task")
    if end > time:
        yield from sleep(end - time)
    return end >= moment or time >= moment


def _read_back(found: Record, model: str, deadline: float | None) -> Flow[Listing | NoListing]:
    """Read Task/List back past the intent."""
    rows: dict[str, Row] = {}
    start, ahead = 0, list[float]()
    for _ in range(MOST_PAGES):
        before = yield from now()
        reply = yield from read_page(start, model, deadline)
        if isinstance(reply, NoListing):
            return reply
        if reply.date is not None:  # in whole seconds
            ahead.append(most_ahead(reply.date - (yield from now()), reply.date + 1 - before))
        shown = listed(reply) or []
        page = [row for row in map(row_of, shown) if row is not None]
        if len(page) < len(shown):
            return NoListing("Task/List shows a task that cannot be read")
        if not is_newest_first(page):
            return NoListing("Task/List is not sorted newest first, so that it does not show where to stop reading it")
        rows |= {row.task.taskid: row for row in page}
        since = found.at - CLOCK_SKEW + min([0.0, *ahead])
        if all(row.created < since for row in page):  # an empty page too: there are no more
            of_time = {taskid: row for taskid, row in rows.items() if row.created >= since}
            return Listing(of_time, max(ahead, default=None))
        start += len(page)
        if start >= MOST_ROWS:
            break
    return NoListing(f"Task/List does not reach back far enough within {MOST_ROWS} tasks and {MOST_PAGES} pages")


def is_newest_first(page: Sequence[Row]) -> bool:
    """Whether the rows of a page are in the order that was asked for, as far as their dates say."""
    oldest = accumulate((row.created for row in page), min)
    return all(row.created <= before + OUT_OF_ORDER for row, before in zip(page, oldest, strict=True))


def read_page(start: int, model: str, deadline: float | None) -> Flow[Reply | NoListing]:
    """Read one page of Task/List, the newest tasks first.

    :param start: how many newer tasks to leave out.
    :param model: only of this one, without its owner; empty: of all.
    :param deadline: unix time until which it is tried again, and held back, at most; None: there is none.
    """
    body = {"type": "model", "sort": "id", "order": "DESC", "start": str(start), "limit": str(PAGE)}
    if model:
        body["modelName"] = model
    for pause in (*READ_PAUSES, None):
        outcome = yield from send("/Task/List", body, deadline=deadline)
        if isinstance(outcome, Reply) and listed(outcome) is not None:
            return outcome
        time = yield from now()
        if pause is None or (deadline is not None and time + pause > deadline):
            break
        yield from sleep(pause)
    return NoListing(f"Task/List brought no good answer: {describe(outcome)}")


def listed(reply: Reply) -> list[object] | None:
    """Return the rows of an answer to Task/List; None if it is no good one."""
    if not 200 <= reply.status < 300 or not isinstance(reply.body, Mapping) or complaint(reply) is not None:
        return None
    listed = reply.body.get("tasklist")
    return listed if isinstance(listed, list) else None


def most_ahead(least: float, most: float) -> float:
    """Return by how much a clock is ahead at most, of what a measure allows; 0 where that explains it."""
    return 0.0 if least <= KEPT_RIGHT and most >= -KEPT_RIGHT else most


def row_of(payload: object) -> Row | None:
    """Read a row of Task/List; None if it cannot be read."""
    task = Task.from_payload(payload)
    if task is None or not isinstance(payload, Mapping):
        return None
    try:
        created = float(payload["createtime"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    if not 0 < created < LAST_TIME:
        return None
    parameters = payload.get("parameters")
    names = [
        value if isinstance(value := payload.get(f"modelslug{part}"), str) else "" for part in ("owner", "project")
    ]
    return Row(task, created, parameters if isinstance(parameters, Mapping) else {}, "/".join(names))
