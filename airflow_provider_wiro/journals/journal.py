"""What a journal promises, wherever it is kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.text import in_words, one_line, steps
from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken


class Journal(ABC):
    """The journal of one task instance."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the record is, in words for a person who wants to delete it."""

    def others(self) -> list[Record | WiroJournalError] | None:
        """Return the records of the other task instances of the same DAG run; None where this worker cannot look.

        An error stands for each record that cannot be read, and for those that were too many to look at: whose Wiro
        task they name is not known.

        :raises WiroJournalError: if they cannot be listed.
        """
        return None

    def read(self) -> Record | None:
        """Return what the last try has written; None if there surely is nothing.

        :raises WiroJournalError: if it cannot be read. That is never "no record".
        """
        with as_journal_error(lambda: self.place, "read"):
            kept = self._load()
        if kept is None:
            return None
        try:
            record = Record.from_json(kept)
        except WiroJournalError as error:
            raise self._not_ours(str(error)) from None
        if record.identity != self.identity:
            raise self._not_ours(f"it is that of {record.identity}")
        return record

    def replace(self, over: Record | None, record: Record | None) -> None:
        """Write *record* in the place of *over*, and nowhere else: another try may run beside this one.

        Where *record* stands already, by a write that seemed to fail, nothing is done. Only what is new is written at
        once or not at all; over another record, some milliseconds remain between the look and the write.

        :param over: the record that must be there; None: there must be none.
        :param record: what to write; None: nothing is left.
        :raises WiroJournalTaken: if another try has written meanwhile; that one stands.
        :raises WiroJournalError: if it cannot be written. Where *record* is an intent, nothing may be sent then.
        """
        there = self.read()
        if there == record:
            return
        if there != over:
            raise self._taken(there)
        try:
            with as_journal_error(lambda: self.place, "written"):
                if record is not None and record.taskid is None:
                    self._check_place()
                self._write_over(over, record)
        except WiroJournalError as error:
            there = self._stands(record, error)
            if there != record:
                raise self._taken(there) from None

    def _not_ours(self, said: str) -> WiroJournalError:
        return WiroJournalError(
            f"{self.place} cannot be read as this task's record ({one_line(said, 400)}). An earlier try may have "
            "submitted a generation."
            + steps(
                "look in the Wiro dashboard whether there is one",
                "for a new generation, delete that record, or set durable=False",
                "then clear this task",
            )
        )

    def _write_over(self, over: Record | None, record: Record | None) -> None:
        if record is None:
            self._delete()
        elif over is None:
            self._create(record.to_json())
        else:
            self._replace(record.to_json())

    def _stands(self, record: Record | None, error: WiroJournalError) -> Record | None:
        """Look at what is there after a write that failed: its answer may have been lost on the way.

        :raises WiroJournalError: *error*, if neither *record* is there nor another try was the reason.
        """
        try:
            there = self.read()
        except WiroJournalError:
            raise error from error.__cause__
        if there == record or (isinstance(error, WiroJournalTaken) and there is not None):
            return there
        raise error from error.__cause__

    def _taken(self, there: Record | None) -> WiroJournalTaken:
        begun = "other uploads" if there is not None and not there.sent else "another intent"
        now = "nothing" if there is None else f"Wiro task {there.taskid}" if there.taskid else begun
        return WiroJournalTaken(f"another try of this task instance has changed {self.place}: it holds {now}")

    def _check_place(self) -> None:  # noqa: B027 - not every place needs it
        """Make sure, before anything is sent, that the place can keep what will be written."""

    @abstractmethod
    def _load(self) -> object: ...

    @abstractmethod
    def _create(self, kept: dict[str, object]) -> None:
        """Write it where there is none; FileExistsError if another one came first, where the place can tell."""

    @abstractmethod
    def _replace(self, kept: dict[str, object]) -> None: ...

    @abstractmethod
    def _delete(self) -> None: ...


@contextmanager
def as_journal_error(place: Callable[[], str] | str, what: str) -> Iterator[None]:
    """Turn whatever is raised into a WiroJournalError that names the place.

    :param what: what cannot be done with it: "read", "written".
    """
    try:
        yield
    except WiroJournalError:
        raise
    except Exception as error:
        shown = place if isinstance(place, str) else place()
        if isinstance(error, FileExistsError):
            taken = f"{shown} is there already: another try of this task instance submits"
            raise WiroJournalTaken(taken) from None
        said = in_words(error)
        raise WiroJournalError(f"{shown} cannot be {what} ({said})") from error
