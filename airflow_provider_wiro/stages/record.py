"""Writing the taskid of a paid task into the journal, again and again until it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.exceptions import WiroError, WiroJournalError, WiroJournalTaken, WiroNotStopped
from airflow_provider_wiro.stages.stop import stop_now
from airflow_provider_wiro.stages.this_try import Try

AT_ONCE = (0.2,)
WITH_PATIENCE = (1.0, 3.0)
NAP = 0.05


def write_down(this: Try, record: Record, over: Record, pauses: tuple[float, ...] = AT_ONCE) -> None:
    """Write the taskid down. It is in the log, and goes to XCom next: that this fails ends nothing that is paid.

    :param over: the record that it takes the place of.
    :param pauses: seconds before each further attempt.
    :raises WiroJournalTaken: if another try of this task instance has submitted meanwhile; this one's task is stopped.
    """
    for pause in (*pauses, None):
        try:
            other = _put(this, record, over)
        except WiroJournalError as error:
            this.paid.not_written(record, over)
            if pause is None or this.paid.told_to_stop:
                this.log.error("taskid %s: %s; going on, and writing it again later", record.taskid, error)
                return
            _rest(this, pause)
        else:
            if other is not None:
                raise _overtaken(this, record, other)
            this.paid.written()
            this.log.info("taskid %s: written down in %s", record.taskid, this.place)
            return


def write_again(this: Try) -> None:
    """Write down what could not be written before, if there is something."""
    if this.paid.unwritten is not None:
        record, over = this.paid.unwritten
        write_down(this, record, over, WITH_PATIENCE)


def complete(this: Try, taskid: str, submitted_at: float | None) -> None:
    """See in a later process whether the taskid is written down; where only the intent is, write it."""
    if this.journal is None:
        return
    try:
        intent = this.journal.read()
    except WiroJournalError as error:
        this.log.warning("taskid %s: whether it is written down cannot be determined: %s", taskid, error)
        return
    if intent is not None and intent.taskid == taskid:
        this.paid.written()
    elif intent is not None and intent.phase == "intent" and submitted_at is not None and intent.at <= submitted_at:
        write_down(this, intent.submitted(taskid, submitted_at), intent, WITH_PATIENCE)
    elif intent is None or intent.phase != "intent":
        this.paid.is_absent()


def note_landed(this: Try, taskid: str, landed: tuple[Landed, ...]) -> bool:
    """Write down where a task's files are saved; where that fails, a later try saves them again, which costs nothing.

    :returns: whether it is written down.
    """

    def saved(there: Record) -> Record:
        same = there.landed == landed and not there.landing
        return there if same else replace(there, landing=(), landed=landed, deleted=False)

    return _note(this, taskid, saved, "that it is saved")


def note_landing(this: Try, taskid: str, landing: tuple[Landed, ...]) -> None:
    """Write down which files are put in place next: what a later try finds there needs no address at Wiro any more."""
    if this.journal is not None:
        _note(this, taskid, lambda there: replace(there, landing=landing), "what is being saved")


def note_deleted(this: Try, taskid: str) -> bool:
    """Write down that a saved task's files at Wiro are deleted.

    :returns: whether it is written down.
    """
    return _note(this, taskid, lambda there: replace(there, deleted=True), "that its files at Wiro are deleted")


def _note(this: Try, taskid: str, change: Callable[[Record], Record], what: str) -> bool:
    if this.journal is None:
        return False
    for pause in (*WITH_PATIENCE, None):
        try:
            there = this.journal.read()
            if there is None or there.taskid != taskid:
                this.log.warning(
                    "taskid %s: %s is not written down, for %s is not its record", taskid, what, this.place
                )
                return False
            this.journal.replace(there, change(there))
        except WiroJournalError as error:
            if pause is None or this.paid.told_to_stop:
                this.log.warning("taskid %s: %s is not written down: %s", taskid, what, error)
                return False
            _rest(this, pause)
        else:
            return True
    raise AssertionError("unreachable")


def _rest(this: Try, seconds: float) -> None:
    """Pause, but no longer than until Airflow tells the try to stop: it may kill the worker five seconds later."""
    until = time.monotonic() + seconds
    while not this.paid.told_to_stop and (left := until - time.monotonic()) > 0:
        time.sleep(min(left, NAP))


def _put(this: Try, record: Record, over: Record) -> Record | None:
    """Write it once: the same task is recorded, nobody's place is free, and another one stands.

    :returns: what another try has written, and stands.
    """
    assert this.journal is not None
    try:
        this.journal.replace(over, record)
    except WiroJournalTaken:
        there = this.journal.read()
        if there is not None:
            return None if there.taskid == record.taskid else there
        this.log.warning("taskid %s: the record was deleted during the submission; writing it again", record.taskid)
        this.journal.replace(None, record)
    return None


def _overtaken(this: Try, record: Record, there: Record) -> WiroError:
    """Stop this try's task, which nobody finds again, and return the error that says so."""
    assert record.taskid is not None
    begun = "a submission of its own" if there.sent else "uploads of its own"
    other = f"Wiro task {there.taskid}" if there.taskid else begun
    stopped = stop_now(this)
    kind = WiroJournalTaken if stopped.over else WiroNotStopped
    return kind(
        f"another try of this task instance has overtaken this one: {this.place} holds {other}. So this try's "
        f"{stopped.story(record.taskid)}. The other try goes on",
        taskid=record.taskid,
        retryable=False,
    )
