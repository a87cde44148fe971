"""The page says what the recorder has written, and hides nothing that is red or missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaos_report.page import page
from chaos_report.results import Session, read_session

HEAD = {
    "kind": "session",
    "at": 1795349941.8,
    "python": "3.11.7",
    "postgres": "18.4",
    "provider": "0.2.0",
    "code": "c0de",
}
END = {"kind": "end", "seconds": 61.4}


def promise(name: str) -> dict[str, object]:
    return {"kind": "promised", "test": f"test_x.py::{name}", "table": "Kill points", "name": name}


def row(name: str, result: str = "passed", **told: object) -> dict[str, object]:
    facts = {"runs": 1, "state": "success", "remote": "task_postprocess_end", "outcome": "", "failures": [], **told}
    return {
        "kind": "row",
        "test": f"test_x.py::{name}",
        "table": "Kill points",
        "name": name,
        "result": result,
        **facts,
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def session(folder: Path, airflow: str, *lines: dict[str, object]) -> Session:
    file = folder / f"{airflow}.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in ({**HEAD, "airflow": airflow}, *lines)))
    read = read_session(file)
    assert read is not None
    return read


def line_of(text: str, name: str) -> str:
    (found,) = [line for line in text.splitlines() if line.startswith(f"| {name} |")]
    return found


def test_a_row_that_is_the_same_on_all_versions_is_told_once(folder: Path) -> None:
    sessions = [session(folder, version, promise("a kill"), row("a kill"), END) for version in ("3.3.2", "2.11.2")]
    assert [each.red for each in sessions] == [[], []]
    line = line_of(page(sessions, ["Kill points"]), "a kill")
    assert line == "| a kill | 1 | success | task_postprocess_end | 3.3.2: 1 of 1, 2.11.2: 1 of 1 |  |"


def test_versions_that_differ_have_rows_of_their_own(folder: Path) -> None:
    sessions = [
        session(folder, "3.3.2", promise("a kill"), row("a kill", remote="task_cancel"), END),
        session(folder, "2.11.2", promise("a kill"), row("a kill", remote="task_start", outcome="runs on"), END),
    ]
    lines = [line for line in page(sessions, []).splitlines() if line.startswith("| a kill |")]
    assert ["task_cancel" in line for line in lines] == [True, False]
    assert lines[1].endswith("| 2.11.2: 1 of 1 | runs on |")


def test_a_row_that_failed_is_red(folder: Path) -> None:
    read = session(folder, "3.3.2", promise("a kill"), row("a kill", "failed", failures=["call: boom"]), END)
    assert [(each.name, each.result) for each in read.red] == [("a kill", "failed")]
    assert "**failed**" in line_of(page([read], []), "a kill")
    assert "3.3.2: 0 of 1" in line_of(page([read], []), "a kill")


def test_a_row_that_never_ended_is_missing(folder: Path) -> None:
    read = session(folder, "3.3.2", promise("a kill"), promise("another"), row("a kill"))
    assert [(each.name, each.result) for each in read.red] == [("another", "missing")]
    assert read.seconds is None
    text = page([read], [])
    assert "**missing**" in line_of(text, "another")
    assert "| Kill points | 3.3.2 | 3.11.7 | 18.4 | 1 of 2 | not to the end | c0de | 2026-11-22 |" in text


def test_a_row_that_was_skipped_is_left_out(folder: Path) -> None:
    read = session(folder, "3.3.2", promise("a kill"), row("a kill", "skipped"), END)
    assert read.red == []
    assert "a kill" not in page([read], [])


def test_where_nothing_was_written_there_is_no_session(folder: Path) -> None:
    (folder / "empty.jsonl").touch()
    assert read_session(folder / "empty.jsonl") is None
    assert read_session(folder / "no-such-file.jsonl") is None


@pytest.mark.parametrize("other", ["0ther", "unknown"])
def test_a_page_of_different_code_says_so(folder: Path, other: str) -> None:
    first, second = (session(folder, version, promise("a kill"), row("a kill"), END) for version in ("3.3.2", "2.11.2"))
    assert "Not all of this ran on the same code" not in page([first, second], [])
    second.code = other
    assert "Not all of this ran on the same code" in page([first, second], [])
