"""A try that sleeps through its submission, and wakes when the next one has written: whose task is it then?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken, WiroNotStopped
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import FolderJournal, open_journal
from airflow_provider_wiro.stages import pay, record
from doubles import FakeTaskInstance, Lines, context_of, statuses
from operators import defer, runway
from records import the_file_in
from taskids import FIRST, SECOND
from tries import kept

pytestmark = pytest.mark.usefixtures("journal_folder")


@pytest.fixture
def while_it_sleeps(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen between the answer to the first submission and its being written down."""
    write_down = record.write_down

    def patch(happens: Callable[[], object]) -> None:
        def late(*arguments: object) -> None:
            monkeypatch.setattr(pay, "write_down", write_down)
            happens()
            write_down(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(pay, "write_down", late)

    return patch


def next_try(**arguments: object) -> None:
    defer(runway(deferrable=True, **arguments), FakeTaskInstance())


def forget_and_submit() -> None:
    """Submit anew, as a person does who deletes the record."""
    journal = open_journal(context_of(FakeTaskInstance()))
    assert journal is not None
    journal.replace(kept(), None)
    next_try()


def test_the_next_try_adopted_the_same_task_so_it_is_recorded_and_goes_on(
    all_held: WiroEmulator, while_it_sleeps: Callable[[Callable[[], object]], None], lines: Lines
) -> None:
    while_it_sleeps(next_try)
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    assert ti.xcoms["taskid"] == FIRST
    assert statuses(all_held) == ["task_start"]
    assert "ERROR" not in lines.text
    assert "two Wiro tasks" not in lines.text


def test_the_next_try_holds_another_task_so_this_ones_is_stopped_at_once(
    all_held: WiroEmulator, while_it_sleeps: Callable[[Callable[[], object]], None]
) -> None:
    while_it_sleeps(forget_and_submit)
    ti = FakeTaskInstance()
    with pytest.raises(WiroJournalTaken, match=rf"{SECOND}\. So this try's taskid {FIRST}: stopped") as caught:
        runway(deferrable=True).execute(context_of(ti))
    assert not caught.value.retryable
    assert statuses(all_held) == ["task_cancel", "task_start"]
    assert ti.xcoms == {}


@pytest.mark.parametrize(("begun", "said"), [("intent", "a submission of its own"), ("uploaded", "uploads of its own")])
def test_the_next_try_is_about_to_submit_so_this_ones_is_stopped_at_once(
    all_held: WiroEmulator, while_it_sleeps: Callable[[Callable[[], object]], None], begun: str, said: str
) -> None:
    def intend() -> None:
        journal, there = open_journal(context_of(FakeTaskInstance())), kept()
        assert journal is not None
        assert there is not None
        journal.replace(there, None)
        journal.replace(None, Record.from_json(there.to_json() | {"at": there.at + 1, "phase": begun}))

    while_it_sleeps(intend)
    with pytest.raises(WiroJournalTaken, match=rf"holds {said}\. So this try's"):
        runway().execute(context_of(FakeTaskInstance()))
    assert statuses(all_held) == ["task_cancel"]


def test_a_stop_that_fails_then_says_so(
    all_held: WiroEmulator, while_it_sleeps: Callable[[Callable[[], object]], None]
) -> None:
    def meanwhile() -> None:
        forget_and_submit()
        for call in ("Kill", "Cancel", "Detail"):
            all_held.script(call, "5xx", times=-1)

    while_it_sleeps(meanwhile)
    with pytest.raises(
        WiroNotStopped, match=rf"{SECOND}\. So this try's taskid {FIRST} COULD NOT BE STOPPED"
    ) as caught:
        runway(deferrable=True).execute(context_of(FakeTaskInstance()))
    assert caught.value.taskid == FIRST


def test_a_record_that_a_person_deleted_meanwhile_is_written_anew(
    all_held: WiroEmulator,
    while_it_sleeps: Callable[[Callable[[], object]], None],
    journal_folder: Path,
    lines: Lines,
) -> None:
    while_it_sleeps(lambda: the_file_in(journal_folder).unlink())
    defer(runway(deferrable=True), FakeTaskInstance())
    left = kept()
    assert left is not None
    assert left.taskid == FIRST
    assert statuses(all_held) == ["task_start"]
    assert f"WARNING taskid {FIRST}: the record was deleted during the submission" in lines.text


@pytest.mark.parametrize("adopted", [True, False])
def test_a_journal_that_cannot_be_read_then_is_asked_again(
    all_held: WiroEmulator,
    while_it_sleeps: Callable[[Callable[[], object]], None],
    monkeypatch: pytest.MonkeyPatch,
    adopted: bool,
) -> None:
    monkeypatch.setattr(record, "AT_ONCE", (0.01,))
    read, failures = FolderJournal.read, [WiroJournalError("the folder is away")]

    def away(self: FolderJournal) -> Record | None:
        found = read(self)
        if found is not None and found.taskid == (FIRST if adopted else SECOND) and failures and looking:
            raise failures.pop()
        return found

    looking: list[bool] = []

    def meanwhile() -> None:
        (next_try if adopted else forget_and_submit)()
        looking.append(True)

    monkeypatch.setattr(FolderJournal, "read", away)
    while_it_sleeps(meanwhile)
    if adopted:
        defer(runway(deferrable=True), FakeTaskInstance())
        assert statuses(all_held) == ["task_start"]
    else:
        with pytest.raises(WiroJournalTaken):
            runway(deferrable=True).execute(context_of(FakeTaskInstance()))
        assert statuses(all_held) == ["task_cancel", "task_start"]
    assert failures == []


def test_what_the_other_try_holds_is_never_touched(
    all_held: WiroEmulator, while_it_sleeps: Callable[[Callable[[], object]], None]
) -> None:
    while_it_sleeps(forget_and_submit)
    with pytest.raises(WiroJournalTaken):
        runway(deferrable=True).execute(context_of(FakeTaskInstance()))
    left = kept()
    assert left is not None
    assert left.taskid == SECOND
    WiroHook().stop(SECOND)
