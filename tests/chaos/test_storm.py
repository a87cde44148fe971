"""200 generations on an account that runs 10 at a time, while everything goes wrong: none is lost, none paid twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import celery_engine
from airflow_harness.jobs import Job, Services, Starter
from airflow_harness.processes import free_port
from airflow_harness.real_airflow import RealAirflow
from airflow_provider_wiro.emulator import WiroEmulator
from chaos_harness.recorder import Row
from chaos_harness.running import chaos_airflow
from storm_books import WATCH, Books, stories
from storm_weather import (
    Busy,
    kill_a_celery_worker,
    kill_a_local_worker,
    kill_a_triggerer,
    take_wiro_away,
    wait_for_successes,
)

TABLE = "Storm"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
]

GENERATIONS = 200
SCENES = Counter(f"Scene {number}" for number in range(GENERATIONS))
LIMIT = 10
DURATION = 6.0
OUTAGE = 60.0

Faults = Mapping[str, Mapping[str, Any]]

# One answer in twenty is wrong. After a Run only such answers are given from which the client knows whether there is a
# task: all others would, by design, leave a mapped task for a person to decide.
RATE = 0.05
AFTER_A_RUN: Faults = {"429": {"retry_after": 2}}
AFTER_THE_REST: Faults = {
    "5xx": {"status": 503},
    "429": {"retry_after": 1},
    "html": {},
    "drop_after": {},
    "hang": {"seconds": 8.0},
    "truncated": {},
    "code": {"code": 0},
}

SETTINGS = {
    "core.parallelism": 8,
    "core.max_active_tasks_per_dag": 16,
    # A machine that is this busy is late with its heartbeats.
    "scheduler.task_instance_heartbeat_timeout": 30,
    "triggerer.triggerer_health_check_threshold": 15,
    # What a dead Celery worker had fetched is handed out again before that.
    "scheduler.task_queued_timeout": 120,
    "scheduler.task_queued_timeout_check_interval": 5,
}


@pytest.fixture
def wiro() -> Iterator[WiroEmulator]:
    # A port that the system does not hand out: it must still be free when the outage is over.
    with WiroEmulator(port=free_port(), duration=DURATION, concurrency=LIMIT) as emulator:
        yield emulator


def test_the_local_executor_loses_nothing_in_a_storm(tmp_path: Path, wiro: WiroEmulator, row: Row) -> None:
    with chaos_airflow(tmp_path / "home", settings=SETTINGS) as airflow:
        ride_out(airflow, wiro, kill_a_local_worker, "scheduler", tmp_path, row)


@pytest.mark.skipif(bool(celery_engine.missing()), reason=f"needs {celery_engine.missing()}")
def test_the_celery_executor_loses_nothing_in_a_storm(
    tmp_path: Path, wiro: WiroEmulator, row: Row, request: pytest.FixtureRequest
) -> None:
    if not request.config.getoption("--full", False):
        pytest.skip("runs with --full")

    victim, survivor = celery_engine.WORKERS

    def kill_a_worker(job: Job) -> Busy:
        return kill_a_celery_worker(job, victim)

    with celery_engine.celery_airflow(tmp_path / "home", settings=SETTINGS) as airflow:
        ride_out(airflow, wiro, kill_a_worker, survivor, tmp_path, row)


def ride_out(
    airflow: RealAirflow,
    wiro: WiroEmulator,
    kill_a_worker: Callable[[Job], Busy],
    workers: str,
    reports: Path,
    row: Row,
) -> None:
    """Runs the storm and judges what it has left.

    :param workers: the component that still runs tasks when a worker has been killed.
    """
    airflow.set_connection("wiro_storm", wiro.connection)
    with airflow.database() as cursor:
        cursor.execute(WATCH)
    spoil(wiro)
    began = time.monotonic()
    job = Starter(airflow, Services(), reports).run("storm", wiro, "wiro_storm", generations=GENERATIONS)
    wait_for_successes(job, GENERATIONS // 10)
    victims = kill_a_worker(job)
    wait_for_successes(job, GENERATIONS * 3 // 10)
    triggerer = kill_a_triggerer(job)
    wait_for_successes(job, GENERATIONS // 2)
    take_wiro_away(job, OUTAGE, workers)
    job.until(lambda: is_over(job), "the run has ended", timeout=900)
    books = Books.of(job, time.monotonic() - began)
    row.runs, row.state, row.remote = books.paid.total(), told(books.states), told(books.statuses)
    row.outcome = f"{books.summary()}; killed were {triggerer} and a worker that was busy with {len(victims)}"
    judge(books, victims, job)


def spoil(wiro: WiroEmulator) -> None:
    """Lets the service go wrong at random, and the first tasks take so long that the account is surely full."""
    wiro.outcome(times=2 * LIMIT, duration=4 * DURATION)
    for call in ("Run", "Detail", "Kill", "Cancel", "List"):
        faults = AFTER_A_RUN if call == "Run" else AFTER_THE_REST
        for seed, (name, options) in enumerate(faults.items()):
            wiro.script(call, name, times=-1, rate=RATE / len(faults), seed=seed, **options)


def judge(books: Books, victims: Busy, job: Job) -> None:
    assert books.states == {"success": GENERATIONS}, stories(job)
    assert books.delivered == SCENES
    assert books.paid == SCENES
    assert books.statuses == {"task_postprocess_end": GENERATIONS}
    assert books.nonces == []
    assert books.peak == LIMIT
    assert books.busy
    assert books.throttled
    assert set(victims) <= set(books.tries)


def is_over(job: Job) -> bool:
    with job.rows("SELECT state FROM dag_run WHERE run_id = %(run_id)s") as rows:
        return rows[0][0] in ("success", "failed")


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
