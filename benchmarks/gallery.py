"""Measures how long the API server takes for a page of the gallery, among XComs that are of no concern to it.

    python benchmarks/gallery.py [--foreign 300000] [--generations 5000] [--rounds 20] [--postgres]

It needs an Airflow (3.1 or newer), and for ``--postgres`` what the tests install. Each number is of a whole request in
this process, from the token to the JSON: the median of all rounds, after one that does not count.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
DAGS = 50
TASKS_PER_RUN = 10
AT_ONCE = 5000
QUESTIONS: dict[str, dict[str, Any]] = {
    "the newest": {},
    "the last page": {"page": 208},
    "one DAG": {"dag_id": "dag_7"},
    "one run": {"dag_id": "dag_7", "run_id": "run_0"},
    "a model": {"model": "google/veo3.1"},
    "failures": {"outcome": "any_failure"},
    "one day": {"since": "2026-11-20T00:00:00Z", "until": "2026-11-21T00:00:00Z"},
}


def fill(foreign: int, generations: int) -> None:
    """Make runs with foreign return values, and generations among them."""
    from airflow.utils.session import create_session
    from sqlalchemy import insert

    from generations import Kept

    runs = -(-(foreign + generations) // (DAGS * TASKS_PER_RUN))
    every = max(1, (foreign + generations) // max(1, generations))
    kept = Kept()
    for dag in range(DAGS):
        kept.task(f"dag_{dag}", "first", "first")  # all of them before the ids below: SQLite goes on after the highest
    for dag in range(DAGS):
        # Airflow asks something of its own while a DagRun is inserted, and closes the session that a thread shares.
        with create_session(scoped=False) as session:
            for model, rows in of_a_dag(dag, runs, every).items():
                for part in _parts(rows):
                    session.execute(insert(model), part)


def of_a_dag(dag: int, runs: int, every: int) -> dict[Any, list[dict[str, Any]]]:
    """Return the rows of a DAG, in which each of *every* task instances has generated something."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel

    from generations import NOW

    rows: dict[Any, list[dict[str, Any]]] = {DagRun: [], TaskInstance: [], XComModel: []}
    for run in range(runs):
        base, dag_run_id = {"dag_id": f"dag_{dag}", "run_id": f"run_{run}"}, 1_000_000 + dag * runs + run
        rows[DagRun].append({**base, "id": dag_run_id, "run_type": "manual", "run_after": NOW, "state": "success"})
        for task in range(TASKS_PER_RUN):
            number = (dag * runs + run) * TASKS_PER_RUN + task
            here = {**base, "task_id": f"task_{task}", "map_index": -1}
            rows[TaskInstance].append({**here, "state": "success", "pool": "default_pool", "try_number": 1})
            at = NOW - dt.timedelta(minutes=number % 30_000)
            told = ours(number) if number % every == 0 else {"return_value": {"rows": number, "of": "x" * 100}}
            where = {**here, "dag_run_id": dag_run_id, "timestamp": at}
            rows[XComModel] += [{**where, "key": key, "value": value} for key, value in told.items()]
    return rows


def ours(number: int) -> dict[str, Any]:
    """Return what a generation leaves in XCom."""
    from generations import generation, output, result

    taskid = str(uuid.uuid4())
    model = ("google/veo3.1", "runway/gen-4-5", "black-forest-labs/flux-2-pro")[number % 3]
    outcome = "failed" if number % 7 == 0 else "success"
    return {
        "return_value": result(taskid=taskid),
        "wiro_generation": generation(taskid=taskid, model=model, outcome=outcome),
        "output_urls": [output()["url"]],
    }


def _parts(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def measure(rounds: int) -> None:
    """Ask all questions, and print a row for each."""
    from airflow.api_fastapi.app import init_auth_manager
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from airflow_provider_wiro.gallery.lazy import LazyApp

    host = FastAPI()
    init_auth_manager(host)
    host.mount("/wiro-ui", LazyApp())
    print("| page | generations that fit | median, ms | longest, ms | JSON, kB |\n|---|---|---|---|---|")
    with TestClient(host) as client:
        for name, question in QUESTIONS.items():
            times = []
            for _ in range(rounds + 1):
                began = time.perf_counter()
                answer = client.get(
                    "/wiro-ui/generations", params=question or None, headers={"Cookie": "_token=editor"}
                )
                times.append((time.perf_counter() - began) * 1000)
                answer.raise_for_status()
            told, size = json.loads(answer.content), len(answer.content) / 1000
            median, longest = statistics.median(times[1:]), max(times[1:])
            print(f"| {name} | {told['total']} | {median:.0f} | {longest:.0f} | {size:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--foreign", type=int, default=300_000)
    parser.add_argument("--generations", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--postgres", action="store_true", help="in PostgreSQL (default: SQLite)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support"), str(ROOT / "tests" / "airflow")]
    with ExitStack() as ends:
        home = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="gallery-benchmark-")))
        settings = {
            "CORE__AUTH_MANAGER": "roles.Roles",
            "CORE__LOAD_EXAMPLES": "False",
            "LOGGING__LOGGING_LEVEL": "WARNING",
        }
        os.environ |= {"AIRFLOW_HOME": str(home)} | {f"AIRFLOW__{name}": value for name, value in settings.items()}
        if options.postgres:
            from airflow_harness.postgres import PostgresServer

            server = PostgresServer(home / "postgres.log")
            server.start()
            ends.callback(server.stop)
            os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = server.url
        import small_airflow

        small_airflow.migrate()
        fill(options.foreign, options.generations)
        measure(options.rounds)


if __name__ == "__main__":
    main()
