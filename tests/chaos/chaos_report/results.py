"""What the recorder has written: sessions of pytest, each with its rows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Result:
    """One row of one session.

    :param result: "passed", "failed", "skipped", or "missing" where the test never came to its end.
    """

    table: str
    name: str
    airflow: str
    result: str
    runs: str = ""
    state: str = ""
    remote: str = ""
    outcome: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def is_red(self) -> bool:
        return self.result in ("failed", "missing")


@dataclass
class Session:
    """One run of pytest.

    :param code: a fingerprint of the code that ran; "unknown" where the recorder did not say.
    :param seconds: how long it took; None where it never came to its end.
    """

    airflow: str
    python: str
    postgres: str
    provider: str
    code: str
    at: float
    seconds: float | None
    results: list[Result]

    @property
    def red(self) -> list[Result]:
        return [result for result in self.results if result.is_red]


def read_session(file: Path) -> Session | None:
    """Read one file of the recorder; None where not even the first line was written."""
    lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    if not lines or lines[0]["kind"] != "session":
        return None
    head, ends = lines[0], [line["seconds"] for line in lines if line["kind"] == "end"]
    ended: dict[str, Any] = {line["test"]: line for line in lines if line["kind"] == "row"}
    promised = [line for line in lines if line["kind"] == "promised"]
    results = [_result(head["airflow"], line, ended.get(line["test"])) for line in promised]
    return Session(
        head["airflow"],
        head["python"],
        head["postgres"],
        head["provider"],
        head.get("code", "unknown"),
        head["at"],
        ends[0] if ends else None,
        results,
    )


def _result(airflow: str, promised: dict[str, Any], row: dict[str, Any] | None) -> Result:
    if row is None:
        return Result(promised["table"], promised["name"], airflow, "missing", outcome="the test never ended")
    told = {name: str(row[name]) for name in ("runs", "state", "remote", "outcome")}
    return Result(row["table"], row["name"], airflow, row["result"], failures=row["failures"], **told)
