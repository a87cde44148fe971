"""Wait for the generation: in the triggerer, without a worker slot, or here."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pendulum

from airflow_provider_wiro.compat import TaskDeferred
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.rules.waits import GIVEN_UP
from airflow_provider_wiro.core.verdict import Verdict
from airflow_provider_wiro.stages.end_here import ends_with
from airflow_provider_wiro.stages.record import complete
from airflow_provider_wiro.stages.this_try import Try

# How much later than the trigger's own deadline Airflow ends a deferral that brought no event.
BACKSTOP = timedelta(minutes=10)


def wait_for_verdict(this: Try) -> Verdict:
    """Return the verdict on the paid task of this try; if deferrable, ``execute_complete`` gets it instead."""
    if this.defers:
        return _first_here(this) or _defer(this)
    if this.settings.deferrable:
        this.log.info("taskid %s: waiting in this process, because Airflow only tries the DAG out", this.paid.taskid)
    return wait_here(this)


def wait_here(this: Try) -> Verdict:
    """Wait in this worker."""
    return _wait(this, _plan(this))


def _first_here(this: Try) -> Verdict | None:
    """Wait in this worker for as long as ``defer_after`` says; return the verdict if the task is over then."""
    plan, until = _plan(this), time.time() + this.settings.defer_after
    if not this.settings.defer_after or until >= plan.deadline:
        return None
    verdict = _wait(this, replace(plan, deadline=until, stop_at_timeout=False))
    return None if verdict.kind in GIVEN_UP else verdict


def _plan(this: Try) -> WaitPlan:
    paid = this.paid
    assert paid.taskid is not None
    assert paid.submitted_at is not None
    return this.plan(paid.taskid, paid.submitted_at)


def _wait(this: Try, plan: WaitPlan) -> Verdict:
    paid = this.paid
    verdict = this.caller.drive(wait(plan), service=paid.service)
    if paid.unwritten is not None:
        complete(this, plan.taskid, plan.submitted_at)
    return verdict


def _defer(this: Try) -> NoReturn:
    paid = this.paid
    defer(this, _plan(this), attached=paid.attached, submitted_at=paid.submitted_at, base_url=paid.service)


def defer(this: Try, plan: WaitPlan, **kwargs: object) -> NoReturn:
    """Wait in the triggerer; ``execute_complete`` gets the verdict.

    :param kwargs: what it gets beside that, and beside the number of this try.
    """
    from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger

    trigger = WiroTaskTrigger(
        taskid=plan.taskid,
        conn_id=this.settings.conn_id,
        submitted_at=plan.submitted_at,
        deadline=plan.deadline,
        poll_interval=plan.poll_interval,
        outage_tolerance=plan.outage_tolerance,
        task_error_grace=plan.task_error_grace,
        cancel_on_kill=this.settings.cancel_on_kill,
        base_url=this.paid.service,
        try_number=this.ti.try_number,
        stop_at_timeout=plan.stop_at_timeout,
        ends_with=ends_with(this),
    )
    until = pendulum.from_timestamp(plan.deadline).to_datetime_string()
    this.log.info("taskid %s: waiting in the triggerer, at most until %s UTC", plan.taskid, until)
    this.caller.check()
    raise TaskDeferred(
        trigger=trigger,
        method_name="execute_complete",
        kwargs={**kwargs, "try_number": this.ti.try_number},
        timeout=timedelta(seconds=max(0.0, plan.deadline - time.time())) + BACKSTOP,
    )
