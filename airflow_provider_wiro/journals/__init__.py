"""Where the journal of a task instance is kept: Airflow's Task State Store (3.3+), or a folder.

One journal belongs to all tries of one task instance. It holds at most one record, of the last submission.
"""

from __future__ import annotations

from airflow_provider_wiro.journals.folder import FolderJournal, MovedJournal, file_name
from airflow_provider_wiro.journals.journal import Journal
from airflow_provider_wiro.journals.listing import journals_in
from airflow_provider_wiro.journals.marker import MARKER, is_marked, mark
from airflow_provider_wiro.journals.opening import NO_JOURNAL, journal_folder, open_journal
from airflow_provider_wiro.journals.state_store import STATE_KEY, StateStoreJournal

__all__ = [
    "MARKER",
    "NO_JOURNAL",
    "STATE_KEY",
    "FolderJournal",
    "Journal",
    "MovedJournal",
    "StateStoreJournal",
    "file_name",
    "is_marked",
    "journal_folder",
    "journals_in",
    "mark",
    "open_journal",
]
