"""What `airflow dags test` and `airflow tasks test` pay for is waited for, wherever the connection is kept.

A scheduler and a triggerer run beside it, on the same database.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from airflow_harness.jobs import Services
from airflow_harness.real_airflow import RealAirflow
from airflow_provider_wiro.emulator import WiroEmulator

BACKEND = "airflow.secrets.local_filesystem.LocalFilesystemBackend"
pytestmark = pytest.mark.timeout(600)

PLACES = ("database", "environment", "backend")
TASKS_TEST = ["tasks", "test", "tried_database", "video", "2026-02-03"]
# Long enough for the triggerer beside it to start a trigger, and to drop it again.
DURATION = 8.0
STATES = "SELECT state FROM task_instance WHERE dag_id = %s"


@pytest.fixture(scope="module")
def tried(
    airflow: RealAirflow, services: Services, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, WiroEmulator]:
    """Each DAG tried out, and one of them by both commands."""
    folder = tmp_path_factory.mktemp("secrets")
    wiros = {place: services.open(f"tried_{place}", DURATION) for place in PLACES}

    def try_out(place: str) -> int:
        variables = kept_in(place, wiros[place], airflow, folder)
        dag_id = f"tried_{place}"
        airflow.wait_until(lambda: airflow.api.knows(dag_id), f"Airflow has read {dag_id}")
        return airflow.python("-m", "airflow", "dags", "test", dag_id, **variables)[0]

    with ThreadPoolExecutor() as threads:
        codes = list(threads.map(try_out, PLACES))
    codes.append(airflow.python("-m", "airflow", *TASKS_TEST)[0])
    assert codes == [0] * 4
    return wiros


def kept_in(place: str, wiro: WiroEmulator, airflow: RealAirflow, folder: Path) -> dict[str, str]:
    """Puts the connection there; gives the environment that it takes to find it."""
    conn_id = f"tried_{place}"
    if place == "database":
        airflow.set_connection(conn_id, wiro.connection)
        return {}
    if place == "environment":
        return {f"AIRFLOW_CONN_{conn_id.upper()}": json.dumps(wiro.connection)}
    file = folder / "connections.json"
    file.write_text(json.dumps({conn_id: wiro.connection}))
    options = json.dumps({"connections_file_path": str(file)})
    return {"AIRFLOW__SECRETS__BACKEND": BACKEND, "AIRFLOW__SECRETS__BACKEND_KWARGS": options}


@pytest.mark.parametrize("place", PLACES)
def test_each_command_pays_once_and_waits_for_what_it_has_paid(
    tried: dict[str, WiroEmulator], airflow: RealAirflow, place: str
) -> None:
    wiro, times = tried[place], 2 if place == "database" else 1
    assert [task.status for task in wiro.runs] == ["task_postprocess_end"] * times
    assert wiro.count("Run") == times
    assert wiro.count("Kill") == wiro.count("Cancel") == 0
    assert wiro.peak_active == 1
    with airflow.database() as cursor:
        cursor.execute(STATES, (f"tried_{place}",))
        states = {state for (state,) in cursor.fetchall()}
    assert states == {"success"}
