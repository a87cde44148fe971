"""A task that waits for room has sent nothing: no intent is left to be looked for in the list of a busy account."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroRefused
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import FolderJournal
from airflow_provider_wiro.stages import limit, pay, room
from doubles import FakeTaskInstance, Lines
from operators import defer, generic
from records import failing
from taskids import FIRST, SECOND
from tries import kept, lose_a_try, run_try

pytestmark = pytest.mark.usefixtures("journal_folder")

FULL = {"code": 96, "message": "At most 1 task can be active at once"}


@pytest.fixture(autouse=True)
def no_long_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SHORTEST", 0.1)
    monkeypatch.setattr(limit, "SPREAD", 0.0)


def limit_to_one(emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = emulator.connection | {"extra": {"max_active": 1}}
    monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(connection))


def waits(deferrable: bool = True) -> TaskDeferred:
    deferred = defer(generic(deferrable=deferrable), FakeTaskInstance())
    assert deferred.method_name == "submit_again"
    return deferred


def test_of_an_earlier_try_that_died_before_it_sent_anything(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, pay, "_begin", after=True, make=generic)
    assert kept() is not None
    limit_to_one(wiro_emulator, monkeypatch)
    waits()
    assert kept() is None
    assert run_try(generic)["taskid"] == FIRST


def test_of_a_submission_of_the_same_try_that_never_arrived(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.script("Run", "drop_before")
    wiro_emulator.script("Run", "code", **FULL)
    waits()
    assert wiro_emulator.count("Run") == 2
    assert kept() is None


def test_what_it_took_the_place_of_is_there_again(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    wiro_emulator.outcome(pexit="1")
    with pytest.raises(Exception, match=f"Wiro task {FIRST} failed"):
        run_try(generic)
    before = kept()
    wiro_emulator.script("Run", "drop_before")
    wiro_emulator.script("Run", "code", **FULL)
    waits()
    assert kept() == before
    assert run_try(generic)["taskid"] == SECOND


def test_where_it_is_not_known_whether_it_was_accepted_the_intent_stays(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The author wants to submit all the same; until there is room, the lost one may still be found."""
    lose_a_try(monkeypatch, pay, "_begin", after=True, make=generic)
    wiro_emulator.script("List", "code", times=-1, code=1, message="There is no task list")
    wiro_emulator.script("Run", "code", **FULL)
    lost = kept()
    deferred = defer(generic(deferrable=True, on_unknown_submission="submit"), FakeTaskInstance())
    assert deferred.method_name == "submit_again"
    assert kept() == lost


def test_of_an_earlier_try_where_the_submission_is_refused(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, pay, "_begin", after=True, make=generic)
    wiro_emulator.script("Run", "code", code=97, message="Insufficient balance")
    with pytest.raises(WiroRefused):
        run_try(generic)
    assert kept() is None


def test_an_intent_that_cannot_be_taken_back_is_looked_for_again(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    lose_a_try(monkeypatch, pay, "_begin", after=True, make=generic)
    WiroHook().run("owner/another", {"prompt": "somebody else's"})
    wiro_emulator.script("Run", "code", **FULL)
    with monkeypatch.context() as patched:
        patched.setattr(FolderJournal, "_delete", failing(OSError(28, "No space left on device")))
        waits()
    assert kept() is not None
    assert "No space left on device" in lines.text
    assert "delete it before the next try" in lines.text
    assert run_try(generic)["taskid"] == SECOND


def test_the_tasks_of_earlier_tries_stay_known_where_an_intent_is_taken_back(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the search for a later lost answer could take one of them for its own."""
    wiro_emulator.outcome(pexit="1")
    with pytest.raises(Exception, match=f"Wiro task {FIRST} failed"):
        run_try(generic)
    lose_a_try(monkeypatch, pay, "_begin", after=True, make=generic)
    wiro_emulator.script("Run", "code", **FULL)
    waits()
    assert wiro_emulator.count("Run") == 2
    assert run_try(generic)["taskid"] == SECOND
    now = kept()
    assert now is not None
    assert now.earlier == (FIRST,)
