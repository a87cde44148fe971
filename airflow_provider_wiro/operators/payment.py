"""One generation, paid once: the Wiro task that an earlier try has left, or a Run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_provider_wiro.core.journal import OnUnknown, Record
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.task import Submission, Task
from airflow_provider_wiro.exceptions import WiroError, WiroJournalError, WiroJournalTaken, WiroSubmissionUnknown
from airflow_provider_wiro.operators.signals import signals_held

if TYPE_CHECKING:
    from airflow_provider_wiro.hooks.wiro import WiroHook
    from airflow_provider_wiro.journals import Journal


@dataclass(frozen=True, slots=True)
class Generation:
    """A Wiro task, and how this try came by it.

    :param attached: whether an earlier try has submitted it.
    :param finished: the task, if it had succeeded before this try began.
    """

    submission: Submission
    attached: bool = False
    finished: Task | None = None


class Payment:
    """Gets the one generation that a task instance pays for.

    :param journal: where it is written down; None: every call submits.
    :param intent: what to submit.
    :param inputs: the model's inputs.
    """

    def __init__(
        self,
        hook: WiroHook,
        journal: Journal | None,
        intent: Record,
        inputs: Mapping[str, object],
        on_unknown: OnUnknown,
        log: Log,
    ) -> None:
        self.taskid: str | None = None
        self.recorded = False
        self._hook = hook
        self._journal = journal
        self._intent = intent
        self._inputs = inputs
        self._on_unknown = on_unknown
        self._log = log
        self._deadline = math.inf

    def obtain(self, deadline: float) -> Generation:
        """Go on with the task of an earlier try, take its result, or submit. **A Run that is accepted may cost money.**

        :param deadline: unix time until which to wait at most where Wiro throttles.

        ``taskid`` is that of the task as soon as it is known, and ``recorded`` whether the next try will find it.

        :raises WiroError: if there is none; ``taskid`` then says whether there may be one all the same.
        """
        self._deadline = deadline
        try:
            found = None if self._journal is None else self._journal.read()
            return self._submit(None) if found is None else self._recover(found)
        except WiroJournalTaken:
            raise
        except WiroJournalError as error:
            raise WiroJournalError(
                f"{error}; nothing was submitted. Every worker must be able to read and write the journal"
            ) from error.__cause__

    def _recover(self, found: Record, *, lost_before: bool = False) -> Generation:
        from airflow_provider_wiro.core.recovery import Finished, Fresh

        assert self._journal is not None
        place = self._journal.place
        self.taskid = found.taskid  # whoever ends this try meanwhile wants that one stopped
        decision = self._hook.recover(
            found, self._intent, on_unknown=self._on_unknown, place=place, deadline=self._deadline
        )
        if isinstance(decision, Fresh):
            self.taskid = None
            return self._submit(found, lost_before=lost_before)
        kept = replace(decision.record, conn_id=self._intent.conn_id, stop_when_ended=self._intent.stop_when_ended)
        assert kept.taskid is not None
        self.taskid = kept.taskid
        self.recorded = kept == found or self._record(kept, found)
        assert kept.submitted_at is not None
        submission = Submission(kept.taskid, kept.submitted_at)
        return Generation(submission, not lost_before, decision.task if isinstance(decision, Finished) else None)

    def _submit(self, over: Record | None, *, lost_before: bool = False) -> Generation:
        intent = replace(self._intent, at=time.time()).instead_of(over)
        try:
            with signals_held(self._hook.interrupt):
                if self._journal is not None:
                    self._journal.replace(over, intent)
                return Generation(self._run(intent, over))
        except WiroSubmissionUnknown as error:
            if self._journal is None or lost_before:
                raise
            self._log.warning("the answer to the Run was lost; looking for it in Task/List (%s)", error)
        return self._recover(intent, lost_before=True)

    def _run(self, intent: Record, over: Record | None) -> Submission:
        try:
            submission = self._hook.run(intent.model, self._inputs, deadline=self._deadline)
        except WiroSubmissionUnknown:
            raise
        except WiroError:
            self._take_back(intent, over)
            raise
        self.taskid = submission.taskid
        self._log.info("taskid %s: Wiro accepted the Run of %s", submission.taskid, intent.model)
        self.recorded = self._record(intent.submitted(submission.taskid, submission.submitted_at), intent)
        return submission

    def _record(self, record: Record, over: Record) -> bool:
        """Write the taskid down. It is in the log, and goes to XCom next: that this fails ends nothing that is paid."""
        if self._journal is None:
            return False
        try:
            self._journal.replace(over, record)
        except WiroJournalTaken as error:
            self._log.error("taskid %s: %s; two Wiro tasks may run", record.taskid, error)
            return False
        except WiroJournalError as error:
            self._log.error(
                "taskid %s: %s; going on. Should this try be lost, the next one looks for it in Task/List",
                record.taskid,
                error,
            )
            return False
        self._log.info("taskid %s: written down in %s", record.taskid, self._journal.place)
        return True

    def _take_back(self, intent: Record, over: Record | None) -> None:
        """Write down again what the intent took the place of, since Wiro has accepted nothing."""
        if self._journal is None:
            return
        try:
            self._journal.replace(intent, over)
        except WiroJournalTaken as error:
            self._log.warning("nothing was submitted here; %s", error)
        except WiroJournalError as error:
            self._log.error("nothing was submitted, but %s; delete it before the next try", error)
