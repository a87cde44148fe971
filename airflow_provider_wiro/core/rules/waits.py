"""How waiting for a task ends: when it is given up, and the error that follows.

``PATIENCE`` is the rule for giving up on a task that shows no end: the first row that matches decides. ``ENDINGS`` says
for each way to end what the error is, ``STOPS`` what became of the task then: together they make the message.
"""

from __future__ import annotations

from collections.abc import Callable
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

NOT_STOPPED = "COULD NOT BE STOPPED and may still run and be paid: stop it in the Wiro dashboard"
RETRY = "An Airflow retry submits it again"


@dataclass(frozen=True, slots=True)
class Looks:
    """What the looks at a task that shows no end add up to.

    :param elsewhere: the connection leads to another service than the task's, now.
    :param outage: there is no good answer now, for whatever other reason; throttling is none.
    :param outlasted: either has lasted for ``outage_tolerance``.
    :param missing: Wiro says now that it does not know the task.
    :param lost: it has said so for longer than Wiro may need to show a task.
    :param errored: the task has been in ``task_error`` for ``task_error_grace``.
    :param waits_for_a_person: its status is one of realtime models alone.
    :param late: the deadline has passed.
    """

    elsewhere: bool = False
    outage: bool = False
    outlasted: bool = False
    missing: bool = False
    lost: bool = False
    errored: bool = False
    waits_for_a_person: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """One reason not to wait any longer.

    :param stops: whether the task is stopped then, where the wait stops tasks.
    """

    name: str
    matches: Callable[[Looks], bool]
    kind: Kind
    stops: bool


PATIENCE: tuple[Limit, ...] = (
    Limit(
        "the connection leads elsewhere", lambda s: s.elsewhere and (s.outlasted or s.late), "elsewhere", stops=False
    ),
    Limit("no good answer for too long", lambda s: s.outage and s.outlasted, "gave_up", stops=True),
    Limit("not found for too long", lambda s: s.lost, "not_found", stops=False),
    # It may have been accepted just now, so it is stopped all the same.
    Limit("not found when its time is over", lambda s: s.missing and s.late, "not_found", stops=True),
    Limit("a realtime model, which waits for a person", lambda s: s.waits_for_a_person, "realtime", stops=True),
    Limit("in task_error for too long", lambda s: s.errored, "stuck", stops=True),
    Limit("not finished in time", lambda s: s.late, "timeout", stops=True),
)


GIVEN_UP = frozenset(limit.kind for limit in PATIENCE)
"""The ways to end in which the wait is over, and the task may not be."""


def limit_of(looks: Looks) -> Limit | None:
    """Return the row that decides; None to go on waiting."""
    return next((limit for limit in PATIENCE if limit.matches(looks)), None)


@dataclass(frozen=True, slots=True)
class Ending:
    """What follows from one way to end.

    :param what: what happened, after the taskid.
    :param over: whether the task itself is over, so that there was nothing to stop.
    :param money: what happens to the money; empty where it depends on what stopping it came to.
    :param advice: what to do.
    :param retryable: whether an Airflow retry may submit again.
    :param watcher: what to do, for whoever has only waited for it; None: the same.
    """

    kind: Kind
    what: str
    error: type[WiroTaskError]
    over: bool
    money: str
    advice: str
    retryable: bool
    watcher: str | None = None


_CHANGE = "The same inputs would be refused again: change them, then clear this task"
NOT_AGAIN = (
    "It is not submitted again by itself: look at it in the Wiro dashboard. For a new generation, delete its record "
    "(or set another idempotency_key), then clear this task"
)

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
            "waits for a person, for its model is realtime",
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
            advice="Check that the connection is of the account that ran it, and look for it in the Wiro dashboard",
            retryable=False,
        ),
        Ending(
            "elsewhere",
            "cannot be looked at",
            WiroWrongService,
            over=True,
            money="It was not stopped: it runs on there, and may be paid",
            advice="Set the connection's host back, then clear this task: what is recorded of it is kept",
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
