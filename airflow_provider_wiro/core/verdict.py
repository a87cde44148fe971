"""How waiting for a task ended, and what travels from the trigger to the worker about it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from airflow_provider_wiro.core.rules.waits import ENDINGS, NOT_AGAIN, RETRY, STOPS
from airflow_provider_wiro.core.rules.waits import Kind as Kind
from airflow_provider_wiro.core.task import CANCELLED, ResultDict, Task, read_number, read_taskid
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroNoOutput, WiroTaskError

EVENT_VERSION = 1
EVENT_LIMIT = 16_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one terminal answer of a wait.

    :param status: the last Wiro status seen.
    :param reason: one line, in the API's own words where it has some.
    :param stopped: whether the remote task is surely over; None where nobody tried to stop it.
    :param result: the XCom result; None unless *kind* is ``"success"``, or if it was too large to travel.
    """

    kind: Kind
    taskid: str
    status: str | None
    reason: str = ""
    stopped: bool | None = None
    result: ResultDict | None = None
    cost_usd: float | None = None

    @classmethod
    def of(cls, task: Task) -> Verdict:
        """Return the verdict on a task that is terminal."""
        if task.status == CANCELLED:
            return cls("cancelled", task.taskid, task.status, task.error or "")
        unread = f"{len(task.unreadable)} cannot be read: {task.unreadable[0]}" if task.unreadable else ""
        if task.succeeded:
            return cls(
                "success", task.taskid, task.status, f"of its outputs {unread}" if unread else "", None, task.result()
            )
        if task.illegible:
            return cls("unreadable", task.taskid, task.status, unread, cost_usd=task.cost_usd)
        reason = f"pexit {task.pexit}" if task.pexit is not None else "it ended without outputs"
        reason = f"{reason}: {task.error}" if task.error else reason
        if task.charged:
            said = f"{task.cost_usd} USD; {reason}"
            return cls("charged", task.taskid, task.status, said, cost_usd=task.cost_usd)
        return cls("failed", task.taskid, task.status, reason)

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
        if len(json.dumps(event)) > EVENT_LIMIT:
            event["result"] = None
        return event

    @classmethod
    def from_event(cls, event: object) -> Verdict:
        """Read a trigger's event back.

        :raises WiroTaskError: if it is none of ours; only a known verdict is ever taken for an answer.
        """
        if not isinstance(event, Mapping) or event.get("version") != EVENT_VERSION:
            raise _unreadable(event)
        taskid, kind, result = read_taskid(event.get("taskid")), event.get("verdict"), event.get("result")
        if taskid is None or kind not in get_args(Kind) or not (result is None or _is_result(result)):
            raise _unreadable(event)
        status, stopped = event.get("status"), event.get("stopped")
        return cls(
            kind=cast(Kind, kind),
            taskid=taskid,
            status=one_line(status, 100) or None if isinstance(status, str) else None,
            reason=one_line(event.get("reason"), 500),
            stopped=stopped if isinstance(stopped, bool) else None,
            result=cast("ResultDict | None", result),
            cost_usd=read_number(event.get("cost_usd")),
        )


def error_of(verdict: Verdict, *, resubmits: bool = True) -> WiroTaskError:
    """Return the exception for a verdict that is not a success.

    :param resubmits: whether an Airflow retry would submit again; False also promises none.
    """
    ending = ENDINGS[verdict.kind]
    stopping = None if ending.over else STOPS[verdict.stopped]
    again = ending.retryable and not (stopping is not None and stopping.final)
    status = f", status {verdict.status}" if verdict.status else ""
    reason = f": {verdict.reason}" if verdict.reason else ""
    became = f"; {stopping.what}" if stopping is not None else ""
    money = ending.money if stopping is None else stopping.money
    sentences = [money, ending.advice, RETRY if again and resubmits else ""]
    error = ending.error(
        f"Wiro task {verdict.taskid} {ending.what}{status}{reason}{became}"
        + "".join(f". {sentence}" for sentence in sentences if sentence),
        taskid=verdict.taskid,
        status=verdict.status,
        retryable=again,
    )
    error.cost_usd = verdict.cost_usd
    return error


def no_output(result: ResultDict) -> WiroNoOutput:
    """Return the exception for a success that brought nothing."""
    error = WiroNoOutput(
        f"Wiro task {result['taskid']} succeeded, status {result['status']}, but has no output. It may have been "
        f"charged. {NOT_AGAIN}",
        taskid=result["taskid"],
        status=result["status"],
    )
    error.cost_usd = result["cost_usd"]
    return error


def _is_result(value: object) -> bool:
    """Whether *value* has what a worker reads of a result; more is welcome."""
    if not isinstance(value, Mapping) or not value.keys() >= ResultDict.__required_keys__:
        return False
    outputs = value["outputs"]
    return isinstance(outputs, list) and all(isinstance(output, Mapping) and "url" in output for output in outputs)


def _unreadable(event: object) -> WiroTaskError:
    taskid = read_taskid(event.get("taskid")) if isinstance(event, Mapping) else None
    return WiroTaskError(
        f"the trigger's event cannot be read: {one_line(event, 200)}; the package's version in the triggerer and in "
        "the workers must be the same",
        taskid=taskid,
    )
