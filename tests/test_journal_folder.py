"""The journal in a folder: its files are whole or not there, and one that cannot be read is never taken for none."""

from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken
from airflow_provider_wiro.journals import FolderJournal, file_name
from records import failing, identity, intent, submitted, the_file_in


@pytest.fixture
def folder(tmp_path: Path) -> FolderJournal:
    return FolderJournal(ObjectStoragePath(tmp_path), identity())


UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "null": b"null",
    "false": b"false",
    "empty object": b"{}",
    "empty list": b"[]",
    "half a record": json.dumps(submitted().to_json()).encode()[:50],
    "another version": json.dumps(submitted().to_json() | {"version": 3}).encode(),
    "not text": b"\xff\xfe\x00",
    "zeros": bytes(400),
    "nested": b"[" * 100_000,
    "NaN": json.dumps(submitted().to_json() | {"at": float("nan")}).encode(),
    "a long number": b"9" * 10_000,
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_is_never_taken_for_none(
    folder: FolderJournal, tmp_path: Path, content: bytes
) -> None:
    folder.replace(None, intent())
    the_file_in(tmp_path).write_bytes(content)
    with pytest.raises(WiroJournalError) as caught:
        folder.read()
    assert caught.value.retryable
    assert len(str(caught.value)) < 1000
    for part in (str(the_file_in(tmp_path)), "look in the Wiro dashboard", "delete that record, or set durable=False"):
        assert part in str(caught.value)


def test_a_record_of_another_task_instance_is_never_taken_for_ones_own(folder: FolderJournal, tmp_path: Path) -> None:
    folder.replace(None, intent())
    the_file_in(tmp_path).write_text(json.dumps(submitted(identity=identity(run_id="another")).to_json()))
    with pytest.raises(WiroJournalError, match="look in the Wiro dashboard"):
        folder.read()


def test_a_file_that_is_a_folder_is_never_taken_for_none(folder: FolderJournal, tmp_path: Path) -> None:
    (tmp_path / file_name(identity())).mkdir(parents=True)
    with pytest.raises(WiroJournalError, match="cannot be read"):
        folder.read()


def test_a_journal_folder_that_is_a_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("")
    journal = FolderJournal(ObjectStoragePath(tmp_path / "journal"), identity())
    with pytest.raises(WiroJournalError, match="NotADirectory"):
        journal.replace(None, intent())


def test_an_error_names_the_file(folder: FolderJournal, tmp_path: Path) -> None:
    folder.replace(None, intent())
    path = the_file_in(tmp_path)
    path.write_text("{")
    with pytest.raises(WiroJournalError, match=r"cannot be read .*JSONDecodeError") as caught:
        folder.read()
    assert str(path) in str(caught.value)
    assert str(path) in folder.place


@pytest.mark.parametrize("broken", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied")])
def test_a_write_that_fails_leaves_the_record_before_it_whole(
    folder: FolderJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str, error: OSError
) -> None:
    folder.replace(None, intent())
    with monkeypatch.context() as patched:
        patched.setattr(os, broken, failing(error))
        with pytest.raises(WiroJournalError, match=f"cannot be written .{type(error).__name__}: .*{error.strerror}"):
            folder.replace(intent(), submitted())
    assert folder.read() == intent()
    assert the_file_in(tmp_path).suffix == ".json"


@pytest.mark.parametrize("broken", ["fsync", "link", "chmod"])
def test_an_intent_that_cannot_be_written_leaves_nothing(
    folder: FolderJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, broken, failing(OSError(28, "No space left on device")))
        with pytest.raises(WiroJournalError, match="cannot be written"):
            folder.replace(None, intent())
    assert folder.read() is None
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


class Died(BaseException):
    """The worker is no more."""


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_death_in_the_middle_of_a_write_leaves_the_record_before_it_whole(
    folder: FolderJournal, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    folder.replace(None, intent())
    with monkeypatch.context() as patched:
        patched.setattr(os, broken, failing(Died()))
        with pytest.raises(Died):
            folder.replace(intent(), submitted())
    assert folder.read() == intent()


def test_a_reader_sees_one_record_or_the_other_while_it_is_written(folder: FolderJournal) -> None:
    folder.replace(None, intent())
    over = threading.Event()
    seen: set[str | None] = set()

    def read() -> None:
        while not over.is_set():
            record = folder.read()
            assert record is not None
            seen.add(record.taskid)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        there = intent()
        for taskid in ("2221", "2222") * 20:
            folder.replace(there, submitted(taskid=taskid))
            there = submitted(taskid=taskid)
    finally:
        over.set()
        reader.join()
    assert seen <= {None, "2221", "2222"}


def test_of_two_tries_that_begin_at_once_exactly_one_submits(folder: FolderJournal, tmp_path: Path) -> None:
    for attempt in range(10):
        together = threading.Barrier(4)
        won: list[float] = []

        def begin(at: float, together: threading.Barrier = together, won: list[float] = won) -> None:
            together.wait()
            try:
                folder.replace(None, intent(at=at))
            except WiroJournalError:
                return
            won.append(at)

        threads = [threading.Thread(target=begin, args=(attempt * 10.0 + number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        [at] = won
        assert folder.read() == intent(at=at)
        folder.replace(intent(at=at), None)


def test_the_record_is_on_the_disk_before_the_run_is_sent(
    folder: FolderJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    fsync = os.fsync
    folder.replace(None, intent())  # what the folder can do is tried out once
    folder.replace(intent(), None)

    def keep(number: int) -> None:
        synced.append(os.fstat(number).st_mode)
        fsync(number)

    monkeypatch.setattr(os, "fsync", keep)
    folder.replace(None, intent())
    assert [stat.S_ISREG(mode) for mode in synced] == [True, False]
    folder.replace(intent(), submitted())
    assert [stat.S_ISREG(mode) for mode in synced] == [True, False, True, False]


def test_other_users_workers_can_read_it(folder: FolderJournal, tmp_path: Path) -> None:
    folder.replace(None, intent())
    assert stat.S_IMODE(the_file_in(tmp_path).stat().st_mode) == 0o644


def test_what_a_dead_worker_has_left_lying_about_is_no_matter(folder: FolderJournal, tmp_path: Path) -> None:
    folder.replace(None, intent())
    (the_file_in(tmp_path).parent / ".left.part").write_text("{")
    assert folder.read() == intent()
    folder.replace(intent(), submitted())
    assert folder.read() == submitted()


def test_a_folder_on_a_store_without_hard_links_is_still_a_folder(
    folder: FolderJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(OSError(95, "Operation not supported")))
    folder.replace(None, intent())
    assert folder.read() == intent()
    with pytest.raises(WiroJournalTaken, match="holds another intent"):
        folder.replace(None, intent(at=2.5))
