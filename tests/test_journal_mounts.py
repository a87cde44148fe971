"""Local folders as they are: shares that are not mounted, mounts that cannot do everything, and several users."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.journals import MARKER, FolderJournal, file_name, is_marked, journals_in, listing, mark
from doubles import Lines
from records import failing, identity, intent, submitted, the_file_in


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "journal"
    made.mkdir()
    return made


def journal(folder: Path, **who: Any) -> FolderJournal:
    return FolderJournal(ObjectStoragePath(folder), identity(**who))


def warnings_of(lines: Lines) -> list[str]:
    return [line for line in lines.lines if line.startswith("WARNING") and MARKER in line]


# --- a share that is not mounted ---


def test_an_empty_folder_without_the_marker_is_warned_of_before_anything_is_sent(folder: Path, lines: Lines) -> None:
    assert journal(folder).read() is None
    journal(folder).replace(None, intent())
    [warning] = warnings_of(lines)
    assert str(folder) in warning
    assert "a share that is not mounted here" in warning
    assert "0.3.0" in warning


def test_with_require_marker_it_is_an_error_that_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__REQUIRE_MARKER", "True")
    with pytest.raises(WiroJournalError, match="python -m airflow_provider_wiro journal init") as caught:
        journal(folder).replace(None, intent())
    assert str(folder / MARKER) in str(caught.value)
    assert caught.value.retryable
    assert list(folder.iterdir()) == []
    (folder / MARKER).touch()  # by hand
    journal(folder).replace(None, intent())
    assert journal(folder).read() == intent()


def test_a_setting_that_is_neither_true_nor_false_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__REQUIRE_MARKER", "perhaps")
    with pytest.raises(WiroJournalError, match="require_marker"):
        journal(folder).replace(None, intent())


def test_a_marked_folder_is_silent(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__REQUIRE_MARKER", "True")
    assert not is_marked(folder)
    assert mark(ObjectStoragePath(folder)) == folder / MARKER
    assert is_marked(folder)
    assert is_marked(ObjectStoragePath(folder))
    journal(folder).replace(None, intent())
    assert warnings_of(lines) == []


def test_a_folder_of_an_earlier_version_counts_as_marked_and_gets_the_marker(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    path = folder / file_name(identity(run_id="earlier"))
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(submitted(identity=identity(run_id="earlier")).to_json()))
    monkeypatch.setenv("AIRFLOW__WIRO__REQUIRE_MARKER", "True")
    journal(folder).replace(None, intent())
    assert is_marked(folder)
    assert warnings_of(lines) == []


def test_a_folder_that_cannot_be_marked_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(WiroJournalError, match=MARKER):
        mark(tmp_path / "none")


def test_what_is_recorded_is_read_without_the_marker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal(folder).replace(None, intent())
    (folder / MARKER).unlink(missing_ok=True)
    monkeypatch.setenv("AIRFLOW__WIRO__REQUIRE_MARKER", "True")
    assert journal(folder).read() == intent()
    journal(folder).replace(intent(), submitted())
    assert journal(folder).read() == submitted()


def test_the_sweep_of_a_folder_that_may_be_the_wrong_one_finds_no_nothing(folder: Path) -> None:
    with pytest.raises(WiroJournalError, match=r"a share that is not mounted here.*journal init"):
        list(journals_in(ObjectStoragePath(folder), 0.0))
    mark(folder)
    assert list(journals_in(ObjectStoragePath(folder), 0.0)) == []


def test_a_folder_that_goes_away_reads_as_no_journal_and_is_not_made_again(folder: Path) -> None:
    mine = journal(folder)
    assert mine.read() is None
    shutil.rmtree(folder)
    with pytest.raises(WiroJournalError, match="is a share not mounted"):
        mine.read()
    with pytest.raises(WiroJournalError):
        mine.replace(None, intent())
    assert not folder.exists()


# --- a mount that cannot do everything ---


def only_for_folders(error: OSError) -> Callable[[int], None]:
    fsync = os.fsync

    def sync(number: int) -> None:
        if stat.S_ISDIR(os.fstat(number).st_mode):
            raise error
        fsync(number)

    return sync


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF])
def test_a_mount_whose_folders_cannot_be_synced_keeps_a_journal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", only_for_folders(OSError(number, os.strerror(number))))
    journal(folder).replace(None, intent())
    journal(folder).replace(intent(), submitted())
    assert journal(folder).read() == submitted()


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS])
def test_a_mount_whose_modes_are_its_own_keeps_a_journal(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "chmod", failing(OSError(number, os.strerror(number))))
    journal(folder).replace(None, intent())
    assert journal(folder).read() == intent()


def test_an_intent_whose_folder_cannot_be_synced_for_another_reason_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = journal(folder)
    mine.replace(None, intent())
    mine.replace(intent(), None)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", only_for_folders(OSError(errno.EIO, "Input/output error")))
        with pytest.raises(WiroJournalError, match="Input/output error"):
            mine.replace(None, intent())
    assert mine.read() is None


def without(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def patch(patched: pytest.MonkeyPatch) -> None:
        patched.setattr(os, name, failing(OSError(errno.EACCES, "Permission denied")))

    return patch


def creates_twice(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(os, "link", lambda here, there: shutil.copyfile(here, there))


def forgets(patched: pytest.MonkeyPatch) -> None:
    read = Path.read_bytes
    patched.setattr(Path, "read_bytes", lambda path: b"" if ".probe-" in path.name else read(path))


CANNOT: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "create a file": without("link"),
    "refuse to create a file that is there": creates_twice,
    "replace a file": without("replace"),
    "read back what was written": forgets,
    "list its files": without("scandir"),
}


@pytest.mark.parametrize("what", CANNOT)
def test_what_the_folder_cannot_do_is_said_before_anything_is_sent(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    mark(folder)
    with monkeypatch.context() as patched:
        CANNOT[what](patched)
        with pytest.raises(WiroJournalError, match=f"it does not {what}") as caught:
            journal(folder).replace(None, intent())
    assert str(folder) in str(caught.value)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == [MARKER]
    journal(folder).replace(None, intent())
    assert journal(folder).read() == intent()


def test_it_is_tried_out_once_for_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    link = os.link

    def count(here: Path, there: Path) -> None:
        written.append(there.name)
        link(here, there)

    monkeypatch.setattr(os, "link", count)
    for index in range(3):
        journal(folder, map_index=index).replace(None, intent(identity=identity(map_index=index)))
    assert len([name for name in written if name.startswith(".probe-")]) == 2  # made, and refused to make again
    assert len([name for name in written if name.startswith("map_index=")]) == 3


@pytest.mark.parametrize("broken", [OSError(errno.EIO, "Input/output error"), KeyboardInterrupt()])
def test_without_hard_links_no_half_record_is_ever_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch, broken: BaseException
) -> None:
    monkeypatch.setattr(os, "link", failing(OSError(errno.EOPNOTSUPP, "Operation not supported")))
    mine = journal(folder)
    mine.replace(None, intent())
    mine.replace(intent(), None)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", failing(broken))
        with pytest.raises((WiroJournalError, KeyboardInterrupt)):
            mine.replace(None, intent())
    assert mine.read() is None
    assert list(folder.rglob("*.json")) == []


# --- several users ---


@pytest.fixture
def private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    ("setting", "files", "folders"),
    [("0660", 0o660, 0o770), ("664", 0o664, 0o775), ("0666", 0o666, 0o777), ("", 0o644, 0o700)],
)
def test_other_users_of_the_group_can_write_beside_where_the_mode_says_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, private_umask: None, setting: str, files: int, folders: int
) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_MODE", setting)
    os.chmod(folder, 0o2770)
    mine = journal(folder)
    mine.replace(None, intent())
    mine.replace(intent(), submitted())
    path = the_file_in(folder)
    assert stat.S_IMODE(path.stat().st_mode) == files
    inside = [parent.stat().st_mode for parent in path.parents if parent.is_relative_to(folder) and parent != folder]
    assert [mode & 0o777 for mode in inside] == [folders] * 3
    assert all(mode & stat.S_ISGID for mode in inside)  # the group is handed down


@pytest.mark.parametrize("setting", ["0466", "0777", "rw", "0o9", "1660", "-660"])
def test_a_mode_that_keeps_no_journal_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_MODE", setting)
    with pytest.raises(WiroJournalError, match=r"\[wiro\] journal_mode = .*allowed: the mode of a file in octal"):
        journal(folder)


# --- the other records of the DAG run ---


def test_the_others_are_those_of_the_dag_run_without_ones_own(folder: Path) -> None:
    assert journal(folder).others() == []
    everyone = [
        identity(),
        identity(task_id="b"),
        identity(map_index=1),
        identity(run_id="another"),
        identity(dag_id="x"),
    ]
    for who in everyone:
        FolderJournal(ObjectStoragePath(folder), who).replace(None, intent(identity=who))
    found = journal(folder).others()
    assert {record.identity for record in found if not isinstance(record, WiroJournalError)} == set(everyone[1:3])
    assert len(found) == 2


def test_another_record_that_cannot_be_read_is_an_error_among_them(folder: Path) -> None:
    path = folder / file_name(identity(task_id="b"))
    path.parent.mkdir(parents=True)
    path.write_text("{")
    [error] = journal(folder).others()
    assert isinstance(error, WiroJournalError)
    assert str(path) in str(error)


@pytest.mark.parametrize("bound", ["MOST_OTHERS", "PATIENCE"])
def test_of_too_many_the_newest_are_read_and_the_rest_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    for index in range(5):
        who = identity(map_index=index)
        FolderJournal(ObjectStoragePath(folder), who).replace(None, intent(identity=who))
        os.utime(folder / file_name(who), (index, index))
    monkeypatch.setattr(listing, bound, 2 if bound == "MOST_OTHERS" else -1)
    *read, error = journal(folder).others()
    expected = [4, 3] if bound == "MOST_OTHERS" else []
    assert [record.identity.map_index for record in read if not isinstance(record, WiroJournalError)] == expected
    assert isinstance(error, WiroJournalError)
    assert f"{5 - len(expected)} more" in str(error)


# --- the names of files ---


def test_each_execution_of_a_loop_has_a_file_of_its_own_and_none_is_as_before() -> None:
    assert file_name(identity(map_index=3)).endswith("/map_index=3.json")
    assert file_name(identity(map_index=3, execution="body/2")).endswith("/map_index=3.body%2F2.json")
    long = file_name(identity(execution="ü" * 250)).rpartition("/")[2]
    assert len(long.encode()) <= 255
