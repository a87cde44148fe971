"""What these tests share."""

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from durable import all_held  # noqa: F401
from sensing import Reschedules


@pytest.fixture(autouse=True)
def reschedules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins with none; Airflow 2 would look for them in its database."""
    monkeypatch.setattr(Reschedules, "since", None)
    if not AIRFLOW_V_3_0_PLUS:
        monkeypatch.setattr("airflow.sensors.base._orig_start_date", lambda **_: Reschedules.since)
