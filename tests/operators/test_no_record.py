"""A further try that finds no record says so before it pays; one that wants none stops and forgets what is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroTaskFailed
from airflow_provider_wiro.journals import FolderJournal
from airflow_provider_wiro.stages.paid import PaidTask
from doubles import FakeTaskInstance, Lines, statuses
from operators import defer, runway
from records import failing, the_file_in
from taskids import FIRST, SECOND
from tries import kept, lose_a_try, run_try, warnings_in

LOST = "and there is no record of an earlier one in the file"
FULL: dict[str, Any] = {"code": 96, "message": "At most 1 task can be active at once"}


def in_try(number: int) -> FakeTaskInstance:
    ti = FakeTaskInstance()
    ti.try_number = ti.max_tries = number
    return ti


def submit(**arguments: Any) -> None:
    defer(runway(deferrable=True, **arguments), FakeTaskInstance())


def lost_in(lines: Lines) -> list[str]:
    return [line for line in warnings_in(lines) if LOST in line]


@pytest.mark.parametrize("number", [2, 5])
def test_a_later_try_without_a_record_warns_once_before_it_pays(
    wiro_emulator: WiroEmulator, journal_folder: Path, lines: Lines, number: int
) -> None:
    run_try(ti=in_try(number))
    [warning] = lost_in(lines)
    assert f"this is try {number}, {LOST} {journal_folder}/" in warning
    assert "shows a taskid, its record is lost, or was deleted on purpose, and this try pays again" in warning
    accepted = next(place for place, line in enumerate(lines.lines) if "Wiro accepted" in line)
    assert lines.lines.index(warning) < accepted


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("deferrable", [False, True])
def test_it_warns_once_where_it_waits_for_room_too(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines, deferrable: bool
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.stages.room.SHORTEST", 0.01)
    wiro_emulator.script("Run", "code", times=2, **FULL)
    run_try(ti=in_try(2), deferrable=deferrable)
    assert wiro_emulator.count("Run") == 3
    assert len(lost_in(lines)) == 1


@pytest.mark.usefixtures("journal_folder")
def test_the_first_try_does_not_warn(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    run_try()
    assert lost_in(lines) == []


@pytest.mark.usefixtures("journal_folder")
def test_a_later_try_with_a_record_does_not_warn(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    with pytest.raises(WiroTaskFailed):
        run_try()
    run_try(ti=in_try(2))
    assert lost_in(lines) == []


@pytest.mark.parametrize("durable", [True, False])
def test_where_there_is_no_journal_it_is_not_the_record_that_is_missing(
    wiro_emulator: WiroEmulator, lines: Lines, durable: bool
) -> None:
    run_try(ti=in_try(2), durable=durable)
    assert lost_in(lines) == []


@pytest.mark.usefixtures("journal_folder")
def test_durable_false_stops_what_runs_and_forgets_it(all_held: WiroEmulator, lines: Lines) -> None:
    submit()
    submit(durable=False)
    assert statuses(all_held) == ["task_cancel", "task_start"]
    assert all_held.peak_active == 1
    assert kept() is None
    assert f"taskid {FIRST}: stopped" in lines.text
    assert "(durable=False submits a new one)" in lines.text


@pytest.mark.usefixtures("journal_folder")
def test_durable_false_forgets_what_has_finished_so_a_later_durable_clear_makes_a_new_one(
    wiro_emulator: WiroEmulator,
) -> None:
    assert run_try()["taskid"] == FIRST
    assert run_try(durable=False)["taskid"] == SECOND
    assert kept() is None
    third = run_try()["taskid"]
    assert third not in (FIRST, SECOND)
    assert wiro_emulator.count("Run") == 3


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("left", [{"wait_for_completion": False}, {"cancel_on_kill": False}], ids=str)
def test_durable_false_leaves_running_what_was_meant_to_run_on(all_held: WiroEmulator, left: dict[str, Any]) -> None:
    if left.get("wait_for_completion", True):
        submit(**left)
    else:
        run_try(**left)
    submit(durable=False)
    assert statuses(all_held) == ["task_start", "task_start"]
    assert kept() is None


@pytest.mark.parametrize("content", ["", "null", '{"version": 99}'])
def test_durable_false_only_warns_of_a_record_that_cannot_be_read(
    wiro_emulator: WiroEmulator, journal_folder: Path, lines: Lines, content: str
) -> None:
    run_try()
    the_file_in(journal_folder).write_text(content)
    assert run_try(durable=False)["taskid"] == SECOND
    [warning] = [line for line in warnings_in(lines) if "durable=False" in line]
    assert "an old record may remain; durable=True would go on with it" in warning


@pytest.mark.usefixtures("journal_folder")
def test_durable_false_only_warns_of_a_record_that_cannot_be_deleted(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    run_try()
    with monkeypatch.context() as patched:
        patched.setattr(FolderJournal, "_delete", failing(OSError(30, "Read-only file system")))
        assert run_try(durable=False)["taskid"] == SECOND
    assert "an old record may remain" in lines.text


def test_durable_false_warns_where_the_journal_cannot_be_opened(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", "nosuch://bucket/journal")
    assert run_try(durable=False)["taskid"] == FIRST
    assert "an old record may remain" in lines.text


@pytest.mark.usefixtures("journal_folder")
def test_durable_false_keeps_the_record_of_what_could_not_be_stopped(all_held: WiroEmulator, lines: Lines) -> None:
    submit()
    all_held.script("Kill", "code", code=0, message="Something went wrong", times=-1)
    all_held.script("Cancel", "code", code=0, message="Something went wrong", times=-1)
    submit(durable=False)
    assert f"ERROR taskid {FIRST} COULD NOT BE STOPPED" in lines.text
    left = kept()
    assert left is not None
    assert left.taskid == FIRST


def test_durable_false_says_that_nobody_looks_for_a_submission_whose_answer_was_lost(
    wiro_emulator: WiroEmulator, journal_folder: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    lose_a_try(monkeypatch, PaidTask, "obtained")
    assert run_try(durable=False)["taskid"] == SECOND
    assert kept() is None
    assert "WARNING durable=False, so it is not determined whether Wiro accepted the submission" in lines.text
