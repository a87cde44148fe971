"""Resume: a later process of the same try, after the deferral; or of another try, with an event that is not its own."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from airflow_provider_wiro.core.calls import NOT_STOPPED, Stop, not_stopped
from airflow_provider_wiro.core.generation import GenerationDict
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.rules.fate import Fate, Happening
from airflow_provider_wiro.core.text import in_words, one_line
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.exceptions import WiroError, WiroJournalError, WiroNotStopped, WiroTaskError
from airflow_provider_wiro.stages.fate import rule_for
from airflow_provider_wiro.stages.record import complete
from airflow_provider_wiro.stages.stop import stop_now
from airflow_provider_wiro.stages.tell import announced, own_taskid
from airflow_provider_wiro.stages.this_try import Try
from airflow_provider_wiro.stages.wait import wait_here

TRIGGER_FAILED = "__fail__"
TRIGGER_BROKE = "Trigger failure"


def verdict_of(
    this: Try, event: object, *, attached: bool, submitted_at: float | None, base_url: str | None
) -> Verdict:
    """Read the trigger's event, and write down what could not be written before the deferral.

    :raises WiroTaskError: if it cannot be read; the task of this try is stopped then.
    """
    if event is None:
        return _without_event(this)
    try:
        verdict = Verdict.from_event(event)
    except WiroError as error:
        if take_up(this) and rule_for(this, Happening.EVENT_UNREADABLE, error).fate is Fate.STOP:
            _stopped(this, error)
        raise
    this.paid.obtained(verdict.taskid, base_url, submitted_at or time.time(), attached=attached)
    complete(this, verdict.taskid, submitted_at)
    return verdict


def _without_event(this: Try) -> Verdict:
    """Wait here: what Airflow has of the deferral is left from a run that was broken off."""
    if not take_up(this):
        raise WiroTaskError(
            "the task was resumed without an event of its trigger, and XCom names no Wiro task that it waits for. "
            "Clear this task: it starts from the beginning"
        )
    this.log.warning("taskid %s: resumed without an event of its trigger; waiting for it here", this.paid.taskid)
    return wait_here(this)


def is_anothers(this: Try, try_number: int | None) -> bool:
    """Whether another try deferred: Airflow 3.0 resumes a retry with the first try's event (apache/airflow#56704)."""
    return try_number is not None and try_number != this.ti.try_number


def needs_anew(this: Try, verdict: Verdict, try_number: int | None = None) -> bool:
    """Whether to go through the stages from the beginning, instead of taking the verdict.

    In another try the journal decides. Without one, a success is taken, for it is paid, and so is any verdict after
    which a retry may not submit again: the task is paid, or may run on. A task that this try had only attached to, and
    that somebody cancelled, was most likely stopped by the try before.
    """
    if is_anothers(this, try_number):
        return this.journal is not None or (verdict.kind != "success" and error_of(verdict).retryable)
    return verdict.kind == "cancelled" and this.paid.attached


def gave_up(this: Try, error: Exception, next_kwargs: Mapping[str, Any] | None) -> Verdict | None:
    """Go on where Airflow gave up on the deferral.

    Where the trigger broke, it is waited for here. Where its time is over, it is stopped; one that has finished well
    meanwhile is paid for, and so it is a success.

    :param error: what Airflow raises.
    :returns: the verdict; None if this try has nothing that it waits for.
    :raises Exception: *error*, where the time is over.
    """
    broke = (next_kwargs or {}).get("error") == TRIGGER_BROKE
    if broke:
        this.settings = replace(this.settings, deferrable=False)
    mine = take_up(this)
    if mine is None and this.journal is None and (success := _ended_with(this, error)) is not None:
        return success
    if mine is None or (broke and not mine):
        this.log.warning("the deferral has ended (%s) with nothing to wait for; starting again", one_line(error))
        return None
    if not mine:
        raise error
    rule = rule_for(this, Happening.TRIGGER_BROKE if broke else Happening.TIME_OVER, error)
    if rule.fate is Fate.WAIT_HERE:
        this.log.warning("taskid %s: its trigger broke; waiting for it in this worker", this.paid.taskid)
        if not this.paid.recorded and this.paid.taskid is not None:
            complete(this, this.paid.taskid, this.paid.submitted_at)
        return wait_here(this)
    stopped = _stopped(this, error) if rule.fate is Fate.STOP else None
    if stopped is None or stopped.task is None or not stopped.task.succeeded:
        raise error
    return Verdict.of(stopped.task)


def _ended_with(this: Try, error: Exception) -> Verdict | None:
    """Stop what another try has deferred and no journal keeps, before anything is submitted; a success is paid for.

    :raises WiroNotStopped: if it may run on.
    """
    if (told := _told(this)) is None:
        return None
    this.paid.obtained(told["taskid"], told["base_url"], told["submitted_at"] or _started(this))
    task = _stopped(this, error).task
    return Verdict.of(task) if task is not None and task.succeeded else None


def take_up(this: Try) -> bool | None:
    """Take up what this try has put into XCom before it deferred.

    :returns: False if it deferred for want of room; None if what is there is of another try.
    :raises WiroNotStopped: if nobody can say what it is.
    """
    record, was_read = _record(this)
    try:
        taskid = own_taskid(this)
    except Exception as error:
        if record is None or record.taskid is None:
            said = in_words(error)
            raise WiroNotStopped(
                f"the Wiro task of this Airflow task {not_stopped(f'XCom does not say which it is: {said}')}"
            ) from error
        taskid = record.taskid
    if taskid is None:
        return False
    told = _told(this)
    if told is not None and is_anothers(this, told["try_number"]):
        return None
    recorded = record if record is not None and record.taskid == taskid else None
    since = (told and told["submitted_at"]) or (recorded and recorded.submitted_at) or _started(this)
    service = (told["base_url"] if told else None) or (recorded.base_url if recorded else None)
    this.paid.obtained(taskid, service, since, attached=bool(told and told["attached"]))
    if recorded:
        this.paid.written()
    elif was_read and (record is None or record.phase != "intent"):
        this.paid.is_absent()
    return True


def _told(this: Try) -> GenerationDict | None:
    with suppress(Exception):  # what XCom says beside the taskid only helps
        return announced(this)
    return None


def _started(this: Try) -> float:
    return started.timestamp() if (started := this.ti.start_date) else time.time()


def _record(this: Try) -> tuple[Record | None, bool]:
    """Return what the journal holds, and whether it could be read."""
    try:
        return (this.journal.read(), True) if this.journal else (None, False)
    except WiroJournalError as error:
        this.log.warning("the journal cannot be read, so XCom alone says what this try has submitted: %s", error)
        return None, False


def _stopped(this: Try, error: Exception) -> Stop:
    stopped = stop_now(this)
    if not stopped.over:
        said = in_words(error)
        raise WiroNotStopped(
            f"{said}; the Wiro task {this.paid.taskid} {NOT_STOPPED}", taskid=this.paid.taskid
        ) from error
    return stopped
