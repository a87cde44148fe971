"""An Airflow of its own for the chaos tests: several triggerers, and every heartbeat set to seconds."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from airflow_harness.real_airflow import RealAirflow, airflow_version

CHAOS = Path(__file__).parents[1]
STUBS = (CHAOS / "stubs", CHAOS.parent / "airflow" / "stubs")

# How long after a SIGKILL Airflow notices, in seconds. Much less, and a machine with two cores takes the busy for dead.
TRIGGERER_IS_DEAD = 8
WORKER_IS_DEAD = 30

# How many tasks that are going to be deferred may start at the same time: the DAGs put them into this pool.
POOL = {"name": "starting", "slots": 5, "description": "tasks that are going to be deferred"}


def chaos_settings(version: tuple[int, int]) -> dict[str, object]:
    """What differs from the harness's own settings; the same for all who use it."""
    settings: dict[str, object] = {
        "core.parallelism": 18,
        "core.max_active_tasks_per_dag": 18,
        "core.hostname_callable": "component_name.component_name",
        "triggerer.triggerer_health_check_threshold": TRIGGERER_IS_DEAD,
    }
    if version >= (3, 0):
        settings["scheduler.task_instance_heartbeat_timeout"] = WORKER_IS_DEAD
        settings["scheduler.task_instance_heartbeat_timeout_detection_interval"] = 2
    else:
        settings["scheduler.scheduler_zombie_task_threshold"] = WORKER_IS_DEAD
        # 0: a task whose heartbeat is late is given up after the threshold above, and not after one heartbeat.
        settings["scheduler.local_task_job_heartbeat_sec"] = 0
        # Each look reports the same dead worker once more until the DAG processor has dealt with it, which it may do
        # only when it next reads the file; and what comes late fails the next try.
        settings["scheduler.zombie_detection_interval"] = 20
        settings["scheduler.min_file_process_interval"] = 8
    return settings


@contextlib.contextmanager
def chaos_airflow(
    home: Path,
    connections: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    triggerers: int = 2,
    settings: Mapping[str, object] | None = None,
) -> Iterator[RealAirflow]:
    """Runs an Airflow with all its parts, and the DAGs of this folder. It is stopped at the end, whatever happens.

    :param home: an empty folder.
    :param connections: Airflow connections that come from the environment, by their ids.
    :param triggerers: how many.
    :param settings: over those of `chaos_settings`.
    """

    def interrupted(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    airflow = RealAirflow(
        home,
        connections or {},
        triggerers=triggerers,
        dags=[CHAOS / "dags"],
        stubs=STUBS,
        settings={**chaos_settings(airflow_version()), **(settings or {})},
    )
    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        airflow.start()
        airflow.api.call("POST", "/pools", POOL)
        yield airflow
    finally:
        airflow.stop()
        signal.signal(signal.SIGTERM, before)
