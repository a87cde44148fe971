"""Whether a submission is sent where the connection says how many tasks may run at Wiro at once (``max_active``).

The first row that matches decides. In doubt it is sent: Wiro's own limit (code 96) is the net.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Count:
    """What a reading of Wiro's list adds up to.

    :param active: how many tasks are not over, as far as the list was read; it is read until there are enough.
    :param most: how many may run at once.
    :param refused: why the list could not be read; None if it could.
    :param short: whether it was not read far enough back to show all that run.
    :param newest: the taskids of the newest tasks, over or not.
    """

    active: int
    most: int
    refused: str | None = None
    short: bool = False
    newest: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One row.

    :param submits: whether the submission is sent; else it waits, and counts again.
    :param warns: whether a WARNING says that nobody knows how many run.
    """

    name: str
    matches: Callable[[Count], bool]
    submits: bool
    warns: bool
    money: str


ROOM: tuple[Entry, ...] = (
    Entry(
        "as many tasks run as may",
        lambda count: count.active >= count.most,
        submits=False,
        warns=False,
        money="nothing is paid while it waits",
    ),
    Entry(
        "the list cannot be read",
        lambda count: count.refused is not None,
        submits=True,
        warns=True,
        money="paid, perhaps beside more than may run",
    ),
    Entry(
        "the list does not reach back to all that may run",
        lambda count: count.short,
        submits=True,
        warns=True,
        money="paid, perhaps beside more than may run",
    ),
    Entry("fewer tasks run than may", lambda count: True, submits=True, warns=False, money="paid"),
)


def entry_of(count: Count) -> Entry:
    """Return the row that decides."""
    return next(entry for entry in ROOM if entry.matches(count))
