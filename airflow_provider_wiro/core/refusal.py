"""What a person is told of what an earlier try left: why nothing is submitted, or why something is all the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import cast

from airflow_provider_wiro.core.files import places_of
from airflow_provider_wiro.core.forgetting import forget
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.recalled import Sighting
from airflow_provider_wiro.core.rules.recall import Left, Row, Shown, Work
from airflow_provider_wiro.core.text import steps
from airflow_provider_wiro.core.work import digests
from airflow_provider_wiro.exceptions import WiroError

MOST_URIS = 5


def refusal_of(row: Row, seen: Sighting, wanted: Record, place: str) -> WiroError:
    """Return the error of a row that refuses.

    :param place: where the journal is.
    """
    assert row.error is not None
    if Left.INTENT in row.left and seen.shown is not Shown.ELSEWHERE and seen.task is None:
        return row.error(_unknown(seen, place))
    words = _gone if row.left == {Left.MISSED} else _WORDS[seen.shown]
    return row.error(
        words(seen, wanted, place),
        taskid=seen.record.taskid,
        status=seen.task.status if seen.task else None,
        cost_usd=seen.task.cost_usd if seen.task else None,
        outputs=[cast("dict[str, object]", output.to_json()) for output in seen.task.outputs] if seen.task else (),
        retryable=seen.shown is Shown.YOUNG,
    )


def gone(taskid: str | None, why: str, saved: Record, again: Iterable[str]) -> str:
    """Say of saved files of which one is missing that they no longer exist at Wiro, and how to get them.

    :param why: which one is missing.
    :param again: the steps by which a person has a new generation made.
    """
    uris = ", ".join(file.uri for file in (saved.landed or ())[:MOST_URIS])
    deleted = ", which was told to delete them" if saved.deleted else ""
    return (
        f"Wiro task {taskid} succeeded, is paid, and was saved ({uris}), but {why}, and its outputs no longer exist at "
        f"Wiro{deleted}. Nothing new was submitted."
    ) + steps(
        "put the file back, from a backup or an older version of the bucket, or copy it to where it is wanted now",
        "then clear this task",
        *again,
    )


def _gone(seen: Sighting, wanted: Record, place: str) -> str:
    return gone(seen.record.taskid, seen.why, seen.record, forget(place, seen.record.identity))


def _charged(seen: Sighting, wanted: Record, place: str) -> str:
    task = seen.task
    assert task is not None
    what = "shows no outputs" if task.pexit is None else f"has failed with pexit {task.pexit}"
    return (
        f"Wiro task {task.taskid}, which this task has submitted before, {what}, but was charged {task.cost_usd} USD. "
        "Nothing new was submitted."
        f"{steps('look at it in the Wiro dashboard', *forget(place, seen.record.identity))}"
    )


def _missing(seen: Sighting, wanted: Record, place: str) -> str:
    return (
        f"an earlier try of this task submitted Wiro task {seen.record.taskid}, which Wiro does not know now. "
        "Nothing new was submitted, because that might pay twice."
    ) + steps(
        "if the connection is of another account now, set it back, then clear this task",
        *forget(place, seen.record.identity, "if the Wiro task is really lost"),
    )


def _doubtful(seen: Sighting, wanted: Record, place: str) -> str:
    return (
        f"an earlier try of this task submitted Wiro task {seen.record.taskid}, but its record was written by version "
        f"0.1.0, and does not say to which service: {seen.why}. Nothing was sent to {wanted.base_url or 'it'}, and "
        "nothing new was submitted."
    ) + steps(
        "if the host of the connection was changed, set it back, then clear this task",
        *forget(place, seen.record.identity, "if the Wiro task is over"),
    )


def _elsewhere(seen: Sighting, wanted: Record, place: str) -> str:
    record = seen.record
    what = f"Wiro task {record.taskid}" if record.taskid else "a generation, perhaps accepted,"
    return (
        f"this task has submitted {what} to {record.base_url}, but Airflow connection {wanted.conn_id!r} now leads "
        f"elsewhere ({seen.why}). Nothing was sent there, and nothing new was submitted. The Wiro task may run on at "
        f"{record.base_url} and be paid."
    ) + steps(
        "to go on with it, set the connection's host back, then clear this task",
        f"otherwise stop it at {record.base_url}",
        *forget(place, seen.record.identity),
    )


_WORDS = {
    Shown.FAILED_CHARGED: _charged,
    Shown.EMPTY_CHARGED: _charged,
    Shown.YOUNG: _missing,
    Shown.MISSING: _missing,
    Shown.DOUBTFUL: _doubtful,
    Shown.ELSEWHERE: _elsewhere,
}
_AGAIN = "clear this task once that is over: it looks in Wiro's list again. If that does not help:"
_LOOK = "look in the Wiro dashboard for a task of that time: stop it, or use its outputs"


def _unknown(seen: Sighting, place: str) -> str:
    found = seen.record
    first = (_AGAIN, _LOOK) if seen.shown is Shown.UNREADABLE else (_LOOK,)
    sent = f"{datetime.fromtimestamp(found.at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"it is not known whether Wiro accepted the submission to {found.model} that was sent about {sent}: {seen.why}"
        ". Nothing more was submitted, because that might pay twice."
        f"{steps(*first, *forget(place, found.identity))}\n"
        'With on_unknown_submission="submit" it would be submitted again by itself, and may be paid twice'
    )


def line_of(row: Row, seen: Sighting, wanted: Record) -> str | None:
    """Return the line for the log of a row that submits; None where there is nothing to say."""
    if not seen.record.sent:
        uploaded = "files were uploaded before, and " if seen.record.uploads else ""
        return f"{uploaded}nothing was submitted by the last try; submitting"
    if row.unknown is not None:
        return (
            f"whether Wiro accepted the last submission cannot be determined ({seen.why}); submitting again, as "
            "on_unknown_submission says: both may be paid"
        )
    if row.left == {Left.LANDED}:
        return (
            f"taskid {seen.record.taskid}: is paid for and saved, but {_difference(seen.record, wanted)}; submitting a "
            "new one, which is paid too. Where that is not wanted, set idempotency_key"
        )
    if seen.task is None:
        return "Wiro has accepted nothing of the last submission: no task of that time can be it; submitting"
    taskid = seen.task.taskid
    if row.work is Work.CHANGED and seen.task.terminal:
        return (
            f"taskid {taskid}: it is paid for, but {_difference(seen.record, wanted)}; submitting a new one, which is "
            "paid too. To avoid that, set idempotency_key"
        )
    return (
        f"taskid {taskid}: the earlier one is over ({seen.task.status}); submitting a new one"
        if seen.task.terminal
        else None
    )


def _had(record: Record, contents: Sequence[str]) -> bool:
    """Whether a record is of these files, or may be: of a list, only its uploads are known."""
    uploaded = {f"sha256:{sha256}" for sha256 in record.uploads}
    return all(content in uploaded for content in contents if content.startswith("sha256:"))


def _difference(record: Record, wanted: Record) -> str:
    before = wanted.work.before if wanted.work is not None else None
    same = [wanted.inputs, digests(before.inputs)] if before is not None else [wanted.inputs]
    files = wanted.work.files if wanted.work is not None else {}
    of_files = set[str]().union(*map(places_of, files))
    names = sorted(
        name
        for name in {*record.inputs, *wanted.inputs} - of_files
        if record.inputs.get(name) not in [inputs.get(name) for inputs in same]
    )
    names += [name for name, contents in files.items() if not _had(record, contents)]
    if names:
        return f"its inputs were different ({', '.join(names)})"
    if record.model != wanted.model:
        return "its model was different"
    return f"its {'files, ' if files else ''}service or idempotency_key was different"
