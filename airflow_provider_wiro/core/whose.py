"""Whose a listed task is: that of the submission whose answer was lost, or somebody else's. Pure; asks nobody."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum

from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.rules.defaults import DEFAULTS
from airflow_provider_wiro.core.search import CLOCK_SKEW, KEPT_RIGHT, Listing, Row, most_ahead
from airflow_provider_wiro.core.work import NOT_THE_WORK, digest, loose_digest, slug
from airflow_provider_wiro.exceptions import WiroJournalError

# How long after its intent a submission may at most have arrived: its pauses, timeouts, and a Retry-After.
SENT_WITHIN = 1200.0
# Wiro tells the time of a task in whole seconds.
WHOLE_SECONDS = 1.0
Others = Sequence[Record | WiroJournalError] | None


@dataclass(frozen=True, slots=True)
class Proven:
    """The row is that of the lost submission."""

    row: Row


@dataclass(frozen=True, slots=True)
class Doubt:
    """A person must decide.

    :param why: in words.
    """

    why: str


@dataclass(frozen=True, slots=True)
class NothingAccepted:
    """No listed task can be that of the lost submission."""


Found = Proven | Doubt | NothingAccepted


class Likeness(Enum):
    """How much a row looks like a record."""

    SAME = "the same model as far as shown, and just these inputs"
    POSSIBLE = "perhaps this one"
    OTHER = "surely another model, or another value of an input"


def judge(lost: Record, listing: Listing, others: Others) -> Found:
    """Say which row is the task of an intent.

    :param others: the records of other task instances, read after the list was, with errors for those that cannot be
        read; None: they cannot be listed.
    """
    owners = _owners(lost, others or ())
    rows = [row for row in listing.rows.values() if row.task.taskid not in lost.earlier]
    rows = [row for row in rows if row.task.taskid not in owners.surely]
    alike = {row.task.taskid: likeness(row, lost) for row in rows}
    ahead = _most_ahead(lost, listing, others or ())
    possible = [row for row in rows if alike[row.task.taskid] is not Likeness.OTHER]
    possible = [row for row in possible if row.created <= lost.at + SENT_WITHIN + CLOCK_SKEW + ahead]
    if not possible:
        return NothingAccepted()
    if lost.identity.mapped and others is None:
        return Doubt("a mapped task cannot be told from its siblings, whose records cannot be listed here")
    if not lost.inputs:
        return Doubt("it has no inputs")
    timely = [row for row in possible if row.created <= lost.at + SENT_WITHIN + ahead]
    if silent := sum(not row.parameters for row in timely):
        return Doubt(f"{silent} task(s) of that time do not show their parameters")
    same = [row for row in timely if alike[row.task.taskid] is Likeness.SAME]
    if not same:
        return Doubt(f"no task of that time has exactly its inputs, but it may be one of these: {_named(possible)}")
    if len(same) > 1:
        return Doubt(f"{len(same)} tasks of that time have the same inputs: {_named(same)}")
    why = _why_not(lost, same[0], owners, ahead)
    return Proven(same[0]) if why is None else Doubt(why)


def _why_not(lost: Record, row: Row, owners: _Owners, ahead: float) -> str | None:
    """Say why the only row with the inputs of a lost submission may not be its own."""
    taskid = row.task.taskid
    if row.created <= lost.at + ahead - WHOLE_SECONDS - KEPT_RIGHT:
        clock = f"; Wiro's clock may be {ahead:.0f} s ahead" if ahead >= WHOLE_SECONDS else ""
        return f"task {taskid} has the same inputs, but it may be older than the submission{clock}"
    if owners.unreadable:
        return f"task {taskid} has its inputs, but it may belong to a task whose record cannot be read"
    if (owner := owners.perhaps.get(taskid)) or (owner := _intent_of(row, owners, ahead)):
        return f"the only task of that time with its inputs, {taskid}, may belong to {_who(owner)}"
    return None


@dataclass(slots=True)
class _Owners:
    """Whose the tasks are that stand in other records.

    :param perhaps: by taskid, where a record does not say of which service it is.
    :param intents: the records without a taskid.
    """

    surely: set[str] = field(default_factory=set)
    perhaps: dict[str, Identity] = field(default_factory=dict)
    intents: list[Record] = field(default_factory=list)
    unreadable: bool = False


def _owners(lost: Record, others: Iterable[Record | WiroJournalError]) -> _Owners:
    owners = _Owners()
    for other in others:
        if isinstance(other, WiroJournalError):
            owners.unreadable = True
            continue
        if other.identity == lost.identity or _is_elsewhere(other, lost):
            continue
        if other.taskid is None and other.sent:
            owners.intents.append(other)
        taskids = {taskid for taskid in (other.taskid, *other.earlier) if taskid is not None}
        if _is_here(other, lost):
            owners.surely |= taskids
        else:
            owners.perhaps |= dict.fromkeys(taskids, other.identity)
    return owners


def _is_here(other: Record, lost: Record) -> bool:
    if other.base_url is None and lost.base_url is None:
        return other.conn_id == lost.conn_id
    return None not in (other.base_url, lost.base_url) and not _is_elsewhere(other, lost)


def _is_elsewhere(other: Record, lost: Record) -> bool:
    here, there = lost.base_url, other.base_url
    return here is not None and there is not None and not same_service(here, there)


def _intent_of(row: Row, owners: _Owners, ahead: float) -> Identity | None:
    return next((other.identity for other in owners.intents if _may_own(other, row, ahead)), None)


def _may_own(other: Record, row: Row, ahead: float) -> bool:
    if not other.at - CLOCK_SKEW <= row.created <= other.at + SENT_WITHIN + CLOCK_SKEW + ahead:
        return False
    return likeness(row, other) is not Likeness.OTHER


def _most_ahead(lost: Record, listing: Listing, others: Iterable[Record | WiroJournalError]) -> float:
    """Return how far Wiro's clock is, or may be, ahead of that of the worker which wrote the intent.

    Wiro dates the tasks of other records by the same clock as the lost one, so they show what the difference is. They,
    and the ``Date`` of the answers, can only raise it above 0: a measure may widen the doubt, and never makes a match
    certain, for the workers' clocks may differ too.
    """
    measured = [
        most_ahead(row.created - other.submitted_at, row.created + WHOLE_SECONDS - other.at)
        for other in others
        if isinstance(other, Record) and other.submitted_at is not None and _is_here(other, lost)
        if (row := listing.rows.get(other.taskid or "")) is not None
    ]
    return max(0.0, listing.ahead or 0.0, *measured)


def likeness(row: Row, record: Record) -> Likeness:
    """Say how much a row looks like what *record* is of."""
    if _is_other_model(row.model, record.model) or _is_other_work(row.parameters, record.loose or {}):
        return Likeness.OTHER
    extras = {name: value for name, value in row.parameters.items() if name not in record.inputs}
    defaults = DEFAULTS.get(slug(record.model), {})
    explained = all(
        name in NOT_THE_WORK or (name in defaults and digest(value) == digest(defaults[name]))
        for name, value in extras.items()
    )
    equal = all(name in row.parameters and digest(row.parameters[name]) == of for name, of in record.inputs.items())
    return Likeness.SAME if explained and equal else Likeness.POSSIBLE


def _is_other_model(shown: str, model: str) -> bool:
    """Whether owner or name surely is another: how Wiro writes a slug is not known to the letter."""
    pairs = zip(shown.partition("/")[::2], model.partition("/")[::2], strict=True)
    bare = [(_bare(of_row), _bare(ours)) for of_row, ours in pairs]
    return any(of_row not in ("", ours) for of_row, ours in bare)


def _bare(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _is_other_work(parameters: Mapping[str, object], loose: Mapping[str, str]) -> bool:
    """Whether an input surely is another one. A value that Wiro has rewritten, and an address, prove nothing."""
    shown = {name: parameters[name] for name in loose if name in parameters}
    return any(_is_plain(value) and loose_digest(value) != loose[name] for name, value in shown.items())


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and str(value).strip() != "" and "://" not in str(value)


def differing(parameters: Mapping[str, object], inputs: Mapping[str, str]) -> list[str]:
    """Return the inputs that surely have another value: one that is shown, is no file, list or object, and differs.

    Wiro may rewrite the URL of a file, and write a number or a text a little differently.
    """
    shown = {name: of for name, of in inputs.items() if name in parameters and not name.lower().endswith("url")}
    return [name for name, of in shown.items() if _surely_differs(parameters[name], of)]


def _surely_differs(value: object, of: str) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = str(value)
    return text.strip() != "" and "://" not in text and all(digest(way) != of for way in _ways_to_write(value))


def _ways_to_write(value: str | float) -> Iterable[object]:
    """Yield what may have been sent where *value* is shown."""
    yield value
    text = str(value)
    yield from (text.strip(), html.unescape(text), text.replace("\r\n", "\n"))
    yield from (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    with suppress(ValueError):
        number = float(text)
        yield number
        yield from (f"{number:.{places}f}" for places in range(7) if float(f"{number:.{places}f}") == number)


def _named(rows: Sequence[Row]) -> str:
    more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    return (
        ", ".join(f"{row.task.taskid} ({datetime.fromtimestamp(row.created, UTC):%H:%M:%S} UTC)" for row in rows[:3])
        + more
    )


def _who(identity: Identity) -> str:
    parts = (identity.dag_id, identity.run_id, identity.task_id, str(identity.map_index), identity.execution)
    return ", ".join(part for part in parts if part)
