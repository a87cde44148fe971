"""A Wiro in memory, on a clock of its own, and what carries the real flows out against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from airflow_provider_wiro.core.protocol import Answer, Flow, Look, NoReply, Now, Reply, Report, Send, Sleep, Step
from fake_driver import NOT_FOUND, START, UNANSWERED, UNSENT, VIDEO, page, refusal, reply

T = TypeVar("T")
LATENCY = 0.1
TIMEOUT = 30.0


class Died(BaseException):
    """The worker is no more."""


@dataclass
class SmallTask:
    """A task of Wiro's.

    :param ours: whether the task instance that is looked at has submitted it.
    :param shown_at: from when on Wiro shows it.
    """

    taskid: str
    account: int
    model: str
    inputs: Mapping[str, object]
    created: float
    shown_at: float
    ours: bool
    echo: bool
    status: str = "task_start"

    @property
    def active(self) -> bool:
        return self.status == "task_start"

    @property
    def charged(self) -> bool:
        return self.status == "success"

    def row(self, skew: float) -> dict[str, object]:
        ended = self.status in ("success", "failed")
        return {
            "id": self.taskid,
            "status": "task_postprocess_end" if ended else self.status,
            "pexit": {"success": "0", "failed": "1"}.get(self.status),
            "outputs": [VIDEO] if self.charged else [],
            "createtime": str(int(self.created + skew)),
            "parameters": dict(self.inputs) if self.echo else {},
        }


@dataclass
class SmallWiro:
    """Wiro, with several accounts.

    :param skew: how far its clock is ahead.
    :param account: the one that the connection leads to.
    :param echo: whether new tasks show their parameters.
    :param delay: after how many seconds new tasks are shown.
    :param run_faults: what happens to the next Runs, in order; then all is well.
    :param faults: what happens to the next other requests.
    """

    skew: float = 0.0
    account: int = 0
    echo: bool = True
    delay: float = 0.0
    now: float = START
    uploads: int = 0
    tasks: list[SmallTask] = field(default_factory=list)
    run_faults: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def ours(self) -> list[SmallTask]:
        return [task for task in self.tasks if task.ours]

    def add(self, model: str, inputs: Mapping[str, object], *, ours: bool) -> SmallTask:
        taskid = str(2221 + len(self.tasks))
        shown = self.now + self.delay
        self.tasks.append(SmallTask(taskid, self.account, model, inputs, self.now, shown, ours, self.echo))
        return self.tasks[-1]

    def answer(self, step: Send) -> Reply | NoReply:
        """Answer a request, or do to it what comes next."""
        faults = self.run_faults if step.path.startswith("/Run/") else self.faults
        fault = faults.pop(0) if faults else "well"
        self.now += TIMEOUT if fault in ("lost", "dropped") else LATENCY
        match fault:
            case "dies before":
                raise Died
            case "unsent":
                return UNSENT
            case "dropped":
                return UNANSWERED
            case "down":
                return page(502)
            case "rejected":
                return refusal(98, status=401)
            case "refused":
                return refusal(0)
            case "full":
                return refusal(96)
        right = self._work(step)
        if fault == "dies after":
            raise Died
        return UNANSWERED if fault == "lost" else right

    def _work(self, step: Send) -> Reply:
        if step.path.startswith("/Run/"):
            task = self.add(step.path.removeprefix("/Run/"), dict(step.body), ours=True)
            return reply({"result": True, "errors": [], "taskid": task.taskid})
        if step.path == "/File/Upload":
            self.uploads += 1
            return reply({"result": True, "errors": [], "list": [{"url": f"https://cdn.wiro.ai/{self.uploads}.png"}]})
        if step.path == "/Tool/Detail":
            return reply({"result": True, "errors": [], "tool": [{"parameters": None}]})
        shown = [task for task in self.tasks if task.account == self.account and task.shown_at <= self.now]
        if step.path == "/Task/List":
            start, limit = int(str(step.body["start"])), int(str(step.body["limit"]))
            wanted = step.body.get("modelName", "")
            rows = [task for task in reversed(shown) if wanted in ("", task.model, task.model.split("/")[1])]
            return _page([task.row(self.skew) for task in rows[start : start + limit]])
        task = next((task for task in shown if task.taskid == step.body["taskid"]), None)
        if task is None or (step.path != "/Task/Detail" and not task.active):
            return NOT_FOUND
        if step.path in ("/Task/Kill", "/Task/Cancel"):
            task.status = "task_cancel"
        return _page([task.row(self.skew)])


def _page(rows: Iterable[object]) -> Reply:
    return reply({"result": True, "errors": [], "tasklist": list(rows)})


class SmallCaller:
    """Carries flows out against a small Wiro."""

    base_url = "https://api.wiro.ai/v1"
    max_active: int | None = None
    timeout = 30.0

    def __init__(self, wiro: SmallWiro) -> None:
        self.wiro = wiro

    @property
    def account(self) -> str:
        return str(self.wiro.account)

    def those_there(self, urls: Iterable[str]) -> frozenset[str]:
        """Every other upload is gone."""
        return frozenset(url for url in urls if url.endswith(("1.png", "3.png", "5.png")))

    def drive(self, flow: Flow[T], *, service: str | None = None, to_the_end: bool = False) -> T:
        answer: Answer = None
        try:
            while True:
                answer = self._perform(flow.send(answer))
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            flow.close()

    def _perform(self, step: Step) -> Any:
        match step:
            case Send():
                return self.wiro.answer(step)
            case Look():
                return self.wiro.answer(step.detail)
            case Sleep():
                self.wiro.now += step.seconds
            case Now():
                return self.wiro.now
            case Report():
                pass
        return None
