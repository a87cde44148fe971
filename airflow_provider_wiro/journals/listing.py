"""The records of many task instances, read from a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.journals.files import Files
from airflow_provider_wiro.journals.journal import as_journal_error
from airflow_provider_wiro.journals.marker import check_listed
from airflow_provider_wiro.journals.place import files_in

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import ObjectStoragePath

MOST_OTHERS = 1000
PATIENCE = 10.0


def journals_in(folder: ObjectStoragePath, since: float) -> Iterator[Record | WiroJournalError]:
    """Read all journals in the folder that were written after *since* (unix time); for one that cannot be read, why.

    :raises WiroJournalError: if the folder is not there, or cannot be listed.
    """
    check_listed(folder)
    with as_journal_error(f"the folder {folder}", "listed"):
        if not folder.exists():
            raise FileNotFoundError("it does not exist; the first submission makes it, where all machines see it")
        files = files_in(folder)
        found = files.find(files.root)
    for path, written_at in found.items():
        if path.endswith(".json") and (written_at or since) >= since and (record := _read(files, path)) is not None:
            yield record


def newest_in(files: Files, folder: str, *, but: str) -> list[Record | WiroJournalError]:
    """Read the newest records below a folder, at most 1,000 and within 10 s.

    :param but: a file that is not meant.
    """
    until = time.monotonic() + PATIENCE
    found = {path: at or 0.0 for path, at in files.find(folder).items() if path.endswith(".json") and path != but}
    newest = sorted(found, key=lambda path: found[path], reverse=True)
    records: list[Record | WiroJournalError] = []
    for number, path in enumerate(newest):
        if number == MOST_OTHERS or time.monotonic() > until:
            left = len(newest) - number
            records.append(WiroJournalError(f"{left} more records of this DAG run, which were too many to look at"))
            break
        if (record := _read(files, path)) is not None:
            records.append(record)
    return records


def _read(files: Files, path: str) -> Record | WiroJournalError | None:
    """Read one record; None if it has been cleared meanwhile, and in words why it cannot be read."""
    try:
        with as_journal_error("it", "read"):
            content = files.read(path)
            if content is None:
                return None
            kept = json.loads(content)
        return Record.from_json(kept)
    except WiroJournalError as error:
        return WiroJournalError(f"the file {path}: {error}")
