"""The journal as a JSON file below a folder that all workers share."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote

from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.journals.journal import Journal, as_journal_error
from airflow_provider_wiro.journals.listing import newest_in
from airflow_provider_wiro.journals.marker import check_marker
from airflow_provider_wiro.journals.place import files_in

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_wiro.journals.state_store import StateStoreJournal

log = logging.getLogger(__name__)
LONGEST_NAME = 180


class FolderJournal(Journal):
    """Kept as a JSON file, below a folder that all workers share.

    :param folder: as ``journal_folder`` returns it.
    """

    def __init__(self, folder: ObjectStoragePath, identity: Identity) -> None:
        super().__init__(identity)
        self._folder = folder
        self._files = files_in(folder)
        self._file = f"{self._files.root}/{file_name(identity)}"
        self._shown = f"{str(folder).rstrip('/')}/{file_name(identity)}"

    @property
    def place(self) -> str:
        """Where it is, in words for a person who wants to delete it."""
        return f"the file {self._shown}"

    def others(self) -> list[Record | WiroJournalError]:
        """Return the records of the other task instances of the same DAG run, the 1,000 newest, within 10 s."""
        run = self._file.rpartition("/")[0].rpartition("/")[0]
        with as_journal_error(f"the folder {run}", "listed"):
            return newest_in(self._files, run, but=self._file)

    def _check_place(self) -> None:
        check_marker(self._folder)
        self._files.probe(self._file)

    def _load(self) -> object:
        content = self._files.read(self._file)
        if content is None:
            return None
        try:
            kept: object = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._not_ours(f"{type(error).__name__}: {error}") from None
        if kept is None:
            raise self._not_ours("it says null")
        return kept

    def _create(self, kept: dict[str, object]) -> None:
        self._files.create(self._file, json.dumps(kept).encode())

    def _replace(self, kept: dict[str, object]) -> None:
        self._files.replace(self._file, json.dumps(kept).encode())

    def _delete(self) -> None:
        self._files.delete(self._file)


class MovedJournal(FolderJournal):
    """A journal in a folder, beside a Task State Store that may hold what was written before the folder was set.

    What the folder holds stands. A record that only the store holds is gone on with, and moves when it is written next.
    """

    def __init__(self, folder: ObjectStoragePath, before: StateStoreJournal) -> None:
        super().__init__(folder, before.identity)
        self._before = before
        self._left_behind = False

    @property
    def place(self) -> str:
        """Where it is, in words for a person who wants to delete it."""
        return self._before.place if self._left_behind else super().place

    def _load(self) -> object:
        self._left_behind = False
        if (kept := super()._load()) is None:
            kept = self._before._load()
            self._left_behind = kept is not None
        return kept

    def _replace(self, kept: dict[str, object]) -> None:
        if not self._left_behind:
            super()._replace(kept)
            return
        self._create(kept)
        self._left_behind = False
        try:
            self._before._delete()
        except Exception as error:
            log.warning("%s is copied to %s, but could not be deleted (%s)", self._before.place, self.place, error)

    def _delete(self) -> None:
        if self._left_behind:
            self._before._delete()
        else:
            super()._delete()


def file_name(identity: Identity) -> str:
    """Return the path of the journal below its folder, in the manner of Airflow's logs."""
    named = {"dag_id": identity.dag_id, "run_id": identity.run_id, "task_id": identity.task_id}
    folders = [f"{name}={_file_safe(value)}" for name, value in named.items()]
    execution = f".{_file_safe(identity.execution)}" if identity.execution else ""
    return "/".join([*folders, f"map_index={identity.map_index}{execution}.json"])


def _file_safe(name: str) -> str:
    safe = quote(name, safe="")
    if len(safe) <= LONGEST_NAME:
        return safe
    return f"{safe[: LONGEST_NAME - 33]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"
