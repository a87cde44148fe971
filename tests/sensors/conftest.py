"""What these tests share."""

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from durable import all_held  # noqa: F401


@pytest.fixture(autouse=True)
def without_the_database_of_airflow_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, a sensor asks it for the time of its first look; these here are in none."""
    if not AIRFLOW_V_3_0_PLUS:
        monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **_: None)
