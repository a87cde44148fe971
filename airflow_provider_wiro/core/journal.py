"""What is written down of a paid Run, so that no later try pays for the same work again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Self, cast

from airflow_provider_wiro.core.fields import refused
from airflow_provider_wiro.core.task import read_taskid
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroJournalError

RECORD_VERSION = 1
LAST_TIME = 2.0**40
# How many Wiro tasks of earlier tries a record remembers: all that a search for a lost answer can meet.
EARLIER = 20
# What says where an answer goes or who pays, and not what is made.
NOT_THE_WORK = frozenset({"callbackUrl", "projectid"})


@dataclass(frozen=True, slots=True)
class Identity:
    """The task instance that pays; its tries share one journal.

    :param execution: tells the executions of a task loop apart (Airflow 3.4 and newer); empty outside of loops.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    execution: str = ""

    @property
    def mapped(self) -> bool:
        """Whether there may be siblings with the same inputs."""
        return self.map_index >= 0


@dataclass(frozen=True, slots=True)
class Record:
    """One Run, from just before it is sent.

    Without a taskid it is an *intent*: whether Wiro accepted the Run is not known. With one it is *submitted*.

    :param fingerprint: tells the same work from changed work.
    :param inputs: a digest for each input, by which the task can be recognised in Task/List.
    :param at: unix time of the intent.
    :param conn_id: the Airflow connection it was sent over.
    :param stop_when_ended: whether the Wiro task has no purpose once the task instance has ended.
    :param submitted_at: unix time at which Wiro accepted it.
    :param base_url: the service it was sent to; None where version 1 did not say.
    :param earlier: taskids of this task instance's earlier Runs, the last ones; a lost answer is not theirs.
    """

    identity: Identity
    fingerprint: str
    model: str
    inputs: Mapping[str, str]
    at: float
    conn_id: str
    stop_when_ended: bool = True
    taskid: str | None = None
    submitted_at: float | None = None
    earlier: tuple[str, ...] = ()
    base_url: str | None = None

    def instead_of(self, before: Record | None) -> Self:
        """Return the intent that takes the place of *before*."""
        if before is None:
            return self
        known = (*before.earlier, before.taskid) if before.taskid else before.earlier
        return replace(self, earlier=known[-EARLIER:])

    def submitted(self, taskid: str, submitted_at: float) -> Self:
        """Return the record of the accepted Run."""
        return replace(self, taskid=taskid, submitted_at=submitted_at)

    def to_json(self) -> dict[str, object]:
        """Return the record as it is kept: public, it outlives an upgrade of this package."""
        phase = "submitted" if self.taskid else "intent"
        return {"version": RECORD_VERSION, "phase": phase} | asdict(self) | {"earlier": list(self.earlier)}

    @classmethod
    def from_json(cls, kept: object) -> Record:
        """Read a record back.

        :raises WiroJournalError: if it is none of ours. That is never "no record".
        """
        try:
            return _read(cast("Mapping[str, object]", kept))
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            said = one_line(f"{type(error).__name__}: {error}", 100)
            raise WiroJournalError(
                f"the journal holds something that is no record of this version ({said}): {one_line(kept, 200)}"
            ) from None


def forget(place: str) -> str:
    """Say how a person has a new generation made after all.

    :param place: where the record is.
    """
    return f"delete {place}, or set durable=False or another idempotency_key, then clear this task"


OnUnknown = Literal["fail", "submit"]


def fingerprint(base_url: str, model: str, inputs: Mapping[str, object], idempotency_key: str | None) -> str:
    """Return what is the same for the same work: of model, inputs and service, or of the user's own key and service.

    The API key, the account and the callback URL may change without the work changing.
    """
    work: object = idempotency_key
    if idempotency_key is None:
        work = [model, {name: value for name, value in inputs.items() if name not in NOT_THE_WORK}]
    return hashlib.sha256(_canonical([base_url, work]).encode()).hexdigest()


def digests(inputs: Mapping[str, object]) -> dict[str, str]:
    """Return a digest for each input that says what is made, the same for ``0`` and ``"0"``: Wiro may echo either."""
    return {name: digest(value) for name, value in inputs.items() if name not in NOT_THE_WORK}


def digest(value: object) -> str:
    """Return the digest of one input."""
    return hashlib.sha256(_plain(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _plain(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _canonical(value)


def _canonical(value: object) -> str:
    return json.dumps(json.loads(json.dumps(value)), sort_keys=True)  # there and back: all names become text


def _read(kept: Mapping[str, object]) -> Record:
    if kept["version"] != RECORD_VERSION:
        raise ValueError(f"version {kept['version']}")
    identity, inputs, earlier = kept["identity"], kept["inputs"], kept["earlier"]
    if not isinstance(identity, Mapping) or not isinstance(inputs, Mapping) or not isinstance(earlier, Sequence):
        raise TypeError("identity, inputs or earlier")
    taskid = read_taskid(kept["taskid"])
    if kept["phase"] != ("submitted" if taskid else "intent") or (taskid is None and kept["taskid"] is not None):
        raise ValueError("phase and taskid disagree")
    return Record(
        identity=Identity(
            _text(identity["dag_id"]), _text(identity["run_id"]), _text(identity["task_id"]), int(identity["map_index"])
        ),
        fingerprint=_text(kept["fingerprint"]),
        model=_text(kept["model"]),
        inputs={_text(name): _text(value) for name, value in inputs.items()},
        at=_time(kept["at"]),
        conn_id=_text(kept["conn_id"]),
        stop_when_ended=kept["stop_when_ended"] is True,
        taskid=taskid,
        submitted_at=None if taskid is None else _time(kept["submitted_at"]),
        earlier=tuple(_text(before) for before in earlier),
    )


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LAST_TIME:
        raise ValueError("a time that is none")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def on_unknown_submission(value: object) -> OnUnknown:
    """Return *value* if it says what to do about a Run whose outcome cannot be found out.

    :raises WiroInputError: if it does not.
    """
    if value == "fail" or value == "submit":
        return value
    raise refused("on_unknown_submission", value, '"fail" or "submit"')


def idempotency_key(value: object) -> str | None:
    """Return *value* as an idempotency key, None for none.

    :raises WiroInputError: if it is rendered to nothing: then all work would be the same.
    """
    if value is None:
        return None
    if not isinstance(value, str) or value.strip() in ("", "None"):
        raise refused("idempotency_key", value, "text that is not empty (a template makes 'None' of None), or None")
    return value
