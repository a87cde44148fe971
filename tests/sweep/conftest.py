"""A migrated database, an emulated Wiro, and the command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import task

from airflow_provider_wiro.core import search
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.sweep.__main__ import main
from sweeping import PLACES, Deployment, Swept, empty_the_store

# Airflow 3.0.0 prints it within pytest; as a process the command does not (test_sweep.py).
RETRIEVED = "INFO - Connection Retrieved"


@pytest.fixture(scope="module")
def instances(airflow_database: None) -> list[Any]:
    """The task instances of a DAG run that has ended."""
    import small_airflow

    @task
    def video(number: int) -> None: ...

    def build() -> None:
        video.expand(number=list(range(4)))

    made = small_airflow.run(build).instances
    _make_known(made[0].dag_id)
    return made


def _make_known(dag_id: str) -> None:
    """Write the DAG into the database, as its scheduler does and the ``DAG.test`` of Airflow 2 does not."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        if session.get(DagModel, dag_id) is None:
            session.add(DagModel(dag_id=dag_id))


@pytest.fixture(params=PLACES)
def deployment(
    request: pytest.FixtureRequest,
    instances: list[Any],
    wiro_emulator: WiroEmulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Deployment]:
    wiro_emulator.outcome(times=-1, hold=True, duration=0.0)
    made = Deployment(request.param, tmp_path / "journal", instances, wiro_emulator)
    if made.place == "folder":
        made.folder.mkdir()
        monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", made.folder.as_uri())
    else:
        empty_the_store()  # of what other tests have run on this database
    yield made
    for map_index in range(4):
        made.set_state(map_index, "success")
    if made.place == "store":
        empty_the_store()


@pytest.fixture(autouse=True)
def shown_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SETTLED_AFTER", 0.2)


@pytest.fixture
def swept(capsys: pytest.CaptureFixture[str]) -> Swept:
    """Run the command; return its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code, said = main(arguments), capsys.readouterr()
        sys.stdout.write(said.out + said.err)  # shown where the test fails
        return code, "".join(line for line in said.out.splitlines(True) if RETRIEVED not in line) + said.err

    return run
