"""What a try knows of the Wiro task that it pays for."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_wiro.core.calls import Stop
from airflow_provider_wiro.core.journal import Record


@dataclass
class PaidTask:
    """The one place for it. Signal handlers only set ``told_to_stop``; all else changes by the methods.

    :param told_to_stop: whether Airflow has told this try to end.
    :param taskid: the Wiro task; None while there is none, or none is known.
    :param service: the base URL of the service that it runs on; None where nobody wrote it down.
    :param submitted_at: unix time of its submission.
    :param attached: whether an earlier try has submitted it.
    :param recorded: whether the journal holds its taskid, so that the next try finds it.
    :param absent: whether the journal surely does not hold it, nor an intent of it: the next try would pay again.
    :param unwritten: the record that could not be written yet, and the one that it takes the place of.
    :param finished: whether it has succeeded, and is being saved.
    :param stopped: how stopping it went; None if it was not stopped here.
    """

    told_to_stop: bool = False
    taskid: str | None = None
    service: str | None = None
    submitted_at: float | None = None
    attached: bool = False
    recorded: bool = False
    absent: bool = False
    unwritten: tuple[Record, Record] | None = None
    finished: bool = False
    stopped: Stop | None = None

    def found(self, record: Record) -> None:
        """The journal holds this, of an earlier try."""
        self._set(record.taskid, record.base_url, record.submitted_at)
        self.attached = self.recorded = record.taskid is not None
        self.absent = False

    def obtained(self, taskid: str, service: str | None, submitted_at: float | None, *, attached: bool = False) -> None:
        """This try goes on with this one; whether the journal holds it is not known yet."""
        self._set(taskid, service, submitted_at)
        self.attached, self.recorded, self.absent = attached, False, False

    def written(self) -> None:
        """The journal holds the taskid."""
        self.recorded, self.absent, self.unwritten = True, False, None

    def is_absent(self) -> None:
        """The journal was read, and holds nothing of it: a person has deleted the record, or it came later."""
        self.absent = True

    def not_written(self, record: Record, over: Record) -> None:
        """The journal could not take the taskid."""
        self.recorded, self.unwritten = over.taskid == record.taskid, (record, over)

    def has_finished(self) -> None:
        """It has succeeded, and is being saved: there is nothing to stop any more, and much to lose."""
        self.finished = True

    def let_go(self) -> None:
        """There is nothing that would have to be stopped, or found again."""
        self._set(None, None, None)
        self.attached = self.recorded = False

    def was_stopped(self, stopped: Stop) -> None:
        """It was stopped here, or could not be."""
        self.stopped = stopped

    def _set(self, taskid: str | None, service: str | None, submitted_at: float | None) -> None:
        self.taskid, self.service, self.submitted_at = taskid, service, submitted_at
        self.unwritten = self.stopped = None
        self.finished = False
