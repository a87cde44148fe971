"""Measures whole DAG runs on a real Airflow: this package beside a deferrable task that only sleeps.

    python benchmarks/end_to_end.py [--tasks 100] [--rounds 5]

It needs an Airflow 3.3 and what the tests need. A whole Airflow is started, as tests/airflow start it: LocalExecutor
with eight workers, PostgreSQL, one triggerer. Each run has so many mapped tasks, all of which may run at once; they end
in a worker, or in the triggerer. A round has all four kinds of run, one after the other, in an order that turns; each
of ours is set beside the trivial one of its round that ends in the same way. The numbers are medians of the rounds: the
wall of a run, the CPU of all of Airflow's processes (the database's and the emulated Wiro's are others), the time from
a trigger's event to the end of its task, and how many requests of its workers the API server has answered. A generation
takes five seconds, as long as the trivial trigger sleeps.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "airflow"), str(ROOT / "benchmarks" / "end_to_end_stubs")]

if TYPE_CHECKING:
    from airflow_harness.real_airflow import RealAirflow

KINDS = ("trivial_worker", "ours_worker", "trivial_triggerer", "ours_triggerer")
NAMES = {
    "trivial_worker": "a trigger that sleeps, ended in a worker",
    "ours_worker": "**this package**, ended in a worker",
    "trivial_triggerer": "a trigger that sleeps, ended in the triggerer",
    "ours_triggerer": "**this package**, ended in the triggerer",
}
SECONDS = 5.0
FIRED = "Trigger fired event"
OF_A_WORKER = " path=/execution/"


@dataclass(frozen=True)
class Measured:
    """One run: seconds, and the CPU-seconds and requests of each task."""

    wall: float
    cpu: float
    event_to_end: float
    requests: float


def spent(home: Path) -> float:
    """Return the CPU seconds of all processes that work in a folder, and of their children that have ended."""
    from airflow_harness.processes import processes_in, seen

    spent_by = [times for _, times in seen(processes_in(home), lambda process: process.cpu_times())]
    return sum(times.user + times.system + times.children_user + times.children_system for times in spent_by)


def answered_in(airflow: RealAirflow) -> int:
    """Return how many requests of workers the API server has answered."""
    with (airflow.component_logs / "api-server.log").open() as lines:
        return sum(OF_A_WORKER in line for line in lines)


def ended_in(airflow: RealAirflow, run_id: str) -> tuple[float, dict[int, float]]:
    """Return the wall of a run, and when each of its tasks has ended, by its map index."""
    with airflow.database() as cursor:
        named = {"run_id": run_id}
        cursor.execute("SELECT state, queued_at, end_date FROM dag_run WHERE run_id = %(run_id)s", named)
        [(state, queued, ended)] = cursor.fetchall()
        assert state == "success", f"{run_id}: {state}"
        cursor.execute("SELECT map_index, end_date FROM task_instance WHERE run_id = %(run_id)s", named)
        return (ended - queued).total_seconds(), {index: end.timestamp() for index, end in cursor.fetchall()}


def fired_in(logs: Path) -> Iterator[tuple[int, float]]:
    """Return when each trigger has fired, by the map index of its task."""
    for path in logs.glob("task_id=video/map_index=*/attempt=*"):
        for line in path.read_text().splitlines():
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if told.get("event") == FIRED:
                    yield int(path.parent.name.partition("=")[2]), datetime.fromisoformat(told["timestamp"]).timestamp()


def measure(airflow: RealAirflow, dag_id: str, tasks: int) -> Measured:
    """Run a DAG to its end."""
    before, answered = spent(airflow.home), answered_in(airflow)
    run_id = airflow.trigger(dag_id)
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    airflow.wait_until(
        lambda: airflow.api.call("GET", path)["state"] in ("success", "failed"), f"{run_id} ends", 60 + 5 * tasks
    )
    time.sleep(2)  # the last processes end
    cpu = spent(airflow.home) - before
    wall, ended = ended_in(airflow, run_id)
    fired = dict(fired_in(airflow.logs / f"dag_id={dag_id}" / f"run_id={run_id}"))
    assert fired, f"{run_id}: no trigger has fired"
    late = statistics.median(ended[index] - at for index, at in fired.items())
    return Measured(wall, cpu / tasks, late, (answered_in(airflow) - answered) / tasks)


def rounds(options: argparse.Namespace, folder: Path) -> dict[str, list[Measured]]:
    """Return what was measured of each kind, round after round."""
    from airflow_harness.real_airflow import RealAirflow
    from airflow_provider_wiro.emulator import WiroEmulator

    here = Path(__file__).parent
    settings: dict[str, Any] = {
        "core.parallelism": 8,
        "core.max_active_tasks_per_dag": options.tasks,
        "scheduler.task_instance_heartbeat_timeout": 300,
    }
    seen: dict[str, list[Measured]] = {kind: [] for kind in KINDS}
    os.environ["END_TO_END_TASKS"] = str(options.tasks)
    with WiroEmulator(duration=SECONDS) as wiro:
        airflow = RealAirflow(
            folder,
            {"wiro_default": wiro.connection},
            dags=(here / "end_to_end_dags",),
            stubs=(here / "end_to_end_stubs",),
            settings=settings,
        )
        try:
            airflow.start(patience=400)
            for kind in KINDS if options.rounds > 1 else ():
                measure(airflow, kind, options.tasks)  # warm
            for number in range(options.rounds):
                for kind in KINDS[number % 4 :] + KINDS[: number % 4]:
                    seen[kind].append(measure(airflow, kind, options.tasks))
                    print(f"{number + 1} {kind} {seen[kind][-1]}", file=sys.stderr, flush=True)
        finally:
            airflow.stop()
    return seen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="end-to-end-") as folder:
        seen = rounds(options, Path(folder))
    headings = "wall, s | CPU-s a task | beside the trivial one | in single rounds | event to end, s | requests a task"
    print(f"| {options.tasks} tasks | {headings} |")
    print(f"|{'---|' * 7}")
    for kind, values in seen.items():
        floor = seen[kind.replace("ours", "trivial")]
        ratios = sorted(one.cpu / other.cpu for one, other in zip(values, floor, strict=True))
        wall, cpu, late, asked = (
            statistics.median(getattr(one, name) for one in values)
            for name in ("wall", "cpu", "event_to_end", "requests")
        )
        beside = f"{statistics.median(ratios):.2f} × | {ratios[0]:.2f} to {ratios[-1]:.2f}"
        print(f"| {NAMES[kind]} | {wall:.0f} | {cpu:.2f} | {beside} | {late:.2f} | {asked:.1f} |")


if __name__ == "__main__":
    main()
