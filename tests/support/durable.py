"""Fixtures of the tests of durable operators."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_wiro.core import calls, recall, search
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.journals import mark


@pytest.fixture
def journal_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the journal is; and no pause takes long."""
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    monkeypatch.setattr(search, "SETTLED_AFTER", 0.5)
    for module, name in [
        (recall, "READ_PAUSES"),
        (search, "READ_PAUSES"),
        (calls, "RUN_PAUSES"),
        (calls, "STOP_PAUSES"),
    ]:
        monkeypatch.setattr(module, name, (0.01, 0.01))
    mark(tmp_path)
    return tmp_path


@pytest.fixture
def all_held(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """Every task runs until it is released or stopped."""
    wiro_emulator.outcome(hold=True, duration=0.0, times=-1)
    return wiro_emulator
