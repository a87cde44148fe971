"""A driver without sockets and without time: answers a flow from a script, and remembers what the flow did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from airflow_provider_wiro.core.protocol import Answer, Flow, Look, NoReply, Now, Reply, Report, Send, Sleep, Step

T = TypeVar("T")
Outcome = Reply | NoReply
START = 1_734_513_807.0

UNSENT = NoReply(sent=False, reason="ConnectionError: connection refused")
UNANSWERED = NoReply(sent=True, reason="TimeoutError: no answer in time")


@dataclass
class FakeDriver:
    """Carries out flows on a clock that only sleeping and sending move.

    :param script: the outcomes in their order, or what makes an outcome of a request and the seconds since `START`.
    :param latency: seconds that each request takes.
    :param put: seconds by which the clock of the machine is put forward, or back.
    """

    script: Iterable[Outcome] | Callable[[Send, float], Outcome]
    latency: float = 0.0
    put: float = 0.0
    time: float = START
    sent: list[Send] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._answer = self.script if callable(self.script) else _one_by_one(self.script)

    @property
    def calls(self) -> list[str]:
        """The last part of each request's path."""
        return [step.path.rsplit("/", 1)[1] for step in self.sent]

    def drive(self, flow: Flow[T]) -> T:
        """Carry out *flow* and return its result."""
        answer: Answer = None
        try:
            for _ in range(20_000):
                answer = self._perform(flow.send(answer))
        except StopIteration as done:
            result: T = done.value
            return result
        raise AssertionError("the flow does not come to an end")

    def _perform(self, step: Step) -> Answer:
        match step:
            case Send():
                self.sent.append(step)
                self.time += self.latency
                return self._answer(step, self.time - START)
            case Look():
                return self._perform(step.detail)
            case Sleep():
                assert step.seconds >= 0
                self.slept.append(step.seconds)
                self.time += step.seconds
            case Now(steady):
                return self.time - START if steady else self.time + self.put
            case Report():
                self.log.append(step.message)
                if step.level == "warning":
                    self.warnings.append(step.message)
        return None


def _one_by_one(script: Iterable[Outcome]) -> Callable[[Send, float], Outcome]:
    left = iter(script)

    def answer(step: Send, _: float) -> Outcome:
        outcome = next(left, None)
        assert outcome is not None, f"one request more than the script has: {step.path}"
        return outcome

    return answer


def reply(body: object, status: int = 200, retry_after: str | None = None) -> Reply:
    """Return what a driver makes of a JSON answer."""
    return Reply.from_http(status, json.dumps(body).encode(), retry_after)


def refusal(code: object, message: str = "no", status: int = 200) -> Reply:
    """Return the API's refusal."""
    return reply({"result": False, "errors": [{"code": code, "message": message}]}, status)


def page(status: int) -> Reply:
    """Return the HTML page of a proxy."""
    return Reply.from_http(status, b"<html><h1>Bad Gateway</h1></html>")


def row(status: object, **fields: object) -> dict[str, object]:
    """Return a row of ``tasklist``."""
    return {"id": "2221", "socketaccesstoken": "eDcCm5yyUfIvMFspTwww49OUfgXkQt", "status": status, **fields}


def shown(status: object, **fields: object) -> Reply:
    """Return an answer to Detail, Kill or Cancel that shows task 2221."""
    return reply({"total": "1", "errors": [], "tasklist": [row(status, **fields)], "result": True})


def accepted(taskid: object = "2221") -> Reply:
    """Return the seed's answer to a Run."""
    return reply(
        {"errors": [], "taskid": taskid, "socketaccesstoken": "eDcCm5yyUfIvMFspTwww49OUfgXkQt", "result": True}
    )


VIDEO = {"name": "0.mp4", "contenttype": "video/mp4", "size": "202472", "url": "https://cdn1.wiro.ai/6a6af820/0.mp4"}
DONE = shown("task_postprocess_end", pexit="0", outputs=[VIDEO], totalcost="0.05", elapsedseconds="6.0000")
NOT_FOUND = refusal(1, "There is no task with this taskid")
