"""A client that signs by the documentation, for talking to an emulator over a real socket."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from emulator_client import Client

from airflow_provider_wiro.emulator import WiroEmulator


@pytest.fixture
def emulator() -> Iterator[WiroEmulator]:
    """An emulator whose tasks live for a minute of its own clock: the tests move that clock."""
    with WiroEmulator(duration=60) as emulator:
        yield emulator


@pytest.fixture
def wiro(emulator: WiroEmulator) -> Iterator[Client]:
    with Client(emulator.url) as client:
        yield client
