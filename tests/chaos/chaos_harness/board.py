"""What many threads want to know of Airflow at the same time, read from its database at once for all of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from airflow_harness.jobs import TASK_ID, Job
from airflow_harness.real_airflow import FINAL, RealAirflow

NOT_MAPPED = -1
EVERY = 0.25
TASKS = "SELECT dag_id, run_id, map_index, state, try_number FROM task_instance WHERE task_id = 'video'"
TRIGGERERS = """
SELECT hostname, max(id) FROM job
WHERE job_type = 'TriggererJob' AND state = 'running' AND latest_heartbeat > now() - interval '4 seconds'
GROUP BY hostname
"""
OWNER = """
SELECT job.hostname FROM trigger
JOIN task_instance ON task_instance.trigger_id = trigger.id JOIN job ON job.id = trigger.triggerer_id
WHERE task_instance.dag_id = %(dag_id)s AND task_instance.run_id = %(run_id)s
"""


@dataclass(frozen=True)
class Seen:
    """A task instance now."""

    state: str | None
    try_number: int


class Board:
    """The states of all task instances, at most a quarter of a second old."""

    def __init__(self, airflow: RealAirflow) -> None:
        self.airflow = airflow
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._seen: dict[tuple[str, str, int], Seen] = {}

    def look(self, job: Job, map_index: int = NOT_MAPPED) -> Seen:
        with self._lock:
            if time.monotonic() - self._read_at > EVERY:
                with self.airflow.database() as cursor:
                    cursor.execute(TASKS)
                    self._seen = {(dag, run, index): Seen(*rest) for dag, run, index, *rest in cursor.fetchall()}
                self._read_at = time.monotonic()
            return self._seen.get((job.dag_id, job.run_id, map_index), Seen(None, 0))

    def wait(
        self,
        job: Job,
        state: str | Collection[str],
        *,
        map_index: int = NOT_MAPPED,
        try_number: int = 0,
        timeout: float = 120,
    ) -> Seen:
        """Waits until the task is in the state (one of the states), in that try or a later one.

        It fails early when the task has ended in another state.
        """
        wanted = {state} if isinstance(state, str) else set(state)
        deadline = time.monotonic() + timeout
        while True:
            seen = self.look(job, map_index)
            if seen.state in wanted and seen.try_number >= try_number:
                return seen
            over = seen.state in FINAL and seen.try_number >= try_number
            if over or time.monotonic() > deadline:
                why = "ended as" if over else f"is, after {timeout:.0f} s,"
                raise AssertionError(
                    f"{job.run_id} {why} {seen.state} in try {seen.try_number}, not {' or '.join(sorted(wanted))}.\n"
                    f"at Wiro: {[(task.taskid, task.status) for task in job.wiro.runs]}\n"
                    + self.airflow.story(job.dag_id, job.run_id, TASK_ID, map_index)
                )
            time.sleep(EVERY)

    def triggerers(self) -> dict[str, int]:
        """The ids of the triggerers that are alive, by their names."""
        with self.airflow.database() as cursor:
            cursor.execute(TRIGGERERS)
            return dict(cursor.fetchall())

    def owner(self, job: Job) -> str | None:
        """The name of the triggerer that the database says has the job's trigger."""
        with job.rows(OWNER) as rows:
            return str(rows[0][0]) if rows else None

    def wait_for_owner(self, job: Job, *, other_than: str | None = None) -> str:
        """Waits until a triggerer has the job's trigger; another one than that must also have asked Wiro."""
        job.until(lambda: self.owner(job) not in (None, other_than), f"a triggerer not {other_than} has {job.run_id}")
        if other_than is not None:
            job.wait_until_polled(1)
        return str(self.owner(job))


def pids(job: Job, try_number: int = 1, map_index: int = NOT_MAPPED) -> tuple[int, int]:
    """The process of a try, and its supervisor, as `kill_points.arm` has written them down."""
    file = job.reports / f"{job.run_id}.{map_index}.{try_number}.pids"
    job.until(file.exists, f"{file.name} has been written")
    own, parent = Path(file).read_text().split()
    return int(own), int(parent)
