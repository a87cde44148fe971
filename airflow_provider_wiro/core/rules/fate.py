"""What becomes of the paid Wiro task when something happens here.

Everything that decides it lives in this file: what has happened, whether the taskid is recorded, whether Airflow will
try the task again, and whether the author wants kills to stop it. ``stages/ending.py`` only carries it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Happening(Enum):
    """What has happened to a try whose Wiro task is paid for."""

    ENDED = "a person or a timeout of Airflow's ended or cleared the task"
    WORKER_GOES = "only this worker goes away"
    SAVING = "it had finished, and its files were being saved"
    TAKEN_OVER = "a later try, or a triggerer, goes on with it"
    AIRFLOW_SILENT = "Airflow does not answer"
    NOT_ASKED = "Airflow could not be asked"
    STILL_NOT_ASKED = "Airflow could not be asked a second time"
    TIME_OVER = "the task's time is over"
    INTERRUPTED = "Ctrl-C"
    TRIGGER_BROKE = "the trigger raised, or could not be loaded"
    EVENT_UNREADABLE = "the trigger's event cannot be read"
    BROKE = "an error here, after the submission"


class Fate(Enum):
    """What becomes of the Wiro task."""

    LEAVE = "leave it"
    STOP = "stop it"
    WAIT_HERE = "wait for it here"
    ASK_AGAIN = "ask Airflow again"


KILLS = frozenset(
    {
        Happening.ENDED,
        Happening.WORKER_GOES,
        Happening.AIRFLOW_SILENT,
        Happening.NOT_ASKED,
        Happening.STILL_NOT_ASKED,
        Happening.INTERRUPTED,
    }
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: the first that fits decides.

    :param happenings: what has happened, any of these.
    :param found_again: whether the next try finds the Wiro task: its taskid is recorded, and another try really comes.
        None: either.
    :param cancel_on_kill: what the author wants. None: either.
    :param money: what happens to the money.
    """

    name: str
    happenings: frozenset[Happening]
    found_again: bool | None
    cancel_on_kill: bool | None
    fate: Fate
    money: str

    def fits(self, happening: Happening, found_again: bool, cancel_on_kill: bool) -> bool:
        """Return whether this row is about that."""
        return (
            happening in self.happenings
            and self.found_again in (None, found_again)
            and self.cancel_on_kill in (None, cancel_on_kill)
        )


NOT_CHARGED = "Wiro does not charge for a stopped task"
UNSAVED = "Was paid once: a retry or a clear saves it; without a record, no retry comes"
GOES_ON = "Paid once: the next try goes on with it"


def _rule(
    name: str,
    happening: Happening,
    fate: Fate,
    money: str,
    found_again: bool | None = None,
) -> Rule:
    return Rule(name, frozenset({happening}), found_again, None, fate, money)


RULES = (
    Rule("a kill with cancel_on_kill=False", KILLS, None, False, Fate.LEAVE, "It runs on, and is paid if it succeeds"),
    _rule("ended or cleared", Happening.ENDED, Fate.STOP, NOT_CHARGED),
    _rule("time over", Happening.TIME_OVER, Fate.STOP, NOT_CHARGED),
    _rule("Ctrl-C", Happening.INTERRUPTED, Fate.STOP, NOT_CHARGED),
    _rule("it was being saved", Happening.SAVING, Fate.LEAVE, UNSAVED),
    _rule("a later try has it already", Happening.TAKEN_OVER, Fate.LEAVE, "Paid once: that try goes on with it"),
    _rule("the worker goes, the next try goes on", Happening.WORKER_GOES, Fate.LEAVE, GOES_ON, True),
    _rule("the worker goes, no try finds it", Happening.WORKER_GOES, Fate.STOP, NOT_CHARGED, False),
    _rule("Airflow is silent, the next try goes on", Happening.AIRFLOW_SILENT, Fate.LEAVE, GOES_ON, True),
    _rule("Airflow is silent, no try finds it", Happening.AIRFLOW_SILENT, Fate.STOP, NOT_CHARGED, False),
    _rule("not asked, a try could find it", Happening.NOT_ASKED, Fate.ASK_AGAIN, "Not decided yet", True),
    _rule("not asked, no try finds it", Happening.NOT_ASKED, Fate.STOP, NOT_CHARGED, False),
    _rule("not asked a second time", Happening.STILL_NOT_ASKED, Fate.STOP, NOT_CHARGED),
    _rule("the trigger broke", Happening.TRIGGER_BROKE, Fate.WAIT_HERE, "Paid once: this worker waits for it"),
    _rule("an event that cannot be read", Happening.EVENT_UNREADABLE, Fate.STOP, NOT_CHARGED),
    _rule("an error, the next try goes on", Happening.BROKE, Fate.LEAVE, GOES_ON, True),
    _rule("an error, no try finds it", Happening.BROKE, Fate.STOP, NOT_CHARGED, False),
)


def fate_of(happening: Happening, *, recorded: bool, another_try: bool, cancel_on_kill: bool) -> Rule:
    """Return the row that decides.

    :param recorded: whether the journal holds the taskid.
    :param another_try: whether Airflow really tries the task again.
    :param cancel_on_kill: what the operator was told.
    """
    return next(rule for rule in RULES if rule.fits(happening, recorded and another_try, cancel_on_kill))
