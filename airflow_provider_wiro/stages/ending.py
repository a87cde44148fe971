"""How a try ends where it is not its own verdict that ends it: the table in ``core/rules/fate.py``, carried out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_wiro.compat import AirflowTaskTimeout, TaskDeferred
from airflow_provider_wiro.core.calls import NOT_STOPPED, Stop
from airflow_provider_wiro.core.rules.fate import Fate, Happening
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.exceptions import (
    WiroError,
    WiroInterrupted,
    WiroNotStopped,
    WiroSaveError,
    WiroTaskError,
)
from airflow_provider_wiro.stages.fate import rule_for
from airflow_provider_wiro.stages.land import how_to_save
from airflow_provider_wiro.stages.resume import take_up
from airflow_provider_wiro.stages.signals import signals_held
from airflow_provider_wiro.stages.stop import stop_now
from airflow_provider_wiro.stages.tell import later_try_has_it, own_taskid, tell_failure
from airflow_provider_wiro.stages.this_try import Try
from airflow_provider_wiro.task_instance import Standing, standing
from airflow_provider_wiro.task_instance.patience import Pending

TOLD_TO_STOP = {
    Standing.ENDED: Happening.ENDED,
    Standing.DEFERRED: Happening.ENDED,
    Standing.GOES_ON: Happening.WORKER_GOES,
    Standing.AIRFLOW_SILENT: Happening.AIRFLOW_SILENT,
    Standing.NOT_ASKED: Happening.NOT_ASKED,
}
ANSWERS = (Standing.ENDED, Standing.DEFERRED, Standing.GOES_ON)

# Seconds for the look whether a later try has the task: Airflow 3 sends SIGKILL five seconds after SIGTERM.
LOOK_FOR_LATER = 1.0


@contextmanager
def ending_well(this: Try) -> Iterator[None]:
    """Let nothing that ends the block leave a paid task running for nobody, or stop one that somebody needs."""
    try:
        yield
    except BaseException as error:
        with signals_held(this.paid) as held:
            instead = end(this, error)
            raised = instead or error
            tell_failure(this, raised)
            if isinstance(raised, WiroError) and not isinstance(raised, WiroInterrupted):
                this.paid.let_go()
            if isinstance(raised, WiroError) and not raised.retryable:
                held.clear()  # what a handler raises instead might be retried
        if instead is not None:
            raise instead from error
        raise


def end(this: Try, error: BaseException) -> WiroError | None:
    """Do with the paid task what the table says; return the error to raise in the place of *error*, if there is one."""
    paid = this.paid
    if paid.taskid is None or paid.stopped is not None:
        told = paid.told_to_stop and paid.taskid is None and isinstance(error, TaskDeferred)
        return WiroInterrupted("Airflow told this task to stop") if told else None
    raised = _interrupted(this, retryable=True) if isinstance(error, TaskDeferred) else error
    happening = _happening(this, error)
    return None if happening is None else _carried_out(this, happening, raised)


def end_outside(this: Try, *, out_of_time: bool) -> None:
    """End the paid task where no ``execute`` runs that would do it; never raises.

    :param out_of_time: whether the time of the deferred task is over, and it is not known yet what it has submitted.
    """
    happening = Happening.TIME_OVER if out_of_time else None
    try:
        if out_of_time and not take_up(this):
            return
        if this.paid.taskid is not None and this.paid.stopped is None:
            _carried_out(this, happening or _told_to_stop(this), WiroInterrupted("told to stop"))
    except Exception as error:
        stopped = Stop(False, in_words(error))
        this.log.error("%s", stopped.story(this.paid.taskid or "unknown"))


def _happening(this: Try, error: BaseException) -> Happening | None:
    """Return what has happened; None where the error is a verdict on the Wiro task, or the deferral."""
    if this.paid.finished:
        return None if isinstance(error, WiroTaskError) else Happening.SAVING
    if isinstance(error, KeyboardInterrupt):
        return Happening.INTERRUPTED
    if isinstance(error, AirflowTaskTimeout):
        return Happening.TIME_OVER
    if isinstance(error, WiroTaskError):
        return None
    if this.paid.told_to_stop:
        return _told_to_stop(this)
    return Happening.BROKE if isinstance(error, Exception) else None


def _told_to_stop(this: Try) -> Happening:
    stands = standing(this.ti)
    if stands in ANSWERS and _is_waited_for(this, deferred=stands is Standing.DEFERRED):
        this.paid.written()
        return Happening.TAKEN_OVER
    return TOLD_TO_STOP[stands]


def _is_waited_for(this: Try, *, deferred: bool) -> bool:
    """Whether somebody else goes on with the same task: this worker stood still, and Airflow had given it up.

    :param deferred: whether the Airflow task waits in a triggerer; then XCom says for which Wiro task.
    """

    def ask() -> bool:
        return own_taskid(this) == this.paid.taskid if deferred else later_try_has_it(this)

    asked = Pending(ask, "wiro-later-try")
    answered = asked.is_over(LOOK_FOR_LATER)
    if asked.error is not None:
        said = in_words(asked.error)
        this.log.warning("taskid %s: whether a later try has it cannot be determined: %s", this.paid.taskid, said)
    return answered and asked.result is True


def _carried_out(this: Try, happening: Happening, error: BaseException) -> WiroError | None:
    rule = rule_for(this, happening, error)
    if rule.fate is Fate.ASK_AGAIN:
        happening = _told_to_stop(this)
        if happening is Happening.NOT_ASKED:
            happening = Happening.STILL_NOT_ASKED
        rule = rule_for(this, happening, error)
    taskid = this.paid.taskid
    if rule.fate is Fate.LEAVE:
        this.log.warning("taskid %s: %s; it is left alone (%s)", taskid, happening.value, rule.money)
        return _left(this, error)
    this.log.info("taskid %s: %s; stopping it", taskid, happening.value)
    return _stopped(this, stop_now(this), error)


def _left(this: Try, error: BaseException) -> WiroError | None:
    """A retry is safe only if it finds the task that is left."""
    if this.paid.finished:
        return _unsaved(this, error)
    if isinstance(error, WiroInterrupted):
        return _interrupted(this, retryable=this.paid.recorded)
    return None


def _unsaved(this: Try, error: BaseException) -> WiroError | None:
    """Say how what is paid for is saved after all; where no try finds it, let none come."""
    taskid, found_again = this.paid.taskid, this.is_found_again
    assert taskid is not None
    advice = how_to_save(this, taskid)
    if isinstance(error, WiroInterrupted):
        meanwhile = " while what it has made was being saved" if this.paid.finished else ""
        return WiroInterrupted(
            f"Airflow told this task to stop{meanwhile}; Wiro task {taskid} has finished, and is paid. {advice}",
            taskid=taskid,
            retryable=found_again,
        )
    this.log.warning("taskid %s: %s", taskid, advice)
    if found_again:
        return None
    return WiroSaveError(
        f"{in_words(error)}; Wiro task {taskid} has finished, and is paid, but what it has made is not all taken. "
        f"{advice}",
        taskid=taskid,
        retryable=False,
    )


def _stopped(this: Try, stopped: Stop, error: BaseException) -> WiroError | None:
    """A retry is safe only if the task is surely over, and not paid; or if it finds what is paid."""
    task = stopped.task
    if task is not None and not this.is_found_again:
        if task.succeeded:
            return _unsaved(this, error)
        if task.charged:
            return error_of(Verdict.of(task), again=this.how_to_forget(), resubmits=False)
    if isinstance(error, WiroInterrupted):
        return _interrupted(this, retryable=stopped.over)
    if stopped.over:
        return None
    said = in_words(error)
    return WiroNotStopped(f"{said}; the Wiro task {this.paid.taskid} {NOT_STOPPED}", taskid=this.paid.taskid)


def _interrupted(this: Try, *, retryable: bool) -> WiroInterrupted:
    taskid, stopped = this.paid.taskid, this.paid.stopped
    runs_on = "" if stopped is None or stopped.over else f" {NOT_STOPPED}"
    return WiroInterrupted(
        f"Airflow told this task to stop; taskid {taskid}{runs_on}", taskid=taskid, retryable=retryable
    )
