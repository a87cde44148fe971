"""What becomes of what an earlier try left: look at it, and carry out the row of the table that holds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from airflow_provider_wiro.core.calls import detail, not_stopped, stop
from airflow_provider_wiro.core.fields import OnUnknown
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.protocol import Flow, NoReply, Reply, describe, now, report, send, sleep
from airflow_provider_wiro.core.recalled import Attach, Decision, Finished, Fresh, Sighting, TakeSaved
from airflow_provider_wiro.core.refusal import line_of, refusal_of
from airflow_provider_wiro.core.rules import recall as rules
from airflow_provider_wiro.core.rules.recall import Left, Shown, Unknown, row_for, shown_of
from airflow_provider_wiro.core.search import READ_PAUSES, NoListing
from airflow_provider_wiro.core.task import Task, read_taskid
from airflow_provider_wiro.core.whose import Doubt, Found, NothingAccepted, differing
from airflow_provider_wiro.core.work import digests
from airflow_provider_wiro.exceptions import WiroNotStopped, WiroRequestError, WiroTaskNotFound, WiroUnreachable

# How long Wiro may need to show a task whose taskid it has given.
SHOWN_AFTER = 60.0
WAS_ANOTHER = "the host or the idempotency_key was different when it was submitted"
NOT_NAMED = (
    "no task of that time can be it, but its record was written by version 0.1.0, and does not say to which service it "
    "was sent"
)


class Service(Enum):
    """Whether a record is of the service that the connection leads to."""

    NAMED = "the record names its service"
    PROVEN = "a record of version 1, whose fingerprint proves it"
    UNKNOWN = "a record of version 1 of other work, or of work that is not known any more"
    DOUBTFUL = "a record of version 1 of the same model and inputs, and of another service or key"


def service_of(found: Record, wanted: Record) -> Service:
    """Say what is known of the service that *found* was submitted to."""
    if found.version != 1:
        return Service.NAMED
    work = wanted.work
    if work is None:  # what is wanted cannot be made any more, and the record stands for it
        return Service.UNKNOWN
    if found.is_same_work(wanted):
        return Service.PROVEN
    if work.idempotency_key is not None:
        return Service.UNKNOWN
    sent = work.recorded_as(found.inputs)
    if not work.files and (found.model, found.inputs) == (sent.model, digests(sent.inputs)):
        return Service.DOUBTFUL
    return Service.UNKNOWN


def left_of(found: Record, missed: str | None) -> Left:
    """Say what an earlier try left.

    :param missed: why its saved files cannot be taken, in words; None where they are all there.
    """
    if found.taskid is None:
        return Left.INTENT if found.sent else Left.UPLOADED
    if found.landed is None:
        return Left.SUBMITTED
    return Left.LANDED if missed is None else Left.MISSED


def look(found: Record, wanted: Record, *, deadline: float | None = None) -> Flow[Sighting]:
    """Look at the task of a record that has a taskid.

    :param deadline: unix time until which it is held back at most while Wiro throttles; None: there is none.
    """
    assert found.taskid is not None
    service = service_of(found, wanted)
    if service is Service.DOUBTFUL:
        return Sighting(Shown.DOUBTFUL, found, why=WAS_ANOTHER)
    names: list[str] = []
    try:
        task = yield from _read(found.taskid, deadline)
        if service is Service.UNKNOWN and (not task.terminal or found.is_same_work(wanted)):
            names = yield from contradictions(found, deadline=deadline)
    except WiroTaskNotFound:
        age = (yield from now()) - (found.submitted_at or found.at)
        return Sighting(Shown.YOUNG if age < SHOWN_AFTER else Shown.MISSING, found.renewed(wanted))
    except WiroRequestError as error:
        return Sighting(Shown.UNREADABLE, found, error=error)
    if names:
        why = f"the task of that id at {wanted.base_url or 'this service'} has another {', '.join(names)}"
        return Sighting(Shown.DOUBTFUL, found, task, why)
    return Sighting(shown_of(task), found.renewed(wanted), task)


def _read(taskid: str, deadline: float | None) -> Flow[Task]:
    for pause in (*READ_PAUSES, None):
        try:
            return (yield from detail(taskid=taskid, deadline=deadline))
        except WiroUnreachable as error:
            time = yield from now()
            if pause is None or (deadline is not None and time + pause > deadline):
                raise
            yield from report(f"taskid {taskid}: cannot be read ({error}); trying again in {pause:.0f} s", "warning")
            yield from sleep(pause)
    raise AssertionError("unreachable")


def contradictions(found: Record, *, deadline: float | None = None) -> Flow[list[str]]:
    """Return the inputs by which the task of that id at this service surely is not that of the record.

    For records of version 1, which do not name their service.

    :raises WiroUnreachable: if it is not shown now; nothing may be stopped then.
    """
    outcome = yield from send("/Task/Detail", {"taskid": found.taskid}, deadline=deadline)
    row = _row_of(found.taskid, outcome)
    if row is None:
        raise WiroUnreachable(
            f"no good answer to Detail of taskid {found.taskid}: {describe(outcome)}; try again", taskid=found.taskid
        )
    parameters = row.get("parameters")
    return differing(parameters, found.inputs) if isinstance(parameters, Mapping) else []


def _row_of(taskid: str | None, outcome: Reply | NoReply) -> Mapping[str, object] | None:
    listed = outcome.body.get("tasklist") if isinstance(outcome, Reply) and isinstance(outcome.body, Mapping) else None
    rows = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
    return next((row for row in rows if read_taskid(row.get("id")) == taskid), None)


def sighting_of(found: Record, wanted: Record, seen: Found | NoListing) -> Sighting:
    """Say what a search has brought to light of a record without a taskid."""
    if isinstance(seen, NothingAccepted):
        return Sighting(Shown.MISSING, found)
    if isinstance(seen, Doubt):
        return Sighting(Shown.DOUBTFUL, found, why=seen.why)
    if isinstance(seen, NoListing):
        return Sighting(Shown.UNREADABLE, found, why=seen.why)
    task = seen.row.task
    return Sighting(shown_of(task), found.submitted(task.taskid, seen.row.created).renewed(wanted), task)


def settle(
    left: Left, found: Record, seen: Sighting, wanted: Record, *, on_unknown: OnUnknown, place: str
) -> Flow[Decision]:
    """Carry out the row that holds. Submits nothing itself.

    :param place: where the journal is, for messages.
    :raises WiroError: if nothing may be submitted; it says what to check and how to go on.
    """
    work = rules.Work.SAME if found.is_same_work(wanted) else rules.Work.CHANGED
    row = row_for(left, seen.shown, work, Unknown(on_unknown))
    if found.taskid is None and seen.task is not None:
        yield from report(f"taskid {seen.task.taskid}: found in Task/List as the one whose answer was lost", "warning")
    match row.decision:
        case rules.Decision.ATTACH:
            yield from report(f"taskid {seen.record.taskid}: already submitted; going on with it")
            return Attach(seen.record)
        case rules.Decision.TAKE:
            assert seen.task is not None
            return Finished(seen.record, seen.task)
        case rules.Decision.TAKE_SAVED:
            return TakeSaved(seen.record)
        case rules.Decision.REFUSE:
            raise seen.error or refusal_of(row, seen, wanted, place)
        case rules.Decision.STOP:
            assert seen.task is not None
            yield from _stop_changed(seen.task)
    if (line := line_of(row, seen, wanted)) is not None:
        yield from report(line, "info" if row.unknown is None and row.work is None else "warning")
    return Fresh(nothing_accepted=left is Left.INTENT and seen.shown is Shown.MISSING)


def _stop_changed(task: Task) -> Flow[None]:
    taskid = task.taskid
    yield from report(f"taskid {taskid}: the inputs have changed since it was submitted; stopping it", "warning")
    stopped = yield from stop(taskid)
    if not stopped.over:
        raise WiroNotStopped(
            f"Wiro task {taskid}, of an earlier try with other inputs, {not_stopped(stopped.note)}. "
            "Nothing new was submitted; a retry or a clear tries again",
            taskid=taskid,
            retryable=True,
        )
    yield from report(stopped.story(taskid))
