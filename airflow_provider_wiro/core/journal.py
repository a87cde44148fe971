"""What is written down of a submission, so that no later try pays for the same work again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, Self, cast

from airflow_provider_wiro.core.kept import kept_name, kept_text, kept_texts, kept_time
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.task import read_taskid
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.core.work import Work, digests, loose_digests
from airflow_provider_wiro.exceptions import WiroJournalError

RECORD_VERSION = 2
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

    What it says is its ``phase``: *uploaded* (files were, nothing was sent that costs money), *intent* (whether Wiro
    accepted the submission is not known), *submitted* (its taskid is known), *landed* (its files are saved).

    :param fingerprint: tells the same work from changed work, by the rule of ``version``.
    :param inputs: a digest for each input, by which the task can be recognised in Task/List.
    :param at: unix time of the intent.
    :param conn_id: the Airflow connection it was sent over.
    :param stop_when_ended: whether the Wiro task has no purpose once the task instance has ended.
    :param submitted_at: unix time at which Wiro accepted it.
    :param base_url: the service it was sent to; None where version 1 did not say.
    :param loose: a digest for each input without its spelling; what differs there surely is another input.
    :param account: a digest of the API key it was sent with; None where version 1 did not say.
    :param earlier: taskids of this task instance's earlier submissions, the last ones; a lost answer is not theirs.
    :param sent: False where only files were uploaded.
    :param uploads: the address at Wiro of each uploaded file, by the SHA-256 of its content.
    :param landing: the files that were being saved when a try ended; each was put in place after it was noted here.
    :param landed: its saved files; None where none were to be saved, or not all are.
    :param deleted: whether its files at Wiro were deleted then.
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
    sent: bool = True
    uploads: Mapping[str, str] = field(default_factory=dict)
    landing: tuple[Landed, ...] = ()
    landed: tuple[Landed, ...] | None = None
    deleted: bool = False
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

    @property
    def phase(self) -> Phase:
        """How far it has come."""
        if self.taskid is None:
            return "intent" if self.sent else "uploaded"
        return "submitted" if self.landed is None else "landed"

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
        if self.uploads:
            kept["uploads"] = dict(self.uploads)
        if self.landing:
            kept["landing"] = [file.to_json() for file in self.landing]
        if self.landed is not None:
            kept |= {"landed": [file.to_json() for file in self.landed], "deleted": self.deleted}
        return {"version": self.version, "phase": self.phase} | kept

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
                f"the journal holds something that this version cannot read ({said}): {one_line(kept, 200)}"
            ) from None


_SINCE_2 = ("base_url", "account", "loose")
_KEPT = ("fingerprint", "model", "at", "conn_id", "stop_when_ended", "taskid", "submitted_at")


Phase = Literal["uploaded", "intent", "submitted", "landed"]


def _read(kept: Mapping[str, object]) -> Record:
    version = kept["version"]
    if isinstance(version, bool) or version not in (1, RECORD_VERSION):
        raise ValueError(f"version {version}; was it written by a newer version of this package?")
    identity, inputs, earlier = kept["identity"], kept["inputs"], kept["earlier"]
    if not isinstance(identity, Mapping) or not isinstance(inputs, Mapping) or not isinstance(earlier, Sequence):
        raise TypeError("identity, inputs or earlier")
    taskid = read_taskid(kept["taskid"])
    if taskid is None and kept["taskid"] is not None:
        raise ValueError("a taskid that is none")
    record = Record(
        identity=_identity(identity),
        fingerprint=kept_text(kept["fingerprint"]),
        model=kept_text(kept["model"]),
        inputs=kept_texts(inputs),
        at=kept_time(kept["at"]),
        conn_id=kept_text(kept["conn_id"]),
        stop_when_ended=kept["stop_when_ended"] is True,
        taskid=taskid,
        submitted_at=None if taskid is None else kept_time(kept["submitted_at"]),
        earlier=tuple(kept_text(before) for before in earlier),
        base_url=None if version == 1 else kept_name(kept["base_url"]),
        account=kept_text(kept["account"]) if "account" in kept else None,
        loose=kept_texts(kept["loose"]) if "loose" in kept else None,
        sent=kept["phase"] != "uploaded",
        uploads=kept_texts(kept.get("uploads", {})),
        landing=_landed(kept.get("landing", [])),
        landed=_landed(kept["landed"]) if "landed" in kept else None,
        deleted=kept.get("deleted") is True,
    )
    if kept["phase"] != record.phase:
        raise ValueError("phase and taskid disagree")
    return record


def _landed(kept: object) -> tuple[Landed, ...]:
    if not isinstance(kept, list):
        raise TypeError(f"{type(kept).__name__} instead of a list of saved files")
    return tuple(Landed.from_json(file) for file in kept)


def _identity(kept: Mapping[str, object]) -> Identity:
    return Identity(
        kept_text(kept["dag_id"]),
        kept_text(kept["run_id"]),
        kept_text(kept["task_id"]),
        int(cast("int", kept["map_index"])),
        kept_text(kept.get("execution", "")),
    )
