"""How waiting for a task ended, and what travels from the trigger to the worker about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast, get_args

from airflow_provider_wiro.core.reading import read_number, read_taskid
from airflow_provider_wiro.core.result import ResultDict, completed, is_result
from airflow_provider_wiro.core.rules.endings import CLEAR, ENDINGS, LOOK, LOOK_AGAIN, NOT_AGAIN, RETRY, STOPS
from airflow_provider_wiro.core.rules.endings import Kind as Kind
from airflow_provider_wiro.core.rules.flagged import rule_in
from airflow_provider_wiro.core.task import CANCELLED, Task
from airflow_provider_wiro.core.text import one_line, steps
from airflow_provider_wiro.exceptions import WiroNoOutput, WiroTaskError

EVENT_VERSION = 1
EVENT_LIMIT = 16_000
# What an end is where content moderation has brought it about.
FLAGGED: dict[Kind, Kind] = {"failed": "flagged", "cancelled": "flagged", "charged": "flagged_charged"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one terminal answer of a wait.

    :param status: the last Wiro status seen.
    :param reason: one line, in the API's own words where it has some.
    :param stopped: whether the remote task is surely over; None where nobody tried to stop it.
    :param result: the XCom result; None unless *kind* is ``"success"``, or if it was too large to travel.
    :param outputs: what Wiro shows of the outputs of another *kind*; none if they were too large to travel.
    """

    kind: Kind
    taskid: str
    status: str | None
    reason: str = ""
    stopped: bool | None = None
    result: ResultDict | None = None
    cost_usd: float | None = None
    outputs: tuple[Mapping[str, object], ...] = ()

    @classmethod
    def of(cls, task: Task) -> Verdict:
        """Return the verdict on a task that is terminal."""
        unread = f"{len(task.unreadable)} cannot be read: {task.unreadable[0]}" if task.unreadable else ""
        if task.succeeded:
            return cls(
                "success", task.taskid, task.status, f"of its outputs {unread}" if unread else "", None, task.result()
            )
        if task.illegible:
            return cls("unreadable", task.taskid, task.status, unread, cost_usd=task.cost_usd)
        outputs = tuple(cast("dict[str, object]", output.to_json()) for output in task.outputs)
        return replace(cls._unsuccessful(task), outputs=outputs)

    @classmethod
    def _unsuccessful(cls, task: Task) -> Verdict:
        said = task.flagged or task.error
        if task.status == CANCELLED:
            return cls("cancelled", task.taskid, task.status, said or "")._if_flagged()
        reason = f"pexit {task.pexit}" if task.pexit is not None else "it ended without outputs"
        reason = f"{reason}: {said}" if said else reason
        if task.charged:
            paid = f"{task.cost_usd} USD; {reason}"
            return cls("charged", task.taskid, task.status, paid, cost_usd=task.cost_usd)._if_flagged()
        return cls("failed", task.taskid, task.status, reason)._if_flagged()

    def _if_flagged(self) -> Verdict:
        """Return what it is where its reason says that content moderation has refused the work."""
        kind = FLAGGED.get(self.kind)
        return self if kind is None or rule_in(self.reason) is None else replace(self, kind=kind)

    def to_event(self) -> dict[str, object]:
        """Return the trigger's event: JSON of at most 16 kB, without the result where it does not fit."""
        event: dict[str, object] = {
            "version": EVENT_VERSION,
            "taskid": self.taskid,
            "verdict": self.kind,
            "status": self.status,
            "reason": one_line(self.reason, 500),
            "stopped": self.stopped,
            "result": self.result,
        }
        if self.cost_usd is not None:
            event["cost_usd"] = self.cost_usd
        if self.outputs and len(json.dumps([event, *self.outputs])) <= EVENT_LIMIT:
            event["outputs"] = list(self.outputs)
        if len(json.dumps(event)) > EVENT_LIMIT:
            event["result"] = None
        return event

    @classmethod
    def from_event(cls, event: object) -> Verdict:
        """Read a trigger's event back, also one of an earlier release.

        :raises WiroTaskError: if it is none of ours; only a known verdict is ever taken for an answer.
        """
        if not isinstance(event, Mapping) or event.get("version") != EVENT_VERSION:
            raise _unreadable(event)
        taskid, kind, result = read_taskid(event.get("taskid")), event.get("verdict"), event.get("result")
        if taskid is None or kind not in get_args(Kind) or not (result is None or is_result(result)):
            raise _unreadable(event)
        status, stopped = event.get("status"), event.get("stopped")
        read = cls(
            kind=cast(Kind, kind),
            taskid=taskid,
            status=one_line(status, 100) or None if isinstance(status, str) else None,
            reason=one_line(event.get("reason"), 500),
            stopped=stopped if isinstance(stopped, bool) else None,
            result=None if result is None else completed(result),
            cost_usd=read_number(event.get("cost_usd")),
            outputs=_outputs_in(event),
        )
        return read._if_flagged()


def error_of(
    verdict: Verdict, *, again: Sequence[str] = (), resubmits: bool = True, watches: bool = False
) -> WiroTaskError:
    """Return the exception for a verdict that is not a success.

    :param again: the steps by which a person has a new generation made.
    :param resubmits: whether an Airflow retry comes, which would submit again where the verdict allows it.
    :param watches: whether it was submitted elsewhere, and only waited for here: a retry looks at the same task again.
    """
    ending = ENDINGS[verdict.kind]
    stopping = None if ending.over else STOPS[verdict.stopped]
    retryable = ending.retryable and not (stopping is not None and stopping.final)
    advice = ending.advice
    if watches:
        retryable = verdict.kind in LOOK_AGAIN and verdict.stopped is None
        advice = ending.advice if ending.watcher is None else ending.watcher
    status = f", status {verdict.status}" if verdict.status else ""
    reason = f": {verdict.reason}" if verdict.reason else ""
    became = f"; {stopping.what}" if stopping is not None else ""
    money = ending.money if stopping is None else stopping.money
    then = RETRY if resubmits else CLEAR
    sentences = [money, advice, then if retryable and not watches else ""]
    done_by_hand = "" if ending.first is None or watches else f".{steps(ending.first, *again)}"
    return ending.error(
        f"Wiro task {verdict.taskid} {ending.what}{status}{reason}{became}.\n"
        + ". ".join(sentence for sentence in sentences if sentence)
        + done_by_hand,
        taskid=verdict.taskid,
        status=verdict.status,
        cost_usd=verdict.cost_usd,
        outputs=verdict.outputs,
        retryable=retryable,
    )


def no_output(result: ResultDict, again: Sequence[str]) -> WiroNoOutput:
    """Return the exception for a success that brought nothing.

    :param again: the steps by which a person has a new generation made.
    """
    return WiroNoOutput(
        f"Wiro task {result['taskid']} succeeded, status {result['status']}, but has no output.\nIt may have been "
        f"charged. {NOT_AGAIN}.{steps(LOOK, *again)}",
        taskid=result["taskid"],
        status=result["status"],
        cost_usd=result["cost_usd"],
        outputs=cast("list[dict[str, object]]", result["outputs"]),
    )


def _outputs_in(event: Mapping[str, object]) -> tuple[Mapping[str, object], ...]:
    listed = event.get("outputs")
    return tuple(output for output in listed if isinstance(output, Mapping)) if isinstance(listed, list) else ()


def _unreadable(event: object) -> WiroTaskError:
    taskid = read_taskid(event.get("taskid")) if isinstance(event, Mapping) else None
    return WiroTaskError(
        f"the trigger's event cannot be read: {one_line(event, 200)}. Install the same version of this package in the "
        "triggerer and in the workers, and restart them",
        taskid=taskid,
    )
