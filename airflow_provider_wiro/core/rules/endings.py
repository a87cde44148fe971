"""What follows from each way in which waiting for a task ends.

``ENDINGS`` says for each way to end what the error is, ``STOPS`` what became of the task then: together they make the
message.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airflow_provider_wiro.exceptions import (
    WiroNoOutput,
    WiroTaskCancelled,
    WiroTaskError,
    WiroTaskFailed,
    WiroTaskFlagged,
    WiroTaskGaveUp,
    WiroTaskNotFound,
    WiroTaskStuck,
    WiroTaskTimeout,
    WiroWrongService,
)

Kind = Literal[
    "success",
    "failed",
    "charged",
    "flagged",
    "flagged_charged",
    "unreadable",
    "cancelled",
    "stuck",
    "realtime",
    "timeout",
    "gave_up",
    "not_found",
    "elsewhere",
]


def not_stopped(why: str = "") -> str:
    """Say of a task that it may run on, and what to do; *why* in words."""
    reason = f" ({why})" if why else ""
    return f"COULD NOT BE STOPPED{reason} and may still run and be paid: stop it in the Wiro dashboard"


NOT_STOPPED = not_stopped()
RETRY = "An Airflow retry submits it again"
CLEAR = "No Airflow retry comes: clear this task to submit it again"


@dataclass(frozen=True, slots=True)
class Ending:
    """What follows from one way to end.

    :param what: what happened, after the taskid.
    :param over: whether the task itself is over, so that there was nothing to stop.
    :param money: what happens to the money; empty where it depends on what stopping it came to.
    :param advice: what to do.
    :param retryable: whether an Airflow retry may submit again.
    :param watcher: what to do, for whoever has only waited for it; None: the same.
    :param first: what a person does before a new generation, for which the record must be deleted; None: it need not.
    """

    kind: Kind
    what: str
    error: type[WiroTaskError]
    over: bool
    money: str
    advice: str
    retryable: bool
    watcher: str | None = None
    first: str | None = None


_CHANGE = "The same inputs would be refused again: change them, then clear this task"
NOT_AGAIN = "It is not submitted again by itself"
LOOK = "look at it in the Wiro dashboard"

ENDINGS: dict[Kind, Ending] = {
    ending.kind: ending
    for ending in (
        Ending(
            "failed",
            "failed",
            WiroTaskFailed,
            over=True,
            money="Wiro shows no cost for it",
            advice="",
            retryable=True,
        ),
        Ending(
            "charged",
            "failed, but was charged",
            WiroTaskFailed,
            over=True,
            money="It is paid",
            advice=NOT_AGAIN,
            retryable=False,
            watcher="Look at it in the Wiro dashboard",
            first=LOOK,
        ),
        Ending(
            "flagged",
            "was refused by content moderation",
            WiroTaskFlagged,
            over=True,
            money="Wiro shows no cost for it",
            advice=_CHANGE,
            retryable=False,
            watcher="The same inputs would be refused again",
        ),
        Ending(
            "flagged_charged",
            "was refused by content moderation, but was charged",
            WiroTaskFlagged,
            over=True,
            money="It is paid",
            advice=_CHANGE,
            retryable=False,
            watcher="The same inputs would be refused again",
        ),
        Ending(
            "unreadable",
            "succeeded, but its outputs cannot be read",
            WiroNoOutput,
            over=True,
            money="It is paid",
            advice=NOT_AGAIN,
            retryable=False,
            watcher="Look at it in the Wiro dashboard",
            first=LOOK,
        ),
        Ending(
            "cancelled",
            "was cancelled",
            WiroTaskCancelled,
            over=True,
            money="Wiro does not charge for a cancelled task",
            advice="It was not cancelled by this Airflow task",
            retryable=True,
        ),
        Ending(
            "stuck",
            "stayed in error",
            WiroTaskStuck,
            over=False,
            money="",
            advice="",
            retryable=True,
        ),
        Ending(
            "realtime",
            "waits for a person, because its model is realtime",
            WiroTaskFailed,
            over=False,
            money="",
            advice="Use a model that is not realtime",
            retryable=False,
        ),
        Ending(
            "timeout",
            "was not finished in time",
            WiroTaskTimeout,
            over=False,
            money="",
            advice="Increase timeout or execution_timeout",
            retryable=True,
        ),
        Ending(
            "gave_up",
            "got no good answer from Wiro for too long",
            WiroTaskGaveUp,
            over=False,
            money="",
            advice="Increase outage_tolerance",
            retryable=True,
        ),
        Ending(
            "not_found",
            "is not known to Wiro",
            WiroTaskNotFound,
            over=True,
            money="Whether it was paid is not known",
            advice=NOT_AGAIN,
            retryable=False,
            watcher="Check that the connection is of the account that ran it, and look for it in the Wiro dashboard",
            first="check that the connection is of the account that ran it, and look for it in the Wiro dashboard",
        ),
        Ending(
            "elsewhere",
            "cannot be looked at",
            WiroWrongService,
            over=True,
            money="It was not stopped: it runs on there, and may be paid",
            advice="Set the connection's host back, then clear this task: its record is kept",
            retryable=False,
            watcher="Set the connection's host back, then clear this task",
        ),
    )
}

LOOK_AGAIN = frozenset({"gave_up", "stuck"})
"""The ends after which a retry helps whoever has only waited for it: it may find the task well again."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """What became of a task that was not over when its wait ended.

    :param what: what happened to it, in the sentence about it.
    :param money: what happens to the money.
    :param final: whether nothing may be submitted after it, so that the ending's advice does not help.
    """

    what: str
    money: str
    final: bool


STOPS: dict[bool | None, Stopping] = {
    True: Stopping("it was stopped", "Wiro does not charge for a stopped task", final=False),
    False: Stopping(f"it {NOT_STOPPED}", "", final=True),
    None: Stopping("it was not stopped", "It runs on, and is paid if it succeeds", final=True),
}
"""By whether it is surely over; None: nobody tried."""
