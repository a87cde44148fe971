"""A folder that is known to hold a journal, so that one that is not mounted is not taken for an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

NAME = ".wiro-journal"


def mark(folder: ObjectStoragePath) -> None:
    """Make the marker file in *folder*; one that is there stays."""
    (folder / NAME).touch()
