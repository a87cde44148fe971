"""Where the journal of a task instance is kept: Airflow's task state store (3.3+), or a folder.

One journal belongs to all tries of one task instance. It holds at most one record, of the Run that was sent last.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import conf

from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken
from airflow_provider_wiro.task_instance import identity_of

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, ObjectStoragePath

STATE_KEY = "wiro_journal"
LONGEST_NAME = 180
NO_HARD_LINKS = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM)

NO_JOURNAL = (
    "durable=True has nowhere to keep its journal: should this try fail after the Run, a retry may pay again. "
    "Set [wiro] journal_path to a folder that all workers share, or use Airflow 3.3 or newer"
)


def open_journal(context: Context) -> Journal | None:
    """Return the journal of the task instance; None where there is nowhere to keep one.

    ``[wiro] journal_path`` wins where it is set.

    :raises WiroJournalError: if the folder cannot be used.
    """
    identity = identity_of(context["ti"], context)
    if (folder := journal_folder()) is not None:
        return FolderJournal(folder, identity)
    store = context.get("task_state_store")
    return None if store is None else StateStoreJournal(store, identity)


def journal_folder() -> ObjectStoragePath | None:
    """Return the folder that ``[wiro] journal_path`` names, None where it is not set."""
    path = (conf.get("wiro", "journal_path", fallback="") or "").strip()
    if not path:
        return None
    with _as_journal_error(f"the folder {path} of [wiro] journal_path", "used"):
        from airflow.providers.common.compat.sdk import ObjectStoragePath
        from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

        folder = ObjectStoragePath(path)
        if isinstance(folder.fs, LocalFileSystem):
            if "://" not in path and not path.startswith("/"):
                raise ValueError("a local path must be absolute")
            if not folder.is_dir():
                raise NotADirectoryError("make it once, where all workers see the same one; is a share not mounted?")
        return folder


class Journal(ABC):
    """The journal of one task instance."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    @property
    @abstractmethod
    def place(self) -> str:
        """Where it is, in words for a person who wants to delete it."""

    def read(self) -> Record | None:
        """Return what the last try has written; None if there surely is nothing.

        :raises WiroJournalError: if it cannot be read. That is never "no record".
        """
        with _as_journal_error(self.place, "read"):
            kept = self._load()
        if kept is None:
            return None
        record = Record.from_json(kept)
        if record.identity != self.identity:
            raise WiroJournalError(f"{self.place} holds the record of {record.identity}")
        return record

    def begin(self, intent: Record, *, over: Record | None) -> None:
        """Write down that a Run is about to be sent.

        :param over: the record it takes the place of; None if there must be none.
        :raises WiroJournalError: if it cannot be written, or another try has written meanwhile; then nothing may be
            sent.
        """
        if over is not None:
            self._replace_only(over, intent)
            return
        with _as_journal_error(self.place, "written"):
            self._create(intent.to_json())

    def submitted(self, record: Record, *, over: Record) -> None:
        """Write down what has a taskid.

        :param over: the record it takes the place of.
        :raises WiroJournalError: if it cannot be written, or another try has written meanwhile.
        """
        self._replace_only(over, record)

    def clear(self, *, over: Record) -> None:
        """Forget the Run, which Wiro has refused.

        :param over: the record that is there.
        :raises WiroJournalError: if it cannot be deleted, or another try has written meanwhile.
        """
        self._replace_only(over, None)

    def _replace_only(self, over: Record, record: Record | None) -> None:
        """Write in the place of *over*: a try that Airflow has given up may still run beside the next one.

        No place compares and sets; between the look and the write remain milliseconds.
        """
        there = self.read()
        if there != over:
            now = "nothing" if there is None else f"Wiro task {there.taskid}" if there.taskid else "another intent"
            raise WiroJournalTaken(f"another try of this task instance has changed {self.place}: it holds {now}")
        with _as_journal_error(self.place, "written"):
            if record is None:
                self._delete()
            else:
                self._replace(record.to_json())

    @abstractmethod
    def _load(self) -> object: ...

    @abstractmethod
    def _create(self, kept: dict[str, object]) -> None:
        """Write it where there is none; where the place can tell, another one that came first is an error."""

    @abstractmethod
    def _replace(self, kept: dict[str, object]) -> None: ...

    @abstractmethod
    def _delete(self) -> None: ...


class StateStoreJournal(Journal):
    """Kept in ``context["task_state_store"]``, for ever.

    :param store: Airflow's accessor. It says nothing of a write that failed, so each is read back.
    """

    def __init__(self, store: Any, identity: Identity) -> None:
        super().__init__(identity)
        self._store = store

    @property
    def place(self) -> str:
        """Where it is, in words for a person who wants to delete it."""
        return f"the key {STATE_KEY} of this task instance's state store"

    def _load(self) -> object:
        return self._store.get(STATE_KEY)

    def _create(self, kept: dict[str, object]) -> None:
        # It cannot compare and set, and answers nothing where it could not look: at least it must say so twice.
        if self._store.get(STATE_KEY) is not None:
            raise FileExistsError
        self._replace(kept)

    def _replace(self, kept: dict[str, object]) -> None:
        from airflow.sdk import NEVER_EXPIRE  # type: ignore[attr-defined]

        self._store.set(STATE_KEY, kept, retention=NEVER_EXPIRE)
        if self._store.get(STATE_KEY) != kept:
            raise OSError("what was written cannot be read back")

    def _delete(self) -> None:
        self._store.delete(STATE_KEY)
        if self._store.get(STATE_KEY) is not None:
            raise OSError("it is still there")


class FolderJournal(Journal):
    """Kept as a JSON file, below a folder that all workers share."""

    def __init__(self, folder: ObjectStoragePath, identity: Identity) -> None:
        super().__init__(identity)
        self._fs = folder.fs
        self._file = f"{folder.path.rstrip('/')}/{file_name(identity)}"
        self._shown = f"{str(folder).rstrip('/')}/{file_name(identity)}"

    @property
    def place(self) -> str:
        """Where it is, in words for a person who wants to delete it."""
        return f"the file {self._shown}"

    def _load(self) -> object:
        try:
            kept = json.loads(self._fs.cat_file(self._file))
        except FileNotFoundError:
            return None
        if kept is None:
            raise ValueError("it says null")
        return kept

    def _create(self, kept: dict[str, object]) -> None:
        self._write(kept, exclusively=True)

    def _replace(self, kept: dict[str, object]) -> None:
        self._write(kept, exclusively=False)

    def _delete(self) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(self._file)

    def _write(self, kept: dict[str, object], *, exclusively: bool) -> None:
        from fsspec.implementations.local import LocalFileSystem

        content = json.dumps(kept).encode()
        if isinstance(self._fs, LocalFileSystem):
            write_locally(Path(self._file), content, exclusively=exclusively)
            return
        self._fs.makedirs(self._file.rpartition("/")[0], exist_ok=True)
        self._fs.pipe_file(self._file, content, mode="create" if exclusively else "overwrite")


def journals_in(folder: ObjectStoragePath, since: float) -> Iterator[Record | WiroJournalError]:
    """Read all journals in the folder that were written after *since* (unix time); for one that cannot be read, why.

    :raises WiroJournalError: if the folder is not there, or cannot be listed.
    """
    with _as_journal_error(f"the folder {folder}", "listed"):
        if not folder.exists():
            raise FileNotFoundError("it is not there; the first Run makes it, and each machine must see the same one")
        files = folder.fs.find(folder.path, detail=True)
    for path, about in files.items():
        if not path.endswith(".json") or (_written_at(about) or since) < since:
            continue
        try:
            with _as_journal_error("it", "read"):
                try:
                    kept = json.loads(folder.fs.cat_file(path))
                except FileNotFoundError:  # cleared meanwhile
                    continue
            yield Record.from_json(kept)
        except WiroJournalError as error:
            yield WiroJournalError(f"the file {path}: {error}")


def _written_at(about: Mapping[str, Any]) -> float | None:
    """Return what the file system says of when a file was written, where it does, each in a way of its own."""
    told = about.get("mtime") or about.get("LastModified") or about.get("last_modified")
    return told.timestamp() if isinstance(told, datetime) else told if isinstance(told, float) else None


def file_name(identity: Identity) -> str:
    """Return the path of the journal below its folder, in the manner of Airflow's logs."""
    named = {"dag_id": identity.dag_id, "run_id": identity.run_id, "task_id": identity.task_id}
    folders = [f"{name}={_file_safe(value)}" for name, value in named.items()]
    return "/".join([*folders, f"map_index={identity.map_index}.json"])


def _file_safe(name: str) -> str:
    safe = quote(name, safe="")
    if len(safe) <= LONGEST_NAME:
        return safe
    return f"{safe[: LONGEST_NAME - 33]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"


def write_locally(path: Path, content: bytes, *, exclusively: bool) -> None:
    """Write the file aside and put it in place at once, so that nobody ever reads a part of it.

    :raises FileExistsError: if it must not be there, and is.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as aside:
        try:
            aside.write(content)
            aside.flush()
            os.fsync(aside.fileno())
            os.chmod(aside.fileno(), 0o644)
            if exclusively:
                _put_where_there_is_none(Path(aside.name), path)
                os.unlink(aside.name)
            else:
                os.replace(aside.name, path)
        except BaseException:
            os.unlink(aside.name)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _put_where_there_is_none(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        with path.open("xb") as file:
            try:
                file.write(aside.read_bytes())
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                path.unlink()
                raise


@contextmanager
def _as_journal_error(place: str, what: str) -> Iterator[None]:
    try:
        yield
    except WiroJournalError:
        raise
    except FileExistsError:
        raise WiroJournalError(f"{place} is there already: another try of this task instance submits") from None
    except Exception as error:
        said = one_line(f"{type(error).__name__}: {error}", 200)
        raise WiroJournalError(f"{place} cannot be {what} ({said})") from error
