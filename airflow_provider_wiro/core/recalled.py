"""The values that a recall is made of: what Wiro shows of a record, and what is to be done about it."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.rules.recall import Shown
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.exceptions import WiroError


@dataclass(frozen=True, slots=True)
class Attach:
    """Wait for the task of *record*, which is still at work."""

    record: Record


@dataclass(frozen=True, slots=True)
class Finished:
    """Take the outputs of *task*, which is paid for."""

    record: Record
    task: Task


@dataclass(frozen=True, slots=True)
class TakeSaved:
    """Take the saved files of *record*, which are all there."""

    record: Record


@dataclass(frozen=True, slots=True)
class Fresh:
    """Submit: nothing of an earlier try is active, or was paid for this work.

    :param nothing_accepted: whether that is so because Wiro surely has accepted nothing of the recorded submission.
    """

    nothing_accepted: bool = False


Decision = Attach | Finished | TakeSaved | Fresh


@dataclass(frozen=True, slots=True)
class Sighting:
    """What Wiro shows of a record.

    :param record: with the taskid, where it is known now.
    :param why: in words, where it is not clear.
    :param error: what to raise as it is.
    """

    shown: Shown
    record: Record
    task: Task | None = None
    why: str = ""
    error: WiroError | None = None
