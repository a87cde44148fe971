"""What people, clocks and machines do to a task that waits. Each act is a story: a job and the board go in."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from functools import partial

import psutil

from airflow_harness.jobs import TASK_ID, Job
from chaos_harness.board import Board, pids

Act = Callable[[Job, Board], None]

DEFERRAL_TIMEOUT = """
UPDATE task_instance SET trigger_timeout = now() - interval '1 minute'
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND state = 'deferred' RETURNING task_id
"""
RUN_STARTED_LONG_AGO = """
UPDATE dag_run SET start_date = now() - interval '2 hours'
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s RETURNING run_id
"""
GIVE_AWAY = """
UPDATE trigger SET triggerer_id = {} WHERE id IN (
    SELECT trigger_id FROM task_instance WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s
) RETURNING id
"""


# How long to wait for a task's turn, in seconds: many start at the same time.
TURN = 150.0


def until_it_waits(job: Job, board: Board) -> None:
    board.wait(job, "running" if job.dag_id.startswith("sync") else "deferred", timeout=TURN)
    job.until(lambda: job.wiro.runs, "the task has been submitted", TURN)
    job.wait_until_polled(1)


def nothing(job: Job, board: Board) -> None:
    """What is to happen comes by itself."""


def mark(state: str) -> Act:
    return partial(_mark, state)


def _mark(state: str, job: Job, board: Board) -> None:
    until_it_waits(job, board)
    job.mark(state)


def mark_run(state: str) -> Act:
    return partial(_mark_run, state)


def _mark_run(state: str, job: Job, board: Board) -> None:
    until_it_waits(job, board)
    job.airflow.set_run_state(job.dag_id, job.run_id, state)


def change(statement: str) -> Act:
    return partial(_change, statement)


def _change(statement: str, job: Job, board: Board) -> None:
    until_it_waits(job, board)
    change_one_row(job, statement)


def change_one_row(job: Job, statement: str) -> None:
    with job.rows(statement) as changed:
        assert len(changed) == 1, changed


def give_to_the_other_triggerer(job: Job, board: Board) -> None:
    """Airflow gives the trigger to another triggerer while the first one still runs it; then the task at Wiro ends."""
    until_it_waits(job, board)
    owner = board.owner(job)
    job.until(lambda: board.triggerers().keys() - {owner}, f"a triggerer is alive beside {owner}")
    other = next(number for name, number in board.triggerers().items() if name != owner)
    change_one_row(job, GIVE_AWAY.format(other))
    # Long enough for the first triggerer to notice, and for what it does then.
    time.sleep(6)
    job.wait_until_polled(2)
    job.release()


def mark_while_the_run_is_on_its_way(job: Job, board: Board) -> None:
    """The emulator lets the answer wait: see the fault `slow` of the row."""
    job.until(lambda: job.wiro.count("Run"), "the Run is on its way", TURN)
    job.mark("failed")


def until_wiro_is_full(job: Job, board: Board) -> None:
    job.until(lambda: job.wiro.count("Run") >= 2, "Wiro has refused the Run: another task has the only place", TURN)
    board.wait(job, "running" if job.dag_id.startswith("sync") else "deferred")


def mark_while_wiro_is_full(job: Job, board: Board) -> None:
    """The user gives up on a task that waits for a place, which then becomes free."""
    until_wiro_is_full(job, board)
    job.mark("failed")
    board.wait(job, "failed")
    job.release()
    # Longer than the first pause before it would have tried again.
    time.sleep(25)


def make_a_place(job: Job, board: Board) -> None:
    until_wiro_is_full(job, board)
    job.release()


def terminate_the_supervisor(job: Job, board: Board) -> None:
    """SIGTERM to the process that runs the task's process, as a machine sends it that shuts down."""
    until_it_waits(job, board)
    own, supervisor = pids(job)
    with contextlib.suppress(ProcessLookupError):
        os.kill(supervisor, signal.SIGTERM)
    # Longer than what Airflow leaves the task to end.
    time.sleep(8)
    if not lives(own):
        board.wait(job, "running", try_number=2)
    job.wait_until_polled(1)
    for task in job.wiro.active:
        job.wiro.release(task.taskid)


def clear_now(job: Job) -> None:
    """Clears the task. A command does it too where the API does not, but takes many seconds."""
    if job.dag_id.startswith("deferred"):
        job.airflow.api.clear(job.dag_id, job.run_id, TASK_ID)
    else:
        job.clear()


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def clear(job: Job, board: Board) -> None:
    """The user clears the task. Whatever the new try waits for may then end."""
    until_it_waits(job, board)
    tries = board.look(job).try_number
    clear_now(job)
    job.until(lambda: board.look(job).try_number > tries, "Airflow starts the next try")
    until_it_waits_or_is_over(job, board)
    time.sleep(4)
    for task in job.wiro.active:
        job.wiro.release(task.taskid)


def until_it_waits_or_is_over(job: Job, board: Board) -> None:
    asked = job.wiro.count("Detail")
    job.until(lambda: job.wiro.count("Detail") > asked or board.look(job).state == "success", "the next try waits")


def clear_and_stop_first(job: Job, board: Board) -> None:
    """The new try may look only after the old trigger has stopped the task."""
    until_it_waits(job, board)
    clear_now(job)
    job.wait_for_remote("task_cancel")
    open_the_gate(job)


def clear_and_attach_first(job: Job, board: Board) -> None:
    """The old trigger has decided to stop the task, and Wiro does not answer it; meanwhile the new try looks."""
    until_it_waits(job, board)
    job.wiro.script("Kill", "hang", times=-1)
    clear_now(job)
    job.until(lambda: job.wiro.count("Kill"), "the old trigger stops the task")
    open_the_gate(job)
    job.until(lambda: job.xcom("taskid") == job.remote().taskid, "the new try has attached to the task")
    assert job.remote().status == "task_start"
    job.wiro.clear()


def open_the_gate(job: Job) -> None:
    """Lets the second try go on, which `kill_points.arm` has kept waiting."""
    arrived = job.reports / f"{job.run_id}.arrived"
    job.until(arrived.exists, "the next try has started")
    arrived.with_suffix(".open").touch()
