"""What all tests share: an Airflow home of their own, and an emulated Wiro."""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import os
import string
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling, Scheduling

sys.path.insert(0, str(Path(__file__).parent / "support"))

# Airflow reads its settings when it is first imported, which is after this file.
_home = tempfile.TemporaryDirectory(prefix="airflow-home-")
_NOT_OURS = (
    "AIRFLOW__",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
)
for _name in [name for name in os.environ if name.upper().startswith(_NOT_OURS)]:
    del os.environ[_name]
os.environ |= {
    "AIRFLOW_HOME": _home.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__METRICS__TIMER_UNIT_CONSISTENCY": "True",  # Airflow 2 warns where it is not set
}

from airflow_provider_wiro.emulator import WiroEmulator  # noqa: E402
from taskids import FIRST  # noqa: E402

# Airflow and what it depends on warn about one another while they are imported. Where it is not installed, the tests
# that do without it still run.
with warnings.catch_warnings(), contextlib.suppress(ImportError):
    warnings.simplefilter("ignore")
    importlib.import_module("airflow.models").import_all_models()
    importlib.import_module("sqlalchemy.orm").configure_mappers()
    importlib.import_module("airflow.providers_manager")
    importlib.import_module("older_compat").fill_in()
    importlib.import_module("flask_appbuilder.fieldwidgets")  # what the connection form of Airflow 2 is made of

if TYPE_CHECKING:
    from doubles import Lines
    from small_airflow import Run


REAL = ("tests/airflow/", "tests/browser/", "tests/chaos/")


class Sharing(LoadScopeScheduling):
    """Keeps in one process what shares fixtures: the tests of a file, and all that need a real Airflow."""

    def _split_scope(self, nodeid: str) -> str:
        return "real" if nodeid.startswith(REAL) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Have the tests shared so. (pytest-xdist 3.8 does not see its groups with pytest 9.2.)"""
    return Sharing(config, log)


def pytest_xdist_auto_num_workers() -> int:
    """Take one more than there are cores: the tests wait for half of their time."""
    return 1 + (os.cpu_count() or 1)


@pytest.fixture
def wiro_emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[WiroEmulator]:
    """A running emulator whose tasks take half a second, and to which the connection ``wiro_default`` leads."""
    with WiroEmulator(duration=0.5, first_taskid=int(FIRST)) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(emulator.connection))
        yield emulator


@pytest.fixture(autouse=True)
def no_settling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let triggers fire at once; tests of what they wait for set it back."""
    monkeypatch.setattr("airflow_provider_wiro.triggers.SETTLING", 0.0)


@pytest.fixture(autouse=True)
def downloads_are_soon_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have five attempts as always, and no half a minute between them."""
    monkeypatch.setattr("airflow_provider_wiro.clients.download.PAUSES", (0.02,) * 5)


@pytest.fixture(autouse=True)
def logging_goes_on() -> Iterator[None]:
    """Undo what a command does to its whole process."""
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(autouse=True)
def no_letter_is_a_secret() -> Iterator[None]:
    """Keep a test from teaching Airflow's masker, which forgets nothing, to hide the words of the next tests."""
    yield
    with contextlib.suppress(ImportError):
        from airflow.providers.common.compat.sdk import redact

        letters = string.ascii_letters + string.digits + string.punctuation
        assert redact(letters, "words") == letters


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """The database of the installed Airflow, migrated."""
    import small_airflow

    small_airflow.migrate()


@pytest.fixture
def run_dag(airflow_database: None) -> Callable[..., Run]:
    """Run the tasks that a function makes as a DAG, on the installed Airflow."""
    import small_airflow

    return small_airflow.run


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Everything that is logged, before anything is masked."""
    from doubles import Lines

    keeper = Lines()
    with keeper.listening():
        yield keeper
