"""When waiting for a task is given up.

``PATIENCE`` is the rule for giving up on a task that shows no end: the first row that matches decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from airflow_provider_wiro.core.rules.endings import Kind
from airflow_provider_wiro.core.value import value


@value
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
