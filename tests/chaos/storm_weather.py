"""The accidents of a storm: processes that die, and an API that is gone for a while."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import psutil

from airflow_harness.jobs import Job
from airflow_harness.real_airflow import airflow_version
from storm_books import TASK_ID, stories, tally

RUNNING = f"""
SELECT map_index, pid, hostname FROM task_instance
WHERE run_id = %(run_id)s AND task_id = '{TASK_ID}' AND state = 'running' AND pid IS NOT NULL
"""
STORED = f"""
SELECT map_index, value FROM task_state_store
WHERE run_id = %(run_id)s AND task_id = '{TASK_ID}' AND key = 'wiro_journal'
"""
HELD = "SELECT j.hostname, count(*) FROM trigger t JOIN job j ON j.id = t.triggerer_id GROUP BY 1 ORDER BY 2 DESC"

# How long a request of a process that has been stopped may need to arrive and be worked on.
SETTLED = 1.0

T = TypeVar("T")

# The tasks that a worker is busy with, each with the phase of its journal, None for no record.
Busy = dict[int, str | None]


def wait_for_successes(job: Job, wanted: int, timeout: float = 400) -> None:
    """Waits until so many of the tasks have succeeded. None may fail."""

    def enough() -> bool:
        states = tally(job)
        assert not states["failed"], stories(job)
        return states["success"] >= wanted

    job.until(enough, f"{wanted} tasks have succeeded", timeout)


def kill_a_triggerer(job: Job, at_least: int = 3, timeout: float = 120) -> str:
    """Kills the triggerer that has the most triggers, once it has some. It does not come back."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        with job.rows(HELD) as held:
            if held and held[0][1] >= at_least:
                name, count = held[0]
                job.airflow.kill_triggerer(signal.SIGKILL, name)
                return f"{name} with {count} triggers"
        time.sleep(0.1)
    raise AssertionError(f"no triggerer has had {at_least} triggers within {timeout:.0f} s")


def kill_a_celery_worker(job: Job, name: str) -> Busy:
    """Kills all processes of a Celery worker, as soon as `may_die` allows. It does not come back."""
    worker = job.airflow.components[name]

    def attempt() -> Busy | None:
        worker.freeze()
        time.sleep(SETTLED)
        busy = busy_with(job, lambda _, host: host == name)
        if not may_die(busy):
            worker.wake()
            return None
        worker.stop(signal.SIGKILL)
        return busy

    return _repeated(attempt)


def kill_a_local_worker(job: Job) -> Busy:
    """Kills one worker of the LocalExecutor with the task it runs, as soon as `may_die` allows."""

    def attempt() -> Busy | None:
        for family in _local_workers(job):
            _signal(family, signal.SIGSTOP)
            time.sleep(SETTLED)
            pids = {process.pid for process in family}
            busy = busy_with(job, lambda pid, _, pids=pids: pid in pids)  # type: ignore[misc]
            _signal(family, signal.SIGKILL if may_die(busy) else signal.SIGCONT)
            if may_die(busy):
                return busy
        return None

    return _repeated(attempt)


def may_die(busy: Busy) -> bool:
    """Whether a worker holds something that is paid for, and nothing of which nobody would know whether it is.

    Between the send and the record of a Run the death of a worker leaves open whether there is a task at Wiro. Then a
    mapped task is failed for a person to decide, by design, so a storm that all 200 are to survive spares that moment.
    """
    return "submitted" in busy.values() and "intent" not in busy.values()


def busy_with(job: Job, theirs: Callable[[int, str], bool]) -> Busy:
    """The running tasks whose process and host the function says yes to."""
    phases = _phases(job)
    with job.rows(RUNNING) as rows:
        return {map_index: phases.get(map_index) for map_index, pid, host in rows if theirs(pid, host)}


def _phases(job: Job) -> dict[int, str]:
    """The phase of each record, from the place where this Airflow's journal is."""
    if airflow_version() >= (3, 3):
        with job.rows(STORED) as rows:
            records = dict(rows)
    else:
        folder = job.airflow.home / "journal" / f"dag_id={job.dag_id}" / f"run_id={job.run_id}" / f"task_id={TASK_ID}"
        files = folder.glob("map_index=*.json")
        records = {int(file.stem.removeprefix("map_index=")): file.read_text() for file in files}
    return {map_index: json.loads(record)["phase"] for map_index, record in records.items()}


def take_wiro_away(job: Job, seconds: float, workers: str) -> None:
    """Nothing listens at Wiro's address for so long; its tasks go on.

    It goes when no Run is on its way: one whose connection breaks leaves open whether there is a task, as in `may_die`.

    :param workers: the component that runs the tasks.
    """
    _repeated(lambda: _stop_between_runs(job, workers))
    try:
        time.sleep(seconds)
    finally:
        job.wiro.start()


def _stop_between_runs(job: Job, workers: str) -> bool:
    job.airflow.components[workers].freeze()
    try:
        time.sleep(SETTLED)
        quiet = "intent" not in busy_with(job, lambda *_: True).values()
        if quiet:
            job.wiro.stop()
        return quiet
    finally:
        job.airflow.components[workers].wake()


def _repeated(attempt: Callable[[], T | None], timeout: float = 90) -> T:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if done := attempt():
            return done
        time.sleep(0.2)
    raise AssertionError(f"the moment for it did not come within {timeout:.0f} s")


def _local_workers(job: Job) -> Iterator[list[psutil.Process]]:
    """Each of the LocalExecutor's workers that runs a task which is paid for, with its descendants."""
    phases = _phases(job)
    with job.rows(RUNNING) as rows:
        pids = [pid for map_index, pid, _ in rows if phases.get(map_index) == "submitted"]
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            for above in psutil.Process(pid).parents():
                if "LocalExecutor" in " ".join(above.cmdline()):
                    yield [above, *above.children(recursive=True)]
                    break


def _signal(family: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
