"""Writes down what the tables of docs/reliability.md are made of: a line of JSON for each row.

The first line says what it ran on; the next ones which rows are to come, so that one that never ended is missed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

import airflow_provider_wiro
from airflow_harness.postgres import server_version

CHAOS = Path(__file__).parents[1]
OF_THE_TESTS = ("*.py", "chaos_harness/*.py", "dags/*.py", "stubs/*.py")


@dataclass
class Row:
    """What a test says of itself. Table and name are there before it starts, the rest is for the test to fill.

    :param table: the table: TABLE of the test's module, unless the test says another.
    :param name: the row's first column: the id of the test's parameters, or else its name.
    :param runs: how many Runs Wiro has accepted; a text where one number does not tell it.
    :param state: the Airflow task's state at the end.
    :param remote: what became of the tasks at Wiro.
    :param outcome: in words, where a row needs some.
    """

    table: str
    name: str
    runs: int | str = ""
    state: str = ""
    remote: str = ""
    outcome: str = ""


_ROW = pytest.StashKey[Row]()
_FAILURES = pytest.StashKey[list[str]]()
_STARTED = pytest.StashKey[float]()


def row_of(item: Any) -> Row:
    """The row that a test makes."""
    if _ROW not in item.stash:
        named = getattr(item, "callspec", None)
        table = getattr(item.module, "TABLE", item.module.__name__)
        sentence = (item.originalname or item.name).removeprefix("test_").replace("_", " ")
        item.stash[_ROW] = Row(table, named.id if named else sentence)
    row: Row = item.stash[_ROW]
    return row


class Recorder:
    """A pytest plugin. Every test that takes the fixture `row` is one row.

    :param file: is written anew; None: nothing is written.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._began = time.time()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if self._file is None:
            return
        self._file.unlink(missing_ok=True)
        self._write(kind="session", at=time.time(), **versions())
        for item in session.items:
            if makes_a_row(item):
                self._write(kind="promised", test=item.nodeid, table=row_of(item).table, name=row_of(item).name)

    def pytest_sessionfinish(self) -> None:
        if self._file is not None and self._file.exists():
            self._write(kind="end", seconds=round(time.time() - self._began, 1))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if self._file is None or not makes_a_row(item):
            return report
        failures = item.stash.setdefault(_FAILURES, [])
        item.stash.setdefault(_STARTED, call.start)
        if report.failed:
            failures.append(f"{report.when}: {call.excinfo.exconly() if call.excinfo else 'failed'}"[:2000])
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            row_of(item).outcome = reason.removeprefix("Skipped: ")
            item.stash[_FAILURES] = ["skipped"]
        if report.when == "teardown":
            took = round(call.stop - item.stash[_STARTED], 1)
            row = asdict(row_of(item))
            result = "skipped" if failures == ["skipped"] else "failed" if failures else "passed"
            self._write(kind="row", test=item.nodeid, result=result, failures=failures, seconds=took, **row)
        return report

    def _write(self, **line: object) -> None:
        assert self._file is not None
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")


def makes_a_row(item: pytest.Item) -> bool:
    return "row" in getattr(item, "fixturenames", ())


def versions() -> dict[str, str]:
    """What the tests run on."""
    return {
        "airflow": importlib.metadata.version("apache-airflow"),
        "python": platform.python_version(),
        "postgres": server_version(),
        "provider": importlib.metadata.version("airflow-provider-wiro"),
        "code": code(),
    }


def code() -> str:
    """A fingerprint of the package and of these tests: results of different code do not belong on one page."""
    package = Path(airflow_provider_wiro.__file__).parent
    files = [*package.rglob("*.py"), *(file for name in OF_THE_TESTS for file in CHAOS.glob(name))]
    content = b"".join(hashlib.sha256(file.read_bytes()).digest() for file in sorted(files))
    return hashlib.sha256(content).hexdigest()[:8]
