"""Things are killed here, and each test says what came of it: a row of a table in docs/reliability.md.

All tests of a session share one Airflow with two triggerers. A module that needs one of its own takes it from
`chaos_harness.running.chaos_airflow`. The rows that are not marked as slow run with all other tests; `--chaos` runs
all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "airflow"))
sys.path.append(str(Path(__file__).parents[1] / "emulator"))

from airflow_harness import fixtures
from airflow_harness.real_airflow import RealAirflow
from chaos_harness.recorder import Recorder, Row, row_of
from chaos_harness.running import chaos_airflow

HERE = Path(__file__).parent

services, start = fixtures.services, fixtures.start


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("chaos")
    group.addoption("--chaos", action="store_true", help="run the slow rows too")
    group.addoption("--full", action="store_true", help="run what needs Redis too")
    group.addoption("--chaos-results", type=Path, metavar="FILE", help="where to write down each row")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: a row of the chaos tables that runs with --chaos only")
    config.pluginmanager.register(Recorder(config.getoption("--chaos-results", None)), "chaos-recorder")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--chaos", False):
        return
    left_out = {item for item in items if HERE in item.path.parents and item.get_closest_marker("slow")}
    config.hook.pytest_deselected(items=[item for item in items if item in left_out])
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def row(request: pytest.FixtureRequest) -> Row:
    """The row of the table that this test makes: what it writes in there is published, with whether it passed."""
    return row_of(request.node)


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    """Airflow with two triggerers, and a journal."""
    with chaos_airflow(tmp_path_factory.mktemp("chaos-home")) as running:
        yield running
