"""What this deployment has written down and what its database says of it, read from outside of a task."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence, Set
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.journals import STATE_KEY, FolderJournal, journal_folder, journals_in

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import ObjectStoragePath

IN_ONE_QUERY = 200
# Instead of the state of a task instance that is not in the database: its DAG is, or is not.
GONE, NO_SUCH_DAG = "gone", "no_such_dag"
ENDED = frozenset({"failed", "success", "skipped", "upstream_failed", "removed", GONE})
Coordinates = tuple[str, str, str, int]


class Recorded(ABC):
    """The journals of all task instances."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where they are, in words."""

    @abstractmethod
    def place_of(self, identity: Identity) -> str:
        """Where one of them is, in words for a person who wants to delete it."""

    @abstractmethod
    def since(self, moment: float) -> Iterator[Record | WiroJournalError]:
        """Read all that were written after *moment* (unix time); for one that cannot be read, why.

        :raises WiroJournalError: if it cannot be determined which there are.
        """

    @abstractmethod
    def of(self, identity: Identity) -> Record | None:
        """Read one again.

        :raises WiroJournalError: if it cannot be read.
        """

    @abstractmethod
    def forget(self, record: Record) -> None:
        """Delete *record*: a further try of its task instance then pays for a new generation.

        :raises WiroJournalError: if it cannot be deleted, or has changed meanwhile.
        """


def open_recorded() -> Recorded:
    """Return the journals where the workers keep them.

    :raises WiroJournalError: if there are none, or this process cannot reach them.
    """
    if (folder := journal_folder()) is not None:
        return InFolder(folder)
    if AIRFLOW_V_3_3_PLUS:
        return InStateStore()
    raise WiroJournalError("there is no journal: [wiro] journal_path is not set, and this Airflow has no state store")


class InFolder(Recorded):
    """In the folder of ``[wiro] journal_path``."""

    def __init__(self, folder: ObjectStoragePath) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """Where they are, in words."""
        return f"the folder {self._folder}"

    def place_of(self, identity: Identity) -> str:
        """Where one of them is."""
        return FolderJournal(self._folder, identity).place

    def since(self, moment: float) -> Iterator[Record | WiroJournalError]:
        """Read all that were written after *moment*."""
        self._folder.fs.invalidate_cache()  # an object storage keeps what it has listed before
        return journals_in(self._folder, moment)

    def of(self, identity: Identity) -> Record | None:
        """Read one again."""
        return FolderJournal(self._folder, identity).read()

    def forget(self, record: Record) -> None:
        """Delete *record*."""
        FolderJournal(self._folder, record.identity).replace(record, None)


class InStateStore(Recorded):
    """In the metadata database of Airflow 3.3 and newer."""

    def __init__(self) -> None:
        from airflow.state import get_state_backend
        from airflow.state.metastore import MetastoreBackend

        if not isinstance(backend := get_state_backend(), MetastoreBackend):
            raise WiroJournalError(
                f"the journal is kept by {type(backend).__name__} ([state_store] backend), which cannot be listed: "
                "set [wiro] journal_path"
            )

    @property
    def place(self) -> str:
        """Where they are, in words."""
        return f"the key {STATE_KEY} of Airflow's Task State Store"

    def place_of(self, identity: Identity) -> str:
        """Where one of them is."""
        return f"the key {STATE_KEY} in Storage → Task State Store of the task instance"

    def since(self, moment: float) -> Iterator[Record | WiroJournalError]:
        """Read all that were written after *moment*."""
        from airflow.models.task_state_store import TaskStateStoreModel

        for identity, value in _rows(TaskStateStoreModel.updated_at >= datetime.fromtimestamp(moment, UTC)):
            try:
                yield _read(identity, value)
            except WiroJournalError as error:
                yield error

    def of(self, identity: Identity) -> Record | None:
        """Read one again."""
        from airflow.models.task_state_store import TaskStateStoreModel as Row

        one = (Row.dag_id == identity.dag_id, Row.run_id == identity.run_id, Row.task_id == identity.task_id)
        records = [_read(*row) for row in _rows(*one, Row.map_index == identity.map_index)]
        return next((record for record in records if record.identity == identity), None)

    def forget(self, record: Record) -> None:
        """Delete *record*."""
        from airflow.models.task_state_store import TaskStateStoreModel as Row
        from airflow.utils.session import create_session
        from sqlalchemy import delete

        its = record.identity
        one = (Row.dag_id == its.dag_id, Row.run_id == its.run_id, Row.task_id == its.task_id)
        if self.of(its) != record:
            raise WiroJournalError(f"{self.place_of(its)} has changed meanwhile")
        with create_session() as session:
            session.execute(delete(Row).where(Row.key == STATE_KEY, *one, Row.map_index == its.map_index))


def _rows(*conditions: Any) -> list[tuple[Identity, str]]:
    from airflow.models.task_state_store import TaskStateStoreModel as Row
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = select(Row.dag_id, Row.run_id, Row.task_id, Row.map_index, Row.value)
    with create_session() as session:
        found = session.execute(query.where(Row.key == STATE_KEY, *conditions)).all()
    return [(Identity(dag_id, run_id, task_id, index), value) for dag_id, run_id, task_id, index, value in found]


def _read(identity: Identity, value: str) -> Record:
    try:
        kept = json.loads(value)
        if isinstance(kept, str):
            raise ValueError(
                "the database holds only a reference to it ([workers] state_store_backend), which cannot be followed "
                "here: set [wiro] journal_path"
            )
        return Record.from_json(kept)
    except (ValueError, WiroJournalError) as error:
        raise WiroJournalError(f"the journal of {identity}: {error}") from None


def states_of(identities: Sequence[Identity]) -> dict[Identity, str | None]:
    """Return the state of each task instance; ``GONE`` or ``NO_SUCH_DAG`` for one that is not there.

    The executions of a task loop (Airflow 3.4) are not told apart: while one has not ended, its state is that of all.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select, tuple_

    columns = (TaskInstance.dag_id, TaskInstance.run_id, TaskInstance.task_id, TaskInstance.map_index)
    states: dict[Coordinates, str | None] = {}
    asked = sorted({_coordinates(identity) for identity in identities})
    with create_session() as session:
        for start in range(0, len(asked), IN_ONE_QUERY):
            wanted = tuple_(*columns).in_(asked[start : start + IN_ONE_QUERY])
            for *of, state in session.execute(select(*columns, TaskInstance.state).where(wanted)):
                if states.get(key := cast("Coordinates", tuple(of)), GONE) in ENDED:
                    states[key] = state
    known = _known({key[0] for key in asked if key not in states})
    return {
        identity: states[key]
        if (key := _coordinates(identity)) in states
        else (GONE if identity.dag_id in known else NO_SUCH_DAG)
        for identity in identities
    }


def _coordinates(identity: Identity) -> Coordinates:
    return identity.dag_id, identity.run_id, identity.task_id, identity.map_index


def _known(dag_ids: Set[str]) -> set[str]:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    asked, known = sorted(dag_ids), set[str]()
    with create_session() as session:
        for start in range(0, len(asked), IN_ONE_QUERY):
            some = DagModel.dag_id.in_(asked[start : start + IN_ONE_QUERY])
            known |= set(session.execute(select(DagModel.dag_id).where(some)).scalars())
    return known
