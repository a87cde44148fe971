"""An emulated Wiro with finished tasks, and a folder to save to."""

from __future__ import annotations

import logging
import threading

import pytest

from airflow_provider_wiro.clients.public import Looks
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.manifest import About
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.landing import land
from landing_results import MOST, Save


@pytest.fixture
def told() -> threading.Event:
    """Tells what is on its way to stop."""
    return threading.Event()


@pytest.fixture
def looks(told: threading.Event) -> Looks:
    return Looks(True, ["127.0.0.1"], told.is_set)


@pytest.fixture
def save(looks: Looks) -> Save:
    """Save a result to a folder."""

    def saved(result: ResultDict, folder: object, **options: object) -> tuple[Landed, ...]:
        log: Log = logging.getLogger("saving")
        about = options.pop("about", None) or About(result["taskid"])
        given = {"looks": looks, "max_bytes": MOST, "log": log, **options}
        return land(result, str(folder), about, **given)  # type: ignore[arg-type]

    return saved
