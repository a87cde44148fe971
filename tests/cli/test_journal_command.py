"""``python -m airflow_provider_wiro journal``: on real files, in this process."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_provider_wiro.cli import journal_acts, main
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.journals import MARKER, file_name
from records import identity, intent, submitted

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")

ONE = ("videos", "manual__2026-01-01", "video")


@pytest.fixture(autouse=True)
def process_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prepares its whole process."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_database: None) -> Path:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    return tmp_path


def write(folder: Path, record: Record) -> Path:
    path = folder / file_name(record.identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record.to_json()))
    return path


def journal(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code, said = main(["journal", *arguments]), capsys.readouterr()
    return code, said.out + said.err


def test_the_list_has_a_line_for_each_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, submitted(identity=identity(map_index=1)))
    write(folder, intent(at=1.0, identity=identity(dag_id="other dag")))
    code, said = journal(capsys, "list")
    first, second, last = said.splitlines()
    assert code == 0
    assert first.startswith("dag_id=other dag run_id=manual__2026-01-01 task_id=video map_index=-1 phase=intent")
    assert first.endswith(" state=no_such_dag at=1970-01-01T00:00:01Z")
    assert "map_index=1 phase=submitted taskid=2221 model=Runway/image-to-video-gen4-turbo" in second
    assert last == f"2 record(s) in the folder {folder}"


def test_the_list_needs_no_database(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: object) -> None:
        raise OSError("the database is away")

    monkeypatch.setattr(journal_acts, "states_of", away)
    write(folder, submitted())
    code, said = journal(capsys, "list")
    assert code == 0
    assert "taskid=2221" in said
    assert "state=" not in said
    assert "journal: the states of the tasks cannot be read: " in said


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        (("--dag-id", "videos"), 2),
        (("--dag-id", "nothing"), 0),
        (("--run-id", "another"), 1),
        (("--dag-id", "videos", "--run-id", "another"), 1),
        (("--dag-id", "other", "--run-id", "another"), 0),
    ],
)
def test_the_list_can_be_of_one_dag_or_run(
    folder: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], shown: int
) -> None:
    for fields in ({}, {"run_id": "another"}, {"dag_id": "other"}):
        write(folder, submitted(identity=identity(**fields)))
    code, said = journal(capsys, "list", *options)
    assert (code, len(said.splitlines())) == (0, shown + 1)


def test_what_cannot_be_read_is_listed_and_is_exit_code_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, submitted()).write_text('{"version": 99}')
    code, said = journal(capsys, "list")
    assert code == 1
    assert said.startswith("UNREADABLE: the file ")
    assert said.splitlines()[-1] == f"0 record(s) in the folder {folder}, 1 UNREADABLE"


def test_show_tells_what_a_record_says(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, submitted(identity=identity(map_index=3), earlier=("7", "8")))
    code, said = journal(capsys, "show", *ONE, "--map-index", "3")
    told = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert code == 0
    assert told["taskid"] == "2221"
    assert told["inputs"] == "prompt, ratio, duration, seed"
    assert told["earlier"] == "7, 8"
    assert told["place"] == f"the file {path}"


@pytest.mark.parametrize("act", ["show", "forget"])
def test_a_record_that_is_not_there_is_exit_code_1(folder: Path, capsys: pytest.CaptureFixture[str], act: str) -> None:
    write(folder, submitted(identity=identity(map_index=3)))
    code, said = journal(capsys, act, *ONE)
    assert code == 1
    assert said.startswith("journal: there is no record in the file ")


class Keyboard:
    """Standard input, with a person or without."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer

    def isatty(self) -> bool:
        return self.answer is not None

    def readline(self, *_: Any) -> str:
        return f"{self.answer}\n"


@pytest.mark.parametrize(("answer", "gone"), [("y", True), ("YES", True), ("n", False), ("", False), (None, False)])
def test_forget_asks_and_says_what_it_means_for_the_money(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: str | None, gone: bool
) -> None:
    path = write(folder, submitted())
    monkeypatch.setattr("sys.stdin", Keyboard(answer))
    code, said = journal(capsys, "forget", *ONE)
    assert "Wiro task 2221 is not stopped by this: if it runs or has finished, it is paid." in said
    assert "submits again, and pays for it" in said
    assert (code, path.exists()) == (0 if gone else 1, not gone)
    assert ("--yes" in said) == (answer is None)


def test_forget_does_not_ask_with_yes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, intent())
    code, said = journal(capsys, "forget", "--yes", *ONE)
    assert "not known whether Wiro accepted this submission" in said
    assert (code, path.exists()) == (0, False)


def test_what_was_only_uploaded_costs_nothing_to_forget(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(folder, intent(sent=False, uploads={"ab" * 32: "https://cdn.wiro.ai/private-name/a.png"}))
    code, said = journal(capsys, "show", *ONE)
    assert (code, re.findall(r"^phase +(.*)$|^uploads +(.*)$", said, re.M)) == (0, [("uploaded", ""), ("", "1")])
    assert "private-name" not in said
    code, said = journal(capsys, "forget", "--yes", *ONE)
    assert "Only files were uploaded, at no cost, and nothing was submitted" in said
    assert "paid" not in said
    assert (code, path.exists()) == (0, False)


def test_init_marks_the_folder_and_the_mark_is_no_record(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        said = f"{folder} is marked as a journal, by the file {folder / MARKER}.\n"
        assert journal(capsys, "init") == (0, said)
    assert len(list(folder.iterdir())) == 1
    assert journal(capsys, "list") == (0, f"0 record(s) in the folder {folder}\n")


def test_without_a_folder_there_is_nothing_to_mark(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__WIRO__JOURNAL_PATH", raising=False)
    code, said = journal(capsys, "init")
    assert code == 1
    assert said.startswith("journal: [wiro] journal_path is not set")


@pytest.mark.skipif(AIRFLOW_V_3_3_PLUS, reason="from Airflow 3.3 on there is always a journal: its state store")
def test_where_there_is_no_journal_the_command_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__WIRO__JOURNAL_PATH", raising=False)
    code, said = journal(capsys, "list")
    assert (code, said.startswith("journal: there is no journal")) == (1, True)


def test_of_what_is_saved_it_says_where(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = Landed("s3://media/2221/0.mp4", "0.mp4", 9, "cd" * 32)
    write(folder, replace(submitted(), landed=(file,)))
    code, said = journal(capsys, "show", *ONE)
    assert (code, re.findall(r"^(?:phase|saved) +(.*)$", said, re.M)) == (0, ["landed", file.uri])
