"""What is written down of a submission, so that no later try pays for the same work again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, Self, cast

from airflow_provider_wiro.core.fields import refused
from airflow_provider_wiro.core.task import read_taskid
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.core.work import Work, digests, loose_digests
from airflow_provider_wiro.exceptions import WiroJournalError

RECORD_VERSION = 2
LAST_TIME = 2.0**40
# How many Wiro tasks of earlier tries a record remembers: all that a search for a lost answer can meet.
EARLIER = 20


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
    """One submission, from just before it is sent.

    Without a taskid it is an *intent*: whether Wiro accepted it is not known. With one it is *submitted*.

    :param fingerprint: tells the same work from changed work, by the rule of ``version``.
    :param inputs: a digest for each input, by which the task can be recognised in Task/List.
    :param at: unix time of the intent.
    :param conn_id: the Airflow connection it was sent over.
    :param stop_when_ended: whether the Wiro task has no purpose once the task instance has ended.
    :param submitted_at: unix time at which Wiro accepted it.
    :param base_url: the service it was sent to; None where version 1 did not say.
    :param loose: a digest for each input without its spelling; what differs there surely is another input.
    :param account: a digest of the API key it was sent with; None where version 1 did not say.
    :param earlier: taskids of this task instance's earlier Runs, the last ones; a lost answer is not theirs.
    :param work: what the record is of, while it is known; not kept.
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
    account: str | None = None
    loose: Mapping[str, str] | None = None
    work: Work | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        work: Work,
        identity: Identity,
        *,
        at: float,
        conn_id: str,
        stop_when_ended: bool = True,
        account: str | None = None,
    ) -> Record:
        """Return the intent to have *work* made.

        :param at: unix time.
        """
        return cls(
            identity=identity,
            fingerprint=work.fingerprint(RECORD_VERSION),
            model=work.model,
            inputs=digests(work.inputs),
            at=at,
            conn_id=conn_id,
            stop_when_ended=stop_when_ended,
            base_url=work.base_url,
            account=account,
            loose=loose_digests(work.inputs),
            work=work,
        )

    @property
    def version(self) -> int:
        """The version of the rules it was written by."""
        return 1 if self.base_url is None else RECORD_VERSION

    def is_same_work(self, wanted: Record) -> bool:
        """Whether *wanted* is what this record is of, by the rule of the version that wrote this one.

        Version 2 says nothing of the service here: compare ``base_url``.
        """
        if wanted.work is not None:
            return wanted.work.is_of(self.fingerprint, self.version)
        return self.version == wanted.version and self.fingerprint == wanted.fingerprint

    def renewed(self, wanted: Record) -> Self:
        """Return the record as this version writes it, where it is of the same work as *wanted*."""
        if self.version == wanted.version or not self.is_same_work(wanted):
            return self
        assert wanted.work is not None
        loose = loose_digests(wanted.work.recorded_as(self.inputs).inputs)
        return replace(self, base_url=wanted.base_url, fingerprint=wanted.fingerprint, loose=loose)

    def instead_of(self, before: Record | None) -> Self:
        """Return the intent that takes the place of *before*."""
        if before is None:
            return self
        known = (*before.earlier, before.taskid) if before.taskid else before.earlier
        return replace(self, earlier=known[-EARLIER:])

    def submitted(self, taskid: str, submitted_at: float) -> Self:
        """Return the record of what Wiro has accepted."""
        return replace(self, taskid=taskid, submitted_at=submitted_at)

    def to_json(self) -> dict[str, object]:
        """Return the record as it is kept: public, it outlives an upgrade of this package."""
        kept = {name: getattr(self, name) for name in _KEPT}
        identity = asdict(self.identity)
        if not self.identity.execution:
            del identity["execution"]
        kept |= {"identity": identity, "inputs": dict(self.inputs), "earlier": list(self.earlier)}
        kept |= {name: value for name in _SINCE_2 if (value := getattr(self, name)) is not None}
        return {"version": self.version, "phase": "submitted" if self.taskid else "intent"} | kept

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


_SINCE_2 = ("base_url", "account", "loose")
_KEPT = ("fingerprint", "model", "at", "conn_id", "stop_when_ended", "taskid", "submitted_at")


OnUnknown = Literal["fail", "submit"]


def _read(kept: Mapping[str, object]) -> Record:
    version = kept["version"]
    if isinstance(version, bool) or version not in (1, RECORD_VERSION):
        raise ValueError(f"version {version}; was it written by a newer version of this package?")
    identity, inputs, earlier = kept["identity"], kept["inputs"], kept["earlier"]
    if not isinstance(identity, Mapping) or not isinstance(inputs, Mapping) or not isinstance(earlier, Sequence):
        raise TypeError("identity, inputs or earlier")
    taskid = read_taskid(kept["taskid"])
    if kept["phase"] != ("submitted" if taskid else "intent") or (taskid is None and kept["taskid"] is not None):
        raise ValueError("phase and taskid disagree")
    return Record(
        identity=_identity(identity),
        fingerprint=_text(kept["fingerprint"]),
        model=_text(kept["model"]),
        inputs=_texts(inputs),
        at=_time(kept["at"]),
        conn_id=_text(kept["conn_id"]),
        stop_when_ended=kept["stop_when_ended"] is True,
        taskid=taskid,
        submitted_at=None if taskid is None else _time(kept["submitted_at"]),
        earlier=tuple(_text(before) for before in earlier),
        base_url=None if version == 1 else _name(kept["base_url"]),
        account=_text(kept["account"]) if "account" in kept else None,
        loose=_texts(kept["loose"]) if "loose" in kept else None,
    )


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} instead of an object")
    return {_text(name): _text(item) for name, item in value.items()}


def _identity(kept: Mapping[str, object]) -> Identity:
    return Identity(
        _text(kept["dag_id"]),
        _text(kept["run_id"]),
        _text(kept["task_id"]),
        int(cast("int", kept["map_index"])),
        _text(kept.get("execution", "")),
    )


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LAST_TIME:
        raise ValueError("a time that is none")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def _name(value: object) -> str:
    if not _text(value):
        raise ValueError("empty text")
    return _text(value)


def on_unknown_submission(value: object) -> OnUnknown:
    """Return *value* if it says what to do about a submission whose outcome cannot be determined.

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
