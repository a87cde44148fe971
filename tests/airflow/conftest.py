"""One real Airflow for all tests of this folder, of the version that is installed beside pytest.

Database, scheduler, triggerer, API server and DAG processor are processes of their own on loopback, as in production.
Each run talks to an emulated Wiro of its own. To save time, a module starts its runs together, in a fixture; then
each test looks at one.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from airflow_harness import fixtures
from airflow_harness.jobs import Services
from airflow_harness.real_airflow import RealAirflow

LAST = "test_nothing_leaks.py"

services, start = fixtures.services, fixtures.start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The search for leaks goes last: it looks at what all the others have left."""
    items.sort(key=lambda item: item.path.name == LAST and item.path.parent == Path(__file__).parent)


@pytest.fixture(scope="session")
def airflow(services: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealAirflow]:
    """Airflow with all its parts. It is stopped at the end, whatever happens to the tests."""

    def interrupted(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupted)
    connections = {"wiro_default": services.open("wiro_default").connection}
    running = RealAirflow(tmp_path_factory.mktemp("airflow-home"), connections)
    try:
        running.start()
        yield running
    finally:
        running.stop()
        signal.signal(signal.SIGTERM, before)
