"""Which journal a task instance has, as ``[wiro]`` of Airflow's configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import conf

from airflow_provider_wiro.journals.folder import FolderJournal, MovedJournal
from airflow_provider_wiro.journals.journal import Journal, as_journal_error
from airflow_provider_wiro.journals.state_store import StateStoreJournal
from airflow_provider_wiro.task_instance import identity_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

NO_JOURNAL = (
    "durable=True (the default) has nowhere to keep its journal: if this try fails after the submission, "
    "a retry may pay again. Set [wiro] journal_path to a folder that all workers share, or use Airflow 3.3 or newer"
)


def open_journal(context: Context) -> Journal | None:
    """Return the journal of the task instance; None where there is nowhere to keep one.

    ``[wiro] journal_path`` wins where it is set; it goes on with what is left in the Task State Store.

    :raises WiroJournalError: if the folder cannot be used.
    """
    identity = identity_of(context["ti"], context)
    store = context.get("task_state_store")
    kept = None if store is None else StateStoreJournal(store, identity)
    if (folder := journal_folder()) is None:
        return kept
    return FolderJournal(folder, identity) if kept is None else MovedJournal(folder, kept)


def journal_folder() -> ObjectStoragePath | None:
    """Return the folder that ``[wiro] journal_path`` names, None where it is not set.

    :raises WiroJournalError: if it cannot be used.
    """
    path = (conf.get("wiro", "journal_path", fallback="") or "").strip()
    if not path:
        return None
    with as_journal_error(f"the folder {path} of [wiro] journal_path", "used"):
        from airflow.providers.common.compat.sdk import ObjectStoragePath
        from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

        folder = ObjectStoragePath(path)
        if isinstance(folder.fs, LocalFileSystem):
            if "://" not in path and not path.startswith("/"):
                raise ValueError("a local path must be absolute")
            if not folder.is_dir():
                raise NotADirectoryError(
                    "it is not there: mount the share, or make it once, where all workers see the same one"
                )
        return folder
