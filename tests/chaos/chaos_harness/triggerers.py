"""Triggerers freeze, end and come back, one after another, while tasks wait in them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from airflow_harness.jobs import Job
from airflow_harness.real_airflow import RealAirflow
from chaos_harness.acts import change_one_row, clear_now
from chaos_harness.board import Board

# What a triggerer does about a kill that it hears of, it does within that time, in seconds.
SETTLED = 6.0

STANDS_IN_A_TRANSACTION = """
SELECT pid FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND now() - state_change > interval '1 second'
"""
SPOIL = """
UPDATE trigger SET classpath = '{}' WHERE id IN (
    SELECT trigger_id FROM task_instance WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s
) RETURNING id
"""


def freeze_and_wake(job: Job, board: Board) -> None:
    """SIGSTOP to the triggerer that has the job, until another one has taken it over."""
    owner = owner_of(job, board)
    frozen = job.airflow.components[owner]
    frozen.freeze()
    try:
        board.wait_for_owner(job, other_than=owner)
    finally:
        frozen.wake()
    until_all_are_alive(job.airflow, board)
    time.sleep(SETTLED)


def terminate(job: Job, board: Board) -> None:
    """SIGTERM to the triggerer that has the job, as in a deployment; it comes back when another one has taken over."""
    owner = owner_of(job, board)
    job.airflow.kill_triggerer(signal.SIGTERM, owner)
    board.wait_for_owner(job, other_than=owner)
    job.airflow.start_triggerer(owner)
    until_all_are_alive(job.airflow, board)


def clear_and_hold_in_the_queue(jobs: Sequence[Job], board: Board) -> None:
    """The user clears; the triggers hear of it when the next tries are queued, and before any of these begins."""
    airflow = board.airflow
    scheduler, triggerers = airflow.components["scheduler"], [airflow.components[name] for name in airflow.triggerers]
    freeze_workers = partial(scheduler.freeze_those, "airflow worker -- LocalExecutor")
    for job in jobs:
        board.wait(job, "deferred")
    try:
        _freeze_between_transactions([*(triggerer.freeze for triggerer in triggerers), freeze_workers], airflow)
        for job in jobs:
            clear_now(job)
        # A queue that nobody reads makes the executor start further workers.
        airflow.wait_until(lambda: _all_queued(jobs, board) or freeze_workers(), "the next tries are queued")
        for triggerer in triggerers:
            triggerer.wake()
        for job in jobs:
            job.until(
                lambda job=job: job.remote().status == "task_cancel" or freeze_workers(),
                "the task at Wiro is stopped while the next try is queued",
            )
            assert board.look(job).state == "queued"
    finally:
        for component in (*triggerers, scheduler):
            component.wake()


def _freeze_between_transactions(freezes: Sequence[Callable[[], None]], airflow: RealAirflow) -> None:
    """Freezes, and does so again until nothing frozen holds a lock of the database."""
    for _ in range(20):
        for freeze in freezes:
            freeze()
        time.sleep(1.5)
        with airflow.database() as cursor:
            cursor.execute(STANDS_IN_A_TRANSACTION)
            if not cursor.fetchone():
                return
        for component in airflow.components.values():
            component.wake()
        time.sleep(0.4)
    raise AssertionError("whatever is frozen stands in a transaction")


def _all_queued(jobs: Sequence[Job], board: Board) -> bool:
    return all(board.look(job).state == "queued" for job in jobs)


def kill_the_owner(survivor: Job | None, orphan: Job | None, board: Board) -> None:
    """SIGKILL to the triggerer that has both jobs; one second later the user marks one of them as failed."""
    job = survivor or orphan
    assert job is not None
    owner = owner_of(job, board)
    assert orphan is None or owner_of(orphan, board) == owner
    job.airflow.kill_triggerer(signal.SIGKILL, owner)
    if orphan is not None:
        time.sleep(1)
        orphan.mark("failed")
    if survivor is not None:
        board.wait_for_owner(survivor, other_than=owner)
    job.airflow.start_triggerer(owner)
    until_all_are_alive(job.airflow, board)
    time.sleep(SETTLED)


def while_none_runs(ended: Job | None, spoiled: Mapping[str, Job], board: Board) -> None:
    """SIGTERM to all triggerers; the user marks one job as failed, the triggers of others are spoiled; all start again.

    :param spoiled: the jobs whose triggers are of another class when a triggerer reads them, by that class.
    """
    airflow = board.airflow
    for name in airflow.triggerers:
        airflow.kill_triggerer(signal.SIGTERM, name)
    if ended is not None:
        ended.mark("failed")
    for classpath, job in spoiled.items():
        change_one_row(job, SPOIL.format(classpath))
    for name in airflow.triggerers:
        airflow.start_triggerer(name)
    until_all_are_alive(airflow, board)
    for job in spoiled.values():
        board.wait(job, "running")
        job.wait_until_polled(1)
    time.sleep(SETTLED)


def owner_of(job: Job, board: Board) -> str:
    board.wait(job, "deferred")
    return board.wait_for_owner(job)


def until_all_are_alive(airflow: RealAirflow, board: Board) -> None:
    airflow.wait_until(lambda: set(board.triggerers()) == set(airflow.triggerers), "all triggerers are alive")
