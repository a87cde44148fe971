"""What every folder of tests on a real Airflow shares; its conftest.py says which Airflow `airflow` is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_harness.jobs import Services, Starter
from airflow_harness.real_airflow import RealAirflow


@pytest.fixture(scope="session")
def services() -> Iterator[Services]:
    services = Services()
    yield services
    services.close()


@pytest.fixture(scope="session")
def start(airflow: RealAirflow, services: Services, tmp_path_factory: pytest.TempPathFactory) -> Starter:
    return Starter(airflow, services, tmp_path_factory.mktemp("reports"))
