"""The file that says of a local folder that it is the journal's: the place of a share that is not mounted has none."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_wiro.compat import conf
from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.journals.journal import as_journal_error

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import ObjectStoragePath

log = logging.getLogger(__name__)
MARKER = ".wiro-journal"
CONTENT = b"The journal of airflow-provider-wiro. Do not delete this file: without it, an empty folder is none.\n"


def mark(folder: ObjectStoragePath | Path) -> Path | None:
    """Put the marker into a local folder, and return its path; None for an object storage, which needs none.

    :raises WiroJournalError: if the folder is not there, or cannot be written.
    """
    if (root := _local(folder)) is None:
        return None
    with as_journal_error(f"the file {root / MARKER}", "written"):
        (root / MARKER).write_bytes(CONTENT)
    return root / MARKER


def is_marked(folder: ObjectStoragePath | Path) -> bool:
    """Return whether the folder has its marker, or is on an object storage and needs none."""
    root = _local(folder)
    return root is None or (root / MARKER).exists()


def check_marker(folder: ObjectStoragePath | Path) -> None:
    """Make sure that this is the journal's folder. One that holds records is, and gets the marker.

    :raises WiroJournalError: if it may be another one, and ``[wiro] require_marker`` is set. Else it is a warning.
    """
    if (root := _doubtful(folder)) is None:
        return
    doubt, advice = f"{_doubt(root)} Tries that see different folders pay twice.", _advice(root)
    with as_journal_error("[wiro] require_marker", "read"):
        required = conf.getboolean("wiro", "require_marker", fallback=False)
    if required:
        raise WiroJournalError(f"{doubt} Nothing was submitted, because [wiro] require_marker is set. {advice}")
    log.warning("%s From version 0.3.0 on this is an error before anything is submitted. %s", doubt, advice)


def check_listed(folder: ObjectStoragePath | Path) -> None:
    """Make sure that what is listed is the journal: that there is nothing in another folder says nothing.

    :raises WiroJournalError: if it may be another one.
    """
    if (root := _doubtful(folder)) is not None:
        raise WiroJournalError(f"{_doubt(root)} {_advice(root)}")


def _doubtful(folder: ObjectStoragePath | Path) -> Path | None:
    """Return the folder if it may be another one. One that holds records is the journal's, and gets the marker."""
    root = _local(folder)
    if root is None or is_marked(root):
        return None
    if not _holds_records(root):
        return root
    with suppress(WiroJournalError):  # another user's folder; it counts all the same
        mark(root)
    return None


def _doubt(root: Path) -> str:
    return (
        f"the folder {root} of [wiro] journal_path holds no record and no file {MARKER}, so that it may be the place "
        "of a share that is not mounted here."
    )


def _advice(root: Path) -> str:
    return (
        "Mount the share. If it is the right folder, run `python -m airflow_provider_wiro journal init` once, or make "
        f"the file {root / MARKER} by hand, empty"
    )


def _holds_records(root: Path) -> bool:
    inside = (folder for folder in root.glob("dag_id=*") if folder.is_dir())
    return any(name.endswith(".json") for folder in inside for _, _, names in os.walk(folder) for name in names)


def _local(folder: ObjectStoragePath | Path) -> Path | None:
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

    from airflow_provider_wiro.compat import ObjectStoragePath

    if not isinstance(folder, ObjectStoragePath):  # it is a Path too, on older versions
        return folder
    return Path(folder.path) if isinstance(folder.fs, LocalFileSystem) else None
