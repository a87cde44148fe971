"""What becomes of what an earlier try left: everything that decides it is in this table.

An earlier try of the task instance may have left a record; Wiro shows something of its task; the work that is wanted
now may be the same. Exactly one row holds for each combination; a condition of None holds for all. A row's name is the
id of its tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from airflow_provider_wiro.core.task import COMPLETED, Task
from airflow_provider_wiro.exceptions import (
    WiroError,
    WiroNotStopped,
    WiroOutputsGone,
    WiroSubmissionUnknown,
    WiroTaskFailed,
    WiroTaskNotFound,
    WiroUnreachable,
    WiroWrongService,
)


class Left(Enum):
    """What an earlier try left in the journal."""

    NOTHING = "nothing"
    UPLOADED = "uploaded files, and nothing was submitted"
    INTENT = "a submission whose answer is not known"
    SUBMITTED = "a taskid"
    LANDED = "a taskid, and its saved files, which are all there"
    MISSED = "a taskid, and its saved files, of which one is missing, or is to be elsewhere now"


class Shown(Enum):
    """What Wiro shows: of the recorded task, or, for an intent, in the list of tasks."""

    RUNNING = "running"
    SUCCEEDED = "finished well"
    EMPTY = "finished without outputs, not charged"
    EMPTY_CHARGED = "finished without outputs, but charged"
    FAILED = "failed, not charged"
    FAILED_CHARGED = "failed, but charged"
    CANCELLED = "cancelled"
    YOUNG = "not shown, and need not be shown yet"
    MISSING = "not shown, though it would have to be"
    UNREADABLE = "no good answer"
    DOUBTFUL = "a task that may be somebody else's"
    ELSEWHERE = "nothing: the connection leads to another service"


class Work(Enum):
    """Whether the work that is wanted now is that of the record."""

    SAME = "the same"
    CHANGED = "changed"


class Unknown(Enum):
    """What ``on_unknown_submission`` says."""

    FAIL = "fail"
    SUBMIT = "submit"


class Decision(Enum):
    """What is done."""

    ATTACH = "go on with it"
    TAKE = "take its outputs"
    TAKE_SAVED = "take its saved files"
    SUBMIT = "submit"
    STOP = "stop it, then submit"
    REFUSE = "submit nothing"


@dataclass(frozen=True, slots=True)
class Row:
    """One rule.

    :param money: what happens to the money.
    :param error: what is raised where nothing is submitted, or where it could not be stopped.
    """

    name: str
    left: frozenset[Left]
    shown: frozenset[Shown] | None
    work: Work | None
    unknown: Unknown | None
    decision: Decision
    money: str
    error: type[WiroError] | None = None

    def holds(self, left: Left, shown: Shown, work: Work, unknown: Unknown) -> bool:
        """Whether this row decides that combination."""
        return (
            left in self.left
            and (self.shown is None or shown in self.shown)
            and self.work in (None, work)
            and self.unknown in (None, unknown)
        )


_NOTHING, _INTENT, _LANDED = frozenset({Left.NOTHING}), frozenset({Left.INTENT}), frozenset({Left.LANDED})
_MISSED, _SUBMITTED = frozenset({Left.MISSED}), frozenset({Left.SUBMITTED, Left.MISSED})
_UPLOADED = frozenset({Left.UPLOADED})
_ANY = _INTENT | _SUBMITTED
# Nobody has seen it bring anything.
_UNSEEN = _ANY - _MISSED
_OVER = frozenset({Shown.EMPTY, Shown.FAILED, Shown.CANCELLED})
_CHARGED = frozenset({Shown.EMPTY_CHARGED, Shown.FAILED_CHARGED})
_NOT_KNOWN = frozenset({Shown.YOUNG, Shown.UNREADABLE, Shown.DOUBTFUL})


def _one(shown: Shown) -> frozenset[Shown]:
    return frozenset({shown})


RECALL: tuple[Row, ...] = (
    Row("nothing is recorded", _NOTHING, None, None, None, Decision.SUBMIT, "Pays for the first time."),
    Row(
        "only files were uploaded", _UPLOADED, None, None, None,
        Decision.SUBMIT, "Pays for the first time. What was uploaded is used again while Wiro has it.",
    ),
    Row(
        "its files are saved, and it is the same work", _LANDED, None, Work.SAME, None,
        Decision.TAKE_SAVED, "Was paid once: nothing is submitted, and Wiro is not asked.",
    ),
    Row(
        "its files are saved, and the work has changed", _LANDED, None, Work.CHANGED, None,
        Decision.SUBMIT, "Pays for the new one. The old one was paid too.",
    ),
    Row(
        "it runs, and is the same work", _ANY, _one(Shown.RUNNING), Work.SAME, None,
        Decision.ATTACH, "Is paid once: nothing is submitted.",
    ),
    Row(
        "it runs, and the work has changed", _ANY, _one(Shown.RUNNING), Work.CHANGED, None,
        Decision.STOP, "Pays for the new one. The old one is stopped first, and is not charged.", WiroNotStopped,
    ),
    Row(
        "it finished well, and is the same work", _ANY, _one(Shown.SUCCEEDED), Work.SAME, None,
        Decision.TAKE, "Was paid once: nothing is submitted.",
    ),
    Row(
        "it finished well, and the work has changed", _ANY, _one(Shown.SUCCEEDED), Work.CHANGED, None,
        Decision.SUBMIT, "Pays for the new one. The old one was paid too.",
    ),
    Row(
        "it brought nothing, and cost nothing", _UNSEEN, _OVER, None, None,
        Decision.SUBMIT, "Pays for the new one. The old one was not charged.",
    ),
    Row(
        "it failed but was charged, and is the same work", _UNSEEN, _one(Shown.FAILED_CHARGED), Work.SAME, None,
        Decision.REFUSE, "Was paid once. A person decides whether to pay again.", WiroTaskFailed,
    ),
    Row(
        "it has no outputs but was charged, and is the same work", _UNSEEN, _one(Shown.EMPTY_CHARGED), Work.SAME, None,
        Decision.REFUSE, "Was paid once. A person decides whether to pay again.", WiroOutputsGone,
    ),
    Row(
        "a saved file is missing, and Wiro no longer has its outputs", _MISSED, _OVER | _CHARGED, Work.SAME, None,
        Decision.REFUSE, "Was paid once. A person decides whether to pay again.", WiroOutputsGone,
    ),
    Row(
        "a saved file is missing, and the work has changed", _MISSED, _OVER, Work.CHANGED, None,
        Decision.SUBMIT, "Pays for the new one. The old one was paid too.",
    ),
    Row(
        "it brought nothing but was charged, and the work has changed", _ANY, _CHARGED, Work.CHANGED, None,
        Decision.SUBMIT, "Pays for the new one. The old one was paid too.",
    ),
    Row(
        "it is too young to be shown, and is the same work", _SUBMITTED, _one(Shown.YOUNG), Work.SAME, None,
        Decision.ATTACH, "Is paid once: nothing is submitted.",
    ),
    Row(
        "it is too young to be shown, and the work has changed", _SUBMITTED, _one(Shown.YOUNG), Work.CHANGED, None,
        Decision.REFUSE, "Pays nothing now. The old one may run on; an Airflow retry looks again.", WiroTaskNotFound,
    ),
    Row(
        "Wiro does not know it", _SUBMITTED, _one(Shown.MISSING), None, None,
        Decision.REFUSE, "Pays nothing. The old one may have been paid; a person decides.", WiroTaskNotFound,
    ),
    Row(
        "it cannot be read", _SUBMITTED, _one(Shown.UNREADABLE), None, None,
        Decision.REFUSE, "Pays nothing now. The old one may run on; an Airflow retry looks again.", WiroUnreachable,
    ),
    Row(
        "its taskid may be that of another service", _SUBMITTED, _one(Shown.DOUBTFUL), None, None,
        Decision.REFUSE, "Pays nothing, and stops nothing. The old one may run on; a person decides.", WiroWrongService,
    ),
    Row(
        "the connection leads to another service", _ANY, _one(Shown.ELSEWHERE), None, None,
        Decision.REFUSE, "Pays nothing, and stops nothing. The old one may run on where it was submitted.",
        WiroWrongService,
    ),
    Row(
        "its answer was lost, and Wiro has accepted nothing", _INTENT, _one(Shown.MISSING), None, None,
        Decision.SUBMIT, "Pays for the first time.",
    ),
    Row(
        "its answer was lost, and it is not known whether Wiro accepted it", _INTENT, _NOT_KNOWN, None, Unknown.FAIL,
        Decision.REFUSE, "Pays nothing. The old one may have been paid; a person decides.", WiroSubmissionUnknown,
    ),
    Row(
        "its answer was lost, and the author wants to submit all the same", _INTENT, _NOT_KNOWN, None, Unknown.SUBMIT,
        Decision.SUBMIT, "May pay twice, as on_unknown_submission=\"submit\" says.",
    ),
)  # fmt: skip


def row_for(left: Left, shown: Shown, work: Work, unknown: Unknown) -> Row:
    """Return the row that decides."""
    return next(row for row in RECALL if row.holds(left, shown, work, unknown))


def shown_of(task: Task) -> Shown:
    """Return what Wiro shows of *task*."""
    if not task.terminal:
        return Shown.RUNNING
    if task.status != COMPLETED:
        return Shown.CANCELLED
    if task.succeeded:
        return Shown.SUCCEEDED
    if task.pexit is None:
        return Shown.EMPTY_CHARGED if task.charged else Shown.EMPTY
    return Shown.FAILED_CHARGED if task.charged else Shown.FAILED
