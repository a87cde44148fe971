"""How the files of a journal's folder are reached: on a local path, or over a network."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_wiro.compat import conf
from airflow_provider_wiro.journals.files import Files
from airflow_provider_wiro.journals.journal import as_journal_error

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import ObjectStoragePath


def files_in(folder: ObjectStoragePath) -> Files:
    """Return how the files of a journal's folder are read and written."""
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

    if isinstance(folder.fs, LocalFileSystem):
        from airflow_provider_wiro.journals.local import LocalFiles

        return LocalFiles(folder.path, journal_mode())
    from airflow_provider_wiro.journals.storage import StoredFiles

    return StoredFiles(folder.fs, folder.path)


def journal_mode() -> int | None:
    """Return the mode of files that ``[wiro] journal_mode`` names, None where it is not set.

    :raises WiroJournalError: if it is no mode with which the owner can read and write.
    """
    text = (conf.get("wiro", "journal_mode", fallback="") or "").strip()
    if not text:
        return None
    with as_journal_error(f"[wiro] journal_mode = {text}", "used"):
        if not re.fullmatch(r"(0+o?)?6[0246]{2}", text):
            raise ValueError('allowed: the mode of a file in octal digits, from "0600" to "0666"')
        return int(text, 8)
