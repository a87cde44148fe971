"""Watch: wait for a task that was submitted elsewhere, which is no business of ours to stop."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NoReturn

from airflow_provider_wiro.compat import AirflowTaskTimeout
from airflow_provider_wiro.core.polling import WaitPlan, look, wait
from airflow_provider_wiro.core.rules.waits import GIVEN_UP
from airflow_provider_wiro.core.verdict import Verdict
from airflow_provider_wiro.exceptions import WiroError
from airflow_provider_wiro.stages.ending import end
from airflow_provider_wiro.stages.signals import signals_held
from airflow_provider_wiro.stages.tell import TASKID
from airflow_provider_wiro.stages.this_try import Try
from airflow_provider_wiro.stages.wait import defer


def watch(this: Try, until: float) -> Verdict:
    """Wait in this worker until it is over.

    :param until: unix time at which the verdict is ``"timeout"``.
    """
    return this.caller.drive(wait(_plan(this, until)), service=this.paid.service)


def look_until_well(this: Try, until: float) -> Verdict | None:
    """Return the verdict; None as soon as Wiro shows that it runs."""
    return this.caller.drive(look(_plan(this, until)), service=this.paid.service)


def look_once(this: Try) -> Verdict | None:
    """Return the verdict if it is over, None otherwise: whoever is to wait for it has the patience."""
    verdict = watch(this, time.time())
    return None if verdict.kind in GIVEN_UP else verdict


def defer_watching(this: Try, until: float) -> NoReturn:
    """Wait in the triggerer; ``execute_complete`` gets the verdict.

    :param until: unix time at which the verdict is ``"timeout"``, unless the ``execution_timeout`` is over before.
    """
    allowed, started = this.settings.execution_timeout, this.ti.start_date
    if allowed is not None and started is not None:
        until = min(until, started.timestamp() + allowed.total_seconds())
    plan = _plan(this, until)
    this.ti.xcom_push(key=TASKID, value=plan.taskid)  # by it a kill is told from a move to another triggerer
    defer(this, plan, until=until)


def told(this: Try, event: object) -> Verdict | None:
    """Return what the trigger's event says; None where a look has to say it: of another task, unreadable, too large."""
    try:
        verdict = Verdict.from_event(event)
    except WiroError as error:
        this.log.warning("taskid %s: looking at it here, for %s", this.paid.taskid, error)
        return None
    of_ours = verdict.taskid == this.paid.taskid
    return verdict if of_ours and (verdict.kind != "success" or verdict.result is not None) else None


@contextmanager
def unless_killed(this: Try) -> Iterator[None]:
    """Do with the task what the author wants where a kill ends the block."""
    try:
        yield
    except BaseException as error:
        killed = this.paid.told_to_stop or isinstance(error, KeyboardInterrupt | AirflowTaskTimeout)
        if not killed or not this.settings.cancel_on_kill:
            raise
        with signals_held(this.paid):
            instead = end(this, error)
        if instead is not None:
            raise instead from error
        raise


def _plan(this: Try, until: float) -> WaitPlan:
    """Return how to wait for it. When it was submitted is not known."""
    assert this.paid.taskid is not None
    assert this.paid.submitted_at is not None
    return replace(this.plan(this.paid.taskid, this.paid.submitted_at), deadline=until, stop_at_timeout=False)
