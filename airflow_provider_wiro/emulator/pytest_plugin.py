"""
A pytest fixture for DAGs that use Wiro. Load it in a ``conftest.py``::

    pytest_plugins = ["airflow_provider_wiro.emulator.pytest_plugin"]
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from airflow_provider_wiro.emulator import WiroEmulator


@pytest.fixture
def wiro_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[WiroEmulator]:
    """A running emulator whose tasks take half a second, and to which the connection ``wiro_default`` leads."""
    with WiroEmulator(duration=0.5) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(emulator.connection))
        yield emulator
