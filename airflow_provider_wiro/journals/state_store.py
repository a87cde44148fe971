"""The journal in Airflow's Task State Store (3.3 and newer)."""

from __future__ import annotations

from typing import Any

from airflow_provider_wiro.core.journal import Identity
from airflow_provider_wiro.journals.journal import Journal

STATE_KEY = "wiro_journal"


class StateStoreJournal(Journal):
    """Kept in ``context["task_state_store"]``, for ever.

    :param store: Airflow's accessor. It says nothing of a write that failed, so each is read back; and it answers
        nothing where it could not look, so it is asked at least twice before a first record is written.
    """

    def __init__(self, store: Any, identity: Identity) -> None:
        super().__init__(identity)
        self._store = store

    @property
    def place(self) -> str:
        """Where it is, in words for a person who wants to delete it."""
        return f"the key {STATE_KEY} in Storage → Task State Store of this task instance"

    def _load(self) -> object:
        return self._store.get(STATE_KEY)

    def _create(self, kept: dict[str, object]) -> None:
        if self._store.get(STATE_KEY) is not None:
            raise FileExistsError
        self._set(kept)

    def _replace(self, kept: dict[str, object]) -> None:
        self._set(kept)

    def _set(self, kept: dict[str, object]) -> None:
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]

        self._store.set(STATE_KEY, kept, retention=NEVER_EXPIRE)
        if self._store.get(STATE_KEY) != kept:
            raise OSError("what was written cannot be read back")

    def _delete(self) -> None:
        self._store.delete(STATE_KEY)
        if self._store.get(STATE_KEY) is not None:
            raise OSError("it is still there")
