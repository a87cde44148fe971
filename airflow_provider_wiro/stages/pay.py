"""Pay: the one generation of a task instance, an earlier try's or a submission.

What is paid is in one of three states, which the journal holds: **nothing**, an **intent** (a submission was about to
be sent), or **submitted** (its taskid is known). From nothing one submits; from the others one recalls first.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

from airflow_provider_wiro.core.calls import refused_after_all, submit
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.recalled import Attach, Decision, Finished, Fresh, TakeSaved
from airflow_provider_wiro.core.task import Submission, Task
from airflow_provider_wiro.exceptions import (
    WiroError,
    WiroJournalError,
    WiroJournalTaken,
    WiroRefused,
    WiroSubmissionUnknown,
    WiroTaskError,
)
from airflow_provider_wiro.stages.land import check_place, warn_of_place
from airflow_provider_wiro.stages.limit import keep_to_max_active
from airflow_provider_wiro.stages.recall import recall
from airflow_provider_wiro.stages.record import write_down
from airflow_provider_wiro.stages.saved import NOTHING_SAVED, Saved, saved_by
from airflow_provider_wiro.stages.signals import signals_held
from airflow_provider_wiro.stages.tell import tell_earlier
from airflow_provider_wiro.stages.this_try import Order, Try
from airflow_provider_wiro.stages.upload import ready

# Of a submission that no journal keeps.
UNRECORDED = Identity("", "", "", -1)


@dataclass(frozen=True, slots=True)
class Generation:
    """A Wiro task that is paid, or will be.

    :param finished: the task, if it had succeeded before this try began.
    :param saved: what there is of its saved files.
    :param record: what an earlier try has left.
    """

    submission: Submission
    finished: Task | None = None
    saved: Saved = NOTHING_SAVED
    record: Record | None = None


def pay(this: Try, order: Order, found: Record | None, until: float) -> Generation:
    """Go on with the task of an earlier try, take its result, or submit. **A submission may cost money.**

    :param found: what an earlier try has left.
    :param until: unix time until which to wait at most where Wiro throttles.
    :raises WiroError: if there is none; ``this.paid`` then says whether there may be one all the same.
    """
    wanted = found if found is not None and order.problem else intent_of(this, order)
    before: Record | None = None
    lost, reshaped = None, False
    while True:
        if found is not None:
            decision, saved = _recall(this, order, found, wanted, until)
            if not isinstance(decision, Fresh):
                return _take(this, decision, found, saved, attached=lost is None)
            if decision.nothing_accepted:
                found = _without_intent(this, found, before)
                if lost is not None and lost.words is not None:
                    raise refused_after_all(order.model, lost)
        this.paid.let_go()
        if order.problem is not None:
            raise order.problem
        check_place(this)
        keep_to_max_active(this, until)
        made = ready(this, order, wanted, found, until, reshaped=reshaped)
        found = made.over
        intent = replace(made.intent, at=time.time(), account=this.caller.account).instead_of(found)
        try:
            return Generation(_submit(this, intent, found, made.inputs, until))
        except WiroRefused as error:
            reshaped = made.takes_another_shape(error, this.log)
            if not reshaped:
                raise
            continue
        except WiroSubmissionUnknown as error:
            if this.journal is None or lost is not None:
                raise
            this.log.warning("%s Looking for its task in Task/List", str(error).partition("\n")[0])
            lost = error
        before, found = found, intent


def _without_intent(this: Try, intent: Record, before: Record | None) -> Record | None:
    """Take an intent back of which Wiro has accepted nothing; return what is left: its uploads, and earlier taskids."""
    left = before or (replace(intent, sent=False) if intent.uploads or intent.earlier else None)
    return left if _take_back(this, intent, left) else intent


def intent_of(this: Try, order: Order) -> Record:
    """Return the intent of submitting *order*."""
    return Record.of(
        order.work(this.caller.base_url),
        this.journal.identity if this.journal else UNRECORDED,
        at=time.time(),
        conn_id=this.settings.conn_id,
        stop_when_ended=this.settings.stop_when_ended,
        account=this.caller.account,
    )


def _recall(this: Try, order: Order, found: Record, wanted: Record, until: float) -> tuple[Decision, Saved]:
    assert this.journal is not None
    try:
        saved = saved_by(this, found, wanted)
        decision = recall(
            this.caller,
            this.journal,
            found,
            wanted,
            on_unknown=this.settings.on_unknown,
            missed=saved.missed,
            deadline=until,
            outage_tolerance=this.settings.outage_tolerance,
        )
    except WiroTaskError:
        tell_earlier(this, order)
        raise
    return decision, saved


def _take(
    this: Try, decision: Attach | Finished | TakeSaved, found: Record, saved: Saved, *, attached: bool
) -> Generation:
    settings = this.settings
    kept = replace(decision.record, conn_id=settings.conn_id, stop_when_ended=settings.stop_when_ended)
    assert kept.taskid is not None
    assert kept.submitted_at is not None
    this.paid.obtained(kept.taskid, kept.base_url, kept.submitted_at, attached=attached)
    if kept == found:
        this.paid.written()
    else:
        write_down(this, kept, found)
    if isinstance(decision, Attach):
        warn_of_place(this)
    submission = Submission(kept.taskid, kept.submitted_at)
    return Generation(submission, decision.task if isinstance(decision, Finished) else None, saved, kept)


def _submit(this: Try, intent: Record, over: Record | None, inputs: Mapping[str, object], until: float) -> Submission:
    with signals_held(this.paid):
        _begin(this, intent, over)
        try:
            flow = submit(intent.model, inputs, deadline=until)
            submission = this.caller.drive(flow, service=intent.base_url)
        except WiroSubmissionUnknown:
            raise
        except WiroError:
            _take_back(this, intent, over)
            raise
        this.paid.obtained(submission.taskid, intent.base_url, submission.submitted_at)
        this.log.info("taskid %s: Wiro accepted the submission of %s", submission.taskid, intent.model)
        if this.journal is not None:
            write_down(this, intent.submitted(submission.taskid, submission.submitted_at), intent)
        return submission


def _begin(this: Try, intent: Record, over: Record | None) -> None:
    """Write down that a submission is about to be sent; where that cannot be done, nothing is sent."""
    if this.journal is None:
        return
    try:
        this.journal.replace(over, intent)
    except WiroJournalTaken:
        raise
    except WiroJournalError as error:
        raise WiroJournalError(
            f"{error}; nothing was submitted. Every worker must be able to read and write the journal"
        ) from error.__cause__


def _take_back(this: Try, intent: Record, over: Record | None) -> bool:
    """Write down again what the intent took the place of, since Wiro has accepted nothing; return whether it is."""
    if this.journal is None:
        return True
    try:
        this.journal.replace(intent, over)
        return True
    except WiroJournalTaken as error:
        this.log.warning("nothing was submitted here; %s", error)
    except WiroJournalError as error:
        this.log.error("nothing was submitted, but %s; delete it before the next try", error)
    return False
