"""A Run without an answer, and a journal that fails: never a second Run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroJournalError,
    WiroRefused,
    WiroRequestError,
    WiroSubmissionUnknown,
    WiroUnreachable,
)
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import FolderJournal
from airflow_provider_wiro.stages import pay
from doubles import FakeTaskInstance, Lines
from operators import generic
from records import failing
from taskids import FIRST, SECOND
from tries import kept, lose_a_try, run_try

pytestmark = pytest.mark.usefixtures("journal_folder")


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("fault", ["drop_after", "no_taskid", "broken_json", "truncated"])
def test_a_run_whose_answer_is_lost_is_found_in_the_same_try(
    wiro_emulator: WiroEmulator, lines: Lines, fault: str, deferrable: bool
) -> None:
    wiro_emulator.script("Run", fault)
    assert run_try(deferrable=deferrable)["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1
    assert "may or may not have been accepted" in lines.text
    assert "Looking for its task in Task/List" in lines.text
    assert "before you run this task again" not in lines.text
    assert f"taskid {FIRST}: found in Task/List" in lines.text
    assert "earlier try" not in lines.text
    record = kept()
    assert record is not None
    assert record.taskid == FIRST


LIST_FAULTS: list[tuple[str, dict[str, Any]]] = [("5xx", {}), ("code", {"code": 1}), ("html", {})]


@pytest.mark.parametrize(("fault", "options"), LIST_FAULTS)
def test_a_run_that_cannot_be_looked_for_is_left_to_a_person(
    wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Run", "drop_after")
    wiro_emulator.script("List", fault, times=-1, **options)
    for _ in range(2):
        with pytest.raises(WiroSubmissionUnknown, match="Task/List brought no good answer") as caught:
            run_try()
        assert isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 1


def test_a_run_without_echoed_parameters_is_left_to_a_person(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(parameters="empty")
    wiro_emulator.script("Run", "drop_after")
    for _ in range(2):
        with pytest.raises(WiroSubmissionUnknown, match="do not show their parameters"):
            run_try()
    assert wiro_emulator.count("Run") == 1


def test_a_mapped_task_whose_answer_is_lost_is_found_where_its_siblings_records_can_be_read(
    wiro_emulator: WiroEmulator,
) -> None:
    ti = FakeTaskInstance()
    ti.map_index = 3
    wiro_emulator.script("Run", "drop_after")
    assert run_try(ti=ti)["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1


def test_a_task_of_another_model_with_the_same_inputs_is_not_adopted(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    WiroHook().run("owner/another-video", {"prompt": "x"})
    lose_a_try(monkeypatch, pay, "_begin", after=True, make=generic)
    assert run_try(generic)["taskid"] == SECOND
    assert [task.model for task in wiro_emulator.runs] == ["owner/another-video", "owner/video"]


@pytest.mark.parametrize("lost", [1, 2])
def test_after_two_lost_answers_the_same_try_asks_no_third_time(wiro_emulator: WiroEmulator, lost: int) -> None:
    wiro_emulator.script("Run", "drop_before", times=lost)
    if lost == 1:
        assert run_try(on_unknown_submission="submit")["taskid"] == FIRST
    else:
        with pytest.raises(WiroSubmissionUnknown):
            run_try(on_unknown_submission="submit")
    assert wiro_emulator.count("Run") == 2


def test_a_lost_answer_without_a_journal_is_not_retried(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.script("Run", "drop_after")
    with pytest.raises(WiroSubmissionUnknown) as caught:
        run_try(durable=False)
    assert isinstance(caught.value, AirflowFailException)
    assert (wiro_emulator.count("Run"), wiro_emulator.count("List")) == (1, 0)


NO_SPACE = OSError(28, "No space left on device")


def test_where_the_intent_cannot_be_written_nothing_is_sent(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.journals.local.os.fsync", failing(NO_SPACE))
    with pytest.raises(WiroJournalError, match="No space left on device") as caught:
        run_try()
    assert not isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 0
    monkeypatch.undo()


def test_a_journal_that_cannot_be_read_sends_nothing(wiro_emulator: WiroEmulator, journal_folder: Path) -> None:
    run_try()
    [path] = journal_folder.rglob("*.json")
    path.write_text('{"version": 1')
    with pytest.raises(WiroJournalError, match=re.escape(str(path))) as caught:
        run_try()
    assert not isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 1


def test_a_taskid_that_cannot_be_written_down_ends_nothing(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(FolderJournal, "_replace", failing(NO_SPACE))
        paid = run_try()
    assert re.search(rf"ERROR taskid {FIRST}: .*No space left on device.*going on", lines.text)
    assert run_try() == paid
    assert len(wiro_emulator.runs) == 1


REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("code", {"code": 0, "message": "Request parameters are invalid."}),
    ("code", {"code": 97, "message": "Insufficient balance"}),
    ("code", {"code": 98, "message": "Sign in"}),
    ("string_errors", {"message": "Request files [inputImage] required"}),
]


@pytest.mark.parametrize(("fault", "options"), REFUSALS)
def test_a_run_that_is_refused_leaves_no_intent(
    wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Run", fault, **options)
    with pytest.raises(WiroRequestError):
        run_try()
    assert kept() is None
    assert run_try()["taskid"] == FIRST


def test_a_rejected_key_leaves_no_intent(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.rotate_key("another", None)
    with pytest.raises(WiroRequestError):
        run_try()
    assert kept() is None


def test_a_service_that_cannot_be_reached_leaves_no_intent(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.stop()
    with pytest.raises(WiroRequestError, match="Nothing was submitted"):
        run_try()
    assert kept() is None


def test_an_intent_that_cannot_be_cleared_is_said_in_the_log_and_submitted_over_once_nothing_was_accepted(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    wiro_emulator.script("Run", "code", code=97, message="Insufficient balance")
    with monkeypatch.context() as patched:
        patched.setattr(FolderJournal, "_delete", failing(NO_SPACE))
        with pytest.raises(WiroRequestError, match="Insufficient balance"):
            run_try()
    assert re.search(r"ERROR nothing was submitted, but .*delete it", lines.text)
    assert run_try()["taskid"] == FIRST
    assert len(wiro_emulator.runs) == 1


def test_a_no_in_words_that_are_not_documented_is_a_refusal_once_the_list_shows_no_task(
    wiro_emulator: WiroEmulator,
) -> None:
    wiro_emulator.script("Run", "code", code=0, message="prompt is too long")
    with pytest.raises(WiroRefused, match="prompt is too long") as caught:
        run_try()
    assert isinstance(caught.value, AirflowFailException)
    assert kept() is None
    assert wiro_emulator.count("Run") == 1


def test_a_server_error_that_accepted_nothing_is_tried_again_by_airflow(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Run", "code", code=0, message="Internal server error, please retry later")
    with pytest.raises(WiroUnreachable, match="retry later") as caught:
        run_try()
    assert not isinstance(caught.value, AirflowFailException)
    assert kept() is None
    assert run_try()["taskid"] == FIRST
