"""A folder that is set while tasks run: what the task state store still holds is gone on with, never paid again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken
from airflow_provider_wiro.journals import FolderJournal, MovedJournal, StateStoreJournal, file_name, open_journal
from doubles import FakeTaskInstance, context_of
from records import StateStore, failing, identity, intent, submitted

pytestmark = pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="the task state store came with Airflow 3.3")


@pytest.fixture
def store() -> StateStore:
    return StateStore()


def moved(folder: Path, store: StateStore) -> MovedJournal:
    return MovedJournal(ObjectStoragePath(folder), StateStoreJournal(store, identity()))


def test_what_was_written_before_the_folder_was_set_is_found(
    tmp_path: Path, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    context: Any = dict(context_of(FakeTaskInstance())) | {"task_state_store": store}
    before = open_journal(context)
    assert before is not None
    before.replace(None, submitted())
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    journal = open_journal(context)
    assert isinstance(journal, FolderJournal)
    assert journal.read() == submitted()
    assert "Task State Store" in journal.place


def test_it_moves_when_it_is_written_next(tmp_path: Path, store: StateStore) -> None:
    StateStoreJournal(store, identity()).replace(None, intent())
    journal = moved(tmp_path, store)
    journal.replace(intent(), submitted())
    assert store.kept == {}
    assert FolderJournal(ObjectStoragePath(tmp_path), identity()).read() == journal.read() == submitted()
    assert str(tmp_path / file_name(identity())) in journal.place


def test_a_first_intent_is_not_written_beside_what_the_store_holds(tmp_path: Path, store: StateStore) -> None:
    journal = moved(tmp_path, store)
    assert journal.read() is None
    StateStoreJournal(store, identity()).replace(None, intent(at=2.5))  # a worker that does not know the folder yet
    with pytest.raises(WiroJournalTaken):
        journal.replace(None, intent())
    assert not list(tmp_path.rglob("*.json"))


def test_what_the_folder_holds_stands(tmp_path: Path, store: StateStore) -> None:
    StateStoreJournal(store, identity()).replace(None, submitted())
    FolderJournal(ObjectStoragePath(tmp_path), identity()).replace(None, submitted(taskid="2222"))
    journal = moved(tmp_path, store)
    assert journal.read() == submitted(taskid="2222")
    journal.replace(submitted(taskid="2222"), None)
    assert journal.read() == submitted()


def test_what_the_store_holds_can_be_forgotten(tmp_path: Path, store: StateStore) -> None:
    StateStoreJournal(store, identity()).replace(None, submitted())
    moved(tmp_path, store).replace(submitted(), None)
    assert moved(tmp_path, store).read() is None
    assert store.kept == {}


def test_a_store_that_cannot_be_read_is_never_taken_for_none(
    tmp_path: Path, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "get", failing(RuntimeError("API_SERVER_ERROR")))
    with pytest.raises(WiroJournalError, match="API_SERVER_ERROR"):
        moved(tmp_path, store).read()


def test_that_it_cannot_be_deleted_there_ends_nothing(
    tmp_path: Path, store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    StateStoreJournal(store, identity()).replace(None, intent())
    monkeypatch.setattr(store, "delete", failing(RuntimeError("API_SERVER_ERROR")))
    moved(tmp_path, store).replace(intent(), submitted())
    assert moved(tmp_path, store).read() == submitted()
