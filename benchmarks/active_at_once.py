"""Measures how many of five mapped, deferrable tasks run at Wiro at once, for each way to limit them to one.

    python benchmarks/active_at_once.py PYTHON…

Each PYTHON has an Airflow and what the tests need, as those of `scripts/test` have (.venvs/*/bin/python). A whole
Airflow is started for each, with its scheduler, triggerer and API server. A row takes some minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
HARNESS = ROOT / "tests" / "airflow"
COLUMNS = {
    "limit_none": "no limit",
    "limit_per_dag": "`max_active_tis_per_dag=1`",
    "limit_pool": "a pool of one slot",
    "limit_pool_with_deferred": "such a pool with *include deferred*",
    "limit_max_active": "`max_active` = 1 in the connection",
}
TASKS = 5
# Long beside the time that a slow machine needs to start all five, in seconds.
DURATION = 40.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("pythons", nargs="*", type=Path, metavar="PYTHON")
    options = parser.parse_args()
    if options.row:
        print(row())
        return
    if not options.pythons:
        parser.error("name at least one Python")
    for line in (["Airflow", *COLUMNS.values()], ["---"] * (1 + len(COLUMNS))):
        print(f"| {' | '.join(line)} |")
    for python in options.pythons:
        # Not resolved: a virtual environment is known by the path of its Python.
        command = [str(python.absolute()), str(Path(__file__).resolve()), "--row"]
        print(
            subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1], flush=True
        )


def row() -> str:
    """Run all DAGs at the same time, each on a Wiro of its own."""
    sys.path[:0] = [str(ROOT), str(HARNESS)]
    import importlib.metadata

    from airflow_harness.jobs import Services, Starter
    from airflow_harness.real_airflow import FINAL, RealAirflow, airflow_version

    settings = {"core.parallelism": 16, "core.max_active_tasks_per_dag": 16} | (
        # On a slow machine nobody is taken for dead.
        {"scheduler.task_instance_heartbeat_timeout": 300}
        if airflow_version() >= (3, 0)
        else {"scheduler.scheduler_zombie_task_threshold": 300, "scheduler.local_task_job_heartbeat_sec": 0}
    )
    services = Services()
    with tempfile.TemporaryDirectory(prefix="active-at-once-") as folder:
        airflow = RealAirflow(Path(folder), {}, settings=settings)
        try:
            airflow.start(patience=400)
            for name in ("one", "one_with_deferred"):
                pool = {"name": name, "slots": 1, "description": "", "include_deferred": name != "one"}
                airflow.api.call("POST", "/pools", pool)
            start = Starter(airflow, services, Path(folder))
            jobs = {
                dag_id: start.limited(dag_id, 1 if dag_id == "limit_max_active" else None, DURATION)
                for dag_id in COLUMNS
            }
            for job in jobs.values():
                for index in range(TASKS):
                    airflow.wait_task(job.dag_id, job.run_id, "video", FINAL, index, timeout=1200)
        finally:
            airflow.stop()
            services.close()
    peaks = [str(jobs[dag_id].wiro.peak_active) for dag_id in COLUMNS]
    return f"| {' | '.join([importlib.metadata.version('apache-airflow'), *peaks])} |"


if __name__ == "__main__":
    main()
