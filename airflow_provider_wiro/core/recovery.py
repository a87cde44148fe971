"""What becomes of the Run that an earlier try has written down: go on with it, take its outputs, or pay anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from airflow_provider_wiro.core.calls import NOT_STOPPED, detail, stop
from airflow_provider_wiro.core.journal import LAST_TIME, OnUnknown, Record, digest, forget
from airflow_provider_wiro.core.protocol import Flow, Reply, complaint, describe, now, report, send, sleep
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.exceptions import (
    WiroNotStopped,
    WiroOutputsGone,
    WiroSubmissionUnknown,
    WiroTaskError,
    WiroTaskFailed,
    WiroTaskNotFound,
    WiroUnreachable,
)

READ_PAUSES = (1.0, 3.0, 10.0)
# How long Wiro may need to show a Run that it has accepted.
SHOWN_AFTER = 60.0
SETTLED_AFTER = 30.0
CLOCK_SKEW = 300.0
# How much older than its intent a Run may look at most; one that looks older still may be somebody else's.
CLOCKS_AGREE = 5.0
# How long after its intent a Run may at most have arrived: its pauses, timeouts, and a Retry-After.
SENT_WITHIN = 1200.0
PAGE = 100
LONGEST_SEARCH = 10_000


@dataclass(frozen=True, slots=True)
class Attach:
    """Wait for the task of *record*, which is still at work."""

    record: Record


@dataclass(frozen=True, slots=True)
class Finished:
    """Take the outputs of *task*, which is paid for."""

    record: Record
    task: Task


@dataclass(frozen=True, slots=True)
class Fresh:
    """Submit: nothing of an earlier try is active, or was paid for this work."""


Decision = Attach | Finished | Fresh


def recover(
    found: Record, wanted: Record, *, on_unknown: OnUnknown, place: str, deadline: float | None = None
) -> Flow[Decision]:
    """Decide what to do about the Run that the journal holds. Submits nothing itself.

    :param found: what the journal holds.
    :param wanted: the intent of this try.
    :param on_unknown: what to do if it cannot be found out whether Wiro accepted the Run.
    :param place: where the journal is, for messages.
    :param deadline: unix time until which its looks are held back at most while Wiro throttles; None: there is none.
    :raises WiroError: if nothing may be submitted; it says what to check and how to go on.
    """
    if found.taskid is None:
        seen = yield from find(found, deadline=deadline)
        if isinstance(seen, str):
            return (yield from _unknown(found, seen, on_unknown, place))
        adopted = found.submitted(seen.task.taskid, seen.created)
        yield from report(
            f"taskid {adopted.taskid}: found in Task/List as the Run whose answer was lost",
            "warning",
        )
        return (yield from _judge(adopted, seen.task, wanted, place))
    task = yield from _look(found, found.fingerprint == wanted.fingerprint, place, deadline)
    return Attach(found) if task is None else (yield from _judge(found, task, wanted, place))


def _judge(record: Record, task: Task, wanted: Record, place: str) -> Flow[Decision]:
    same = record.fingerprint == wanted.fingerprint
    if not task.terminal:
        if same:
            yield from report(f"taskid {task.taskid}: an earlier try has submitted it; going on with it")
            return Attach(record)
        yield from _stop_changed(task)
    elif not same and task.succeeded:
        yield from report(
            f"taskid {task.taskid}: is paid for, but {_difference(record, wanted)}; submitting a new one, which is "
            "paid too. Where that is not wanted, set idempotency_key",
            "warning",
        )
    elif same and task.succeeded:
        return Finished(record, task)
    elif same and task.charged:
        raise _charged(task, place)
    else:
        yield from report(f"taskid {task.taskid}: the earlier Run is over ({task.status}); submitting a new one")
    return Fresh()


def _difference(record: Record, wanted: Record) -> str:
    names = sorted(
        name for name in {*record.inputs, *wanted.inputs} if record.inputs.get(name) != wanted.inputs.get(name)
    )
    if names:
        return f"its inputs were others ({', '.join(names)})"
    return "its model was another" if record.model != wanted.model else "its service or idempotency_key was another"


def _charged(task: Task, place: str) -> WiroTaskError:
    """Return the error for what was charged, though it has brought nothing, or shows it no more."""
    what = "shows no outputs" if task.pexit is None else f"has failed with pexit {task.pexit}"
    kind = WiroOutputsGone if task.pexit is None else WiroTaskFailed
    return kind(
        f"Wiro task {task.taskid}, of an earlier try, {what}, but was charged {task.cost_usd} USD: look at it in the "
        f"Wiro dashboard. Nothing was submitted; for a new generation, {forget(place)}",
        taskid=task.taskid,
        status=task.status,
        retryable=False,
    )


def _stop_changed(task: Task) -> Flow[None]:
    taskid = task.taskid
    yield from report(f"taskid {taskid}: the inputs have changed since it was submitted; stopping it", "warning")
    stopped = yield from stop(taskid)
    if not stopped.over:
        raise WiroNotStopped(
            f"Wiro task {taskid}, of an earlier try with other inputs, {NOT_STOPPED} ({stopped.note}). "
            "Nothing was submitted; an Airflow retry tries again",
            taskid=taskid,
            retryable=True,
        )
    yield from report(stopped.story(taskid))


def _look(found: Record, same: bool, place: str, deadline: float | None) -> Flow[Task | None]:
    """Read the task; None if it is too young for Wiro to show it."""
    assert found.taskid is not None
    for pause in (*READ_PAUSES, None):
        try:
            return (yield from detail(taskid=found.taskid, deadline=deadline))
        except WiroTaskNotFound:
            age = (yield from now()) - (found.submitted_at or found.at)
            if same and age < SHOWN_AFTER:
                return None
            raise WiroTaskNotFound(
                f"an earlier try of this task submitted Wiro task {found.taskid}, which Wiro does not know now. "
                "Nothing was submitted, for that might pay twice. If the connection is of another account now, set it "
                f"back; if the task is really lost, {forget(place)}",
                taskid=found.taskid,
                retryable=age < SHOWN_AFTER,
            ) from None
        except WiroUnreachable as error:
            if pause is None:
                raise
            yield from report(
                f"taskid {found.taskid}: cannot be read ({error}); trying again in {pause:.0f} s", "warning"
            )
            yield from sleep(pause)
    raise AssertionError("unreachable")


def _unknown(found: Record, seen: str, on_unknown: OnUnknown, place: str) -> Flow[Fresh]:
    if on_unknown == "submit":
        yield from report(
            f"whether Wiro accepted the last Run cannot be found out ({seen}); submitting again, as "
            "on_unknown_submission says: both may be paid",
            "warning",
        )
        return Fresh()
    raise WiroSubmissionUnknown(
        f"it is not known whether Wiro accepted the Run of {found.model} that was sent about {_utc(found.at)}: {seen}. "
        "Nothing more was submitted, for that might pay twice. Look in the Wiro dashboard for a task of that time: "
        f"stop it, or use its outputs; then, for a new generation, {forget(place)} "
        '(on_unknown_submission="submit" does so by itself, and may pay twice)'
    )


def _utc(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Row:
    """A task of Task/List.

    :param created: unix time at which Wiro accepted it.
    :param parameters: its inputs as Wiro echoes them.
    """

    task: Task
    created: float
    parameters: Mapping[str, object]


def find(found: Record, *, deadline: float | None = None) -> Flow[Row | str]:
    """Look for the Run of an intent in Task/List; return its row, or in words why it is not proven.

    :param deadline: unix time until which its looks are held back at most while Wiro throttles; None: there is none.
    """
    if found.identity.mapped:
        return "a mapped task cannot be told from its siblings"
    # Before Wiro must show it, somebody else's with the same inputs could be the only one.
    if (left := found.at + SETTLED_AFTER - (yield from now())) > 0:
        yield from sleep(left)
    rows = yield from _rows_since(found.at - CLOCK_SKEW, found.model.partition("/")[2], deadline)
    if isinstance(rows, str):
        return rows
    recent = (row for row in rows.values() if row.created <= found.at + SENT_WITHIN)
    ours = [row for row in recent if row.task.taskid not in found.earlier]
    silent = sum(not row.parameters for row in ours)
    if silent or not found.inputs:
        return f"{silent} task(s) of that time do not show their parameters" if silent else "it has no inputs"
    matches = [row for row in ours if _echoes(row.parameters, found.inputs)]
    if len(matches) == 1 and matches[0].created >= found.at - CLOCKS_AGREE:
        return matches[0]
    if len(matches) == 1:
        return f"task {matches[0].task.taskid} has the same inputs, but is older than the Run"
    if matches:
        return f"{len(matches)} tasks of that time have the same inputs"
    return "no task of that time has its inputs"


def _rows_since(since: float, model: str, deadline: float | None) -> Flow[dict[str, Row] | str]:
    """Read Task/List back past *since*; return the rows by taskid, or in words why they are not all of them."""
    rows: dict[str, Row] = {}
    start = 0
    while start < LONGEST_SEARCH:
        listed = yield from _page(start, model, deadline)
        if isinstance(listed, str):
            return f"Task/List brought no good answer: {listed}"
        page = [_row(payload) for payload in listed]
        readable = [row for row in page if row is not None]
        if len(readable) < len(page):
            return "Task/List shows a task that cannot be read"
        rows |= {row.task.taskid: row for row in readable}
        if all(row.created < since for row in readable):  # an empty page too: there are no more
            return {taskid: row for taskid, row in rows.items() if row.created >= since}
        start += len(page)
    return f"Task/List does not reach back that far within {LONGEST_SEARCH} tasks"


def _page(start: int, model: str, deadline: float | None) -> Flow[list[object] | str]:
    body = {"type": "model", "sort": "id", "order": "DESC", "start": str(start), "limit": str(PAGE), "modelName": model}
    for pause in (*READ_PAUSES, None):
        outcome = yield from send("/Task/List", body, deadline=deadline)
        if isinstance(outcome, Reply) and 200 <= outcome.status < 300 and isinstance(outcome.body, Mapping):
            listed = outcome.body.get("tasklist")
            if complaint(outcome) is None and isinstance(listed, list):
                return listed
        if pause is not None:
            yield from sleep(pause)
    return describe(outcome)


def _row(payload: object) -> Row | None:
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
    return Row(task, created, parameters if isinstance(parameters, Mapping) else {})


def _echoes(parameters: Mapping[str, object], inputs: Mapping[str, str]) -> bool:
    return all(name in parameters and digest(parameters[name]) == wanted for name, wanted in inputs.items())
