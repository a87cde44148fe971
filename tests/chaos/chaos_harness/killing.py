"""Kills processes of Airflow at moments that only somebody outside of them sees."""

from __future__ import annotations

import contextlib
import os
import signal

from airflow_harness.jobs import Job
from chaos_harness.acts import TURN
from chaos_harness.board import Board, pids


def kill_the_worker(job: Job, board: Board) -> None:
    """SIGKILL to the task's process, once Wiro has accepted its Run."""
    job.until(lambda: job.wiro.runs, "Wiro has accepted the Run", TURN)
    _kill(pids(job)[0])


def kill_the_worker_and_its_supervisor(job: Job, board: Board) -> None:
    """The same to the task's supervisor, first: it must not tell Airflow of the other one's death."""
    job.until(lambda: job.wiro.runs, "Wiro has accepted the Run", TURN)
    own, supervisor = pids(job)
    _kill(supervisor)
    _kill(own)


def kill_the_waiting_worker(job: Job, board: Board) -> None:
    """SIGKILL to the task's process while it waits; the task at Wiro ends when the next try waits for it."""
    job.until(lambda: job.wiro.runs, "Wiro has accepted the Run", TURN)
    job.wait_until_polled(1)
    _kill(pids(job)[0])
    board.wait(job, "running", try_number=2)
    job.wait_until_polled(1)
    job.release()


def kill_the_worker_that_deletes(job: Job, board: Board) -> None:
    """SIGKILL to the task's process, once it has told Wiro to delete the files."""
    job.until(lambda: job.wiro.count("Delete"), "Wiro is told to delete the files", 2 * TURN)
    _kill(pids(job)[0])


def kill_the_scheduler(job: Job, board: Board) -> None:
    """SIGKILL to the scheduler with all its workers, while the task is deferred; then another one starts."""
    board.wait(job, "deferred")
    job.wait_until_polled(1)
    scheduler = job.airflow.components["scheduler"]
    scheduler.stop(signal.SIGKILL)
    job.wait_until_polled(1)
    scheduler.start()
    job.release()


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
