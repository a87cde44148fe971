"""The flows of single calls: submit, read, kill, cancel, stop, and delete."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_provider_wiro.core.protocol import (
    Flow,
    Missing,
    NoReply,
    Reply,
    Send,
    describe,
    now,
    report,
    send,
    sleep,
    task_in,
)
from airflow_provider_wiro.core.refusals import refused_after_all as refused_after_all
from airflow_provider_wiro.core.refusals import request_error, submission_error
from airflow_provider_wiro.core.rules.endings import NOT_STOPPED as NOT_STOPPED
from airflow_provider_wiro.core.rules.endings import not_stopped as not_stopped
from airflow_provider_wiro.core.rules.replies import Meaning, accepted_taskid, rule_of
from airflow_provider_wiro.core.slugs import sent_slug
from airflow_provider_wiro.core.task import COMPLETED, Submission, Task
from airflow_provider_wiro.exceptions import WiroRefused, WiroRequestError, WiroTaskNotFound

RUN_PAUSES = (2.0, 5.0, 10.0)
STOP_PAUSES = (1.0, 3.0)
STOP_TIMEOUT = 10.0
DELETE_PAUSES = (1.0, 3.0)
# Wiro may need a moment to show that it has stopped a task; together less than a worker has before its SIGKILL.
STOP_LOOKS = (0.2, 0.5, 1.0, 1.5)


def submit(model: str, inputs: Mapping[str, object], *, deadline: float | None = None) -> Flow[Submission]:
    """Submit a generation. **Each submission that Wiro accepts may cost money.**

    It is sent again only if it surely did not reach Wiro, or Wiro throttled it (HTTP 429) for a moment, and at most
    three times; an outcome that is not known is never repeated. What each reply means is a row of ``rules.replies``.

    :param model: its name, as ``slugs.model_name`` returns it; it is sent as the slug that Wiro takes.
    :param deadline: unix time after which it is neither held back nor sent again; None: there is none.

    :raises WiroRequestError: one of its subclasses; none of them but ``WiroSubmissionUnknown`` leaves
        a task behind.
    """
    for pause in (*RUN_PAUSES, None):
        outcome = yield from send(f"/Run/{sent_slug(model)}", inputs, deadline=deadline, paid=True)
        rule = rule_of(outcome)
        if rule.meaning is Meaning.ACCEPTED and isinstance(outcome, Reply):
            return _submission(outcome, (yield from now()))
        asked = (outcome.retry_after or 0.0) if isinstance(outcome, Reply) else 0.0
        if not rule.at_once or pause is None or asked > RUN_PAUSES[-1]:
            break
        wait = max(pause, asked)
        if deadline is not None and (yield from now()) + wait >= deadline:
            break
        yield from report(f"not submitted yet ({describe(outcome)}); sending it again in {wait:.0f} s", "warning")
        yield from sleep(wait)
    raise submission_error(model, outcome, rule)


def detail(*, taskid: str | None = None, token: str | None = None, deadline: float | None = None) -> Flow[Task]:
    """Read one task, by its taskid or its socketaccesstoken.

    :param deadline: unix time until which it is held back at most while Wiro throttles; None: there is none.
    """
    body = {"tasktoken": token} if token else {"taskid": taskid}
    outcome = yield Send("/Task/Detail", body, deadline=deadline)
    assert isinstance(outcome, Reply | NoReply)
    return _task_or_raise("Detail", outcome, taskid, token)


def kill(*, taskid: str | None = None, token: str | None = None) -> Flow[Task]:
    """Kill one *running* task, by its taskid or its socketaccesstoken."""
    outcome = yield from send("/Task/Kill", {"socketaccesstoken": token} if token else {"taskid": taskid}, urgent=True)
    return _task_or_raise("Kill", outcome, taskid, token)


def cancel(taskid: str) -> Flow[Task]:
    """Cancel one *queued* task."""
    outcome = yield from send("/Task/Cancel", {"taskid": taskid}, urgent=True)
    return _task_or_raise("Cancel", outcome, taskid)


@dataclass(frozen=True, slots=True)
class Stop:
    """How stopping went.

    :param over: True if the task is surely over: Wiro stopped it, or it had ended before.
    :param note: one line for the log.
    :param task: the task as last seen, if Wiro showed it.
    :param elsewhere: whether nothing was sent, because the connection leads to another service than the task's.
    """

    over: bool
    note: str
    task: Task | None = None
    elsewhere: bool = False

    def story(self, taskid: str) -> str:
        """Return the line for the log."""
        return f"taskid {taskid}: {self.note}" if self.over else f"taskid {taskid} {not_stopped(self.note)}"


def stop(taskid: str) -> Flow[Stop]:
    """Stop a task whatever its state: Kill, else Cancel, else Kill again, else see whether it is over.

    Only a row of this task that shows its end counts as over: a yes is looked after with Detail. Never raises for
    anything Wiro answers; tries three rounds while answers fail to come. Where the connection leads to another service,
    nothing is sent, and it ends at once.
    """
    looks = iter(STOP_LOOKS)
    for pause in (*STOP_PAUSES, None):
        result = yield from _stop_round(taskid, looks)
        if result.over or result.elsewhere or pause is None:
            break
        yield from report(f"taskid {taskid}: not stopped yet ({result.note}); trying again in {pause:.0f} s", "warning")
        yield from sleep(pause)
    return result


def _stop_round(taskid: str, looks: Iterator[float]) -> Flow[Stop]:
    for call in ("Kill", "Cancel", "Kill"):
        outcome = yield from send(f"/Task/{call}", {"taskid": taskid}, STOP_TIMEOUT, urgent=True)
        if isinstance(outcome, NoReply) and outcome.elsewhere:
            return Stop(False, f"nothing was sent: {outcome.reason}", elsewhere=True)
        seen = task_in(outcome, taskid)
        if _said_yes(outcome):
            seen = yield from _look_after(taskid, seen, looks)
            said = f"{call} was accepted"
            if isinstance(seen, Task) and seen.terminal:
                return _over(seen, f"stopped by {call}")
        else:
            said = describe(outcome)
    seen = yield from _look(taskid)
    if isinstance(seen, Task) and seen.terminal:
        return _over(seen, f"it was already over ({seen.status})")
    if seen is Missing.NOT_FOUND:
        return Stop(False, "Wiro does not know it")
    return Stop(False, f"{said}, still {seen.status}", seen) if isinstance(seen, Task) else Stop(False, said)


def _over(task: Task, note: str) -> Stop:
    return Stop(True, f"it was already over ({task.status})" if task.status == COMPLETED else note, task)


def _said_yes(outcome: Reply | NoReply) -> bool:
    if not isinstance(outcome, Reply) or not 200 <= outcome.status < 300 or not isinstance(outcome.body, Mapping):
        return False
    return outcome.body.get("result") is True


def _look(taskid: str) -> Flow[Task | Missing | None]:
    return task_in((yield from send("/Task/Detail", {"taskid": taskid}, STOP_TIMEOUT, urgent=True)), taskid)


def _look_after(taskid: str, seen: Task | Missing | None, looks: Iterator[float]) -> Flow[Task | Missing | None]:
    """Look until the task shows its end, or *looks* are used up; at least once."""
    if not (isinstance(seen, Task) and seen.terminal):
        seen = yield from _look(taskid)
    while not (isinstance(seen, Task) and seen.terminal):
        pause = next(looks, None)
        if pause is None:
            break
        yield from sleep(pause)
        seen = yield from _look(taskid)
    return seen


def delete(taskid: str, *, saved: int | None = None) -> Flow[None]:
    """Delete the files of a task that is over, those it was given and those it made. They cannot be brought back.

    It is repeated where no good answer comes: a second time deletes nothing more.

    :param saved: how many of its outputs are kept elsewhere; where Wiro shows more, nothing is deleted. None: whatever
        there is may go.
    :raises WiroTaskNotFound: if Wiro does not know the task.
    :raises WiroRefused: if it is not over yet, or more is there than is kept.
    :raises WiroRequestError: if there was no good answer; whether they are deleted is not known.
    """
    for pause in (*DELETE_PAUSES, None):
        try:
            yield from _delete_once(taskid, saved)
        except WiroRequestError as error:
            if pause is None or not error.retryable:
                raise
            yield from report(f"{error}; trying again in {pause:.0f} s", "warning")
            yield from sleep(pause)
        else:
            return


def _delete_once(taskid: str, saved: int | None) -> Flow[None]:
    task = yield from detail(taskid=taskid)
    if not task.terminal:
        raise WiroRefused(
            f"the files of taskid {taskid} were not deleted: it is not over ({task.status}); wait for it, or stop it",
            taskid=taskid,
            status=task.status,
        )
    if saved is not None and (there := len(task.outputs) + len(task.unreadable)) > saved:
        unread = f", of which {len(task.unreadable)} cannot be read: {task.unreadable[0]}" if task.unreadable else ""
        raise WiroRefused(
            f"the files of taskid {taskid} were not deleted: Wiro shows {there} output(s){unread}, and {saved} are "
            "saved; save the others, then delete them",
            taskid=taskid,
        )
    if task.token is None:
        raise WiroRefused(
            f"the files of taskid {taskid} were not deleted: Wiro does not show its token, by which it takes the "
            "order; delete them in the Wiro dashboard",
            taskid=taskid,
        )
    outcome = yield from send("/Task/InputOutputDelete", {"tasktoken": task.token})
    if not _said_yes(outcome):
        raise request_error("InputOutputDelete", outcome, describe(outcome).replace(task.token, "***"), taskid)


def _task_or_raise(call: str, outcome: Reply | NoReply, taskid: str | None, token: str | None = None) -> Task:
    task = task_in(outcome, taskid)
    if isinstance(task, Task):
        return task
    said = describe(outcome)
    if token:
        said = said.replace(token, "***")
    if task is Missing.NOT_FOUND and call == "Detail":
        raise WiroTaskNotFound(
            f"Wiro knows no task {taskid or 'with this token'} ({said}). "
            "Check that the connection is of the account that ran it",
            taskid=taskid,
        )
    raise request_error(call, outcome, said, taskid)


def _submission(reply: Reply, submitted_at: float) -> Submission:
    assert isinstance(reply.body, Mapping)
    taskid, token = accepted_taskid(reply), reply.body.get("socketaccesstoken")
    assert taskid is not None
    return Submission(taskid, submitted_at, token if isinstance(token, str) else None)
