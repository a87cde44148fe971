"""The trigger broke, and what the inputs render to has changed meanwhile: the taskid in XCom is this very try's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroNotStopped, WiroTaskTimeout
from doubles import FakeTaskInstance, Lines, context_of, statuses
from operators import defer, generic
from records import the_file_in
from taskids import FIRST

NOW, LATER = {"prompt": "at 12:00"}, {"prompt": "at 12:01"}
BROKEN = {"error": "Trigger failure", "traceback": ["ModuleNotFoundError"]}


def waited_for(wiro: WiroEmulator, break_it: Callable[[], object] = lambda: None, **arguments: Any) -> FakeTaskInstance:
    """Let a trigger break whose task's inputs render differently in the worker; return the task instance."""
    ti = FakeTaskInstance()
    ti.max_tries = 1
    defer(generic(deferrable=True, inputs=NOW, **arguments), ti)
    break_it()
    operator = generic(deferrable=True, inputs=LATER, **arguments)
    result = operator.resume_execution("__fail__", dict(BROKEN), context_of(ti))
    assert (result["taskid"], result["status"]) == (FIRST, "task_postprocess_end")
    assert wiro.count("Run") == 1
    assert wiro.count("Kill") == wiro.count("Cancel") == 0
    return ti


@pytest.mark.parametrize("push", [True, False])
def test_it_is_waited_for_without_a_journal(wiro_emulator: WiroEmulator, push: bool) -> None:
    ti = waited_for(wiro_emulator, do_xcom_push=push)
    assert ("wiro_generation" in ti.xcoms) is push


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("push", [True, False])
def test_it_is_waited_for_with_a_journal(wiro_emulator: WiroEmulator, lines: Lines, push: bool) -> None:
    waited_for(wiro_emulator, do_xcom_push=push)
    assert f"taskid {FIRST}: its trigger broke; waiting for it in this worker" in lines.text
    assert "its inputs were different" not in lines.text


@pytest.mark.parametrize("push", [True, False])
@pytest.mark.parametrize("content", ["", "{}", '{"version": 99}', "null"])
def test_where_the_record_cannot_be_read_then_too(
    wiro_emulator: WiroEmulator, journal_folder: Path, lines: Lines, content: str, push: bool
) -> None:
    waited_for(wiro_emulator, lambda: the_file_in(journal_folder).write_text(content), do_xcom_push=push)
    assert "the journal cannot be read, so XCom alone says" in lines.text


@pytest.mark.usefixtures("journal_folder")
def test_where_the_journal_cannot_be_opened_then_too(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited_for(wiro_emulator, lambda: monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", "nosuch://bucket/journal"))


def test_where_the_record_was_deleted_meanwhile_too(wiro_emulator: WiroEmulator, journal_folder: Path) -> None:
    waited_for(wiro_emulator, lambda: the_file_in(journal_folder).unlink())


@pytest.mark.usefixtures("journal_folder")
def test_where_what_the_inputs_render_to_now_could_not_even_be_sent(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    defer(generic(deferrable=True), ti)
    operator = generic(deferrable=True)
    operator.inputs = {"prompt": float("nan")}
    assert operator.resume_execution("__fail__", dict(BROKEN), context_of(ti))["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1


class WithoutXcom(FakeTaskInstance):
    """Its XCom can be written, and not be read."""

    def xcom_pull(self, **_: Any) -> Any:
        raise ConnectionError("the XCom backend is away")


@pytest.mark.usefixtures("journal_folder")
def test_where_xcom_cannot_be_read_the_journal_says_which_it_is(wiro_emulator: WiroEmulator) -> None:
    ti = WithoutXcom()
    defer(generic(deferrable=True, inputs=NOW), ti)
    operator = generic(deferrable=True, inputs=LATER)
    assert operator.resume_execution("__fail__", dict(BROKEN), context_of(ti))["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1


def test_where_neither_says_it_a_person_decides(all_held: WiroEmulator) -> None:
    ti = WithoutXcom()
    defer(generic(deferrable=True, inputs=NOW), ti)
    with pytest.raises(WiroNotStopped, match="XCom does not say which it is"):
        generic(deferrable=True, inputs=LATER).resume_execution("__fail__", dict(BROKEN), context_of(ti))
    assert statuses(all_held) == ["task_start"]


def test_airflow_3_0_says_when_the_worker_was_resumed_and_that_begins_no_time_anew(
    wiro_emulator: WiroEmulator,
) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    limited = partial(generic, deferrable=True, execution_timeout=timedelta(seconds=60))
    ti = FakeTaskInstance()
    defer(limited(), ti)
    ti.xcoms["wiro_generation"]["submitted_at"] -= 120
    with pytest.raises(WiroTaskTimeout):
        limited().resume_execution("__fail__", dict(BROKEN), context_of(ti))
    assert statuses(wiro_emulator) == ["task_cancel"]
