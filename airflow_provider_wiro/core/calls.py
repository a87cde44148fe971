"""The flows of single calls: submit, read, kill, cancel, and stop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_wiro.core.protocol import (
    Flow,
    Missing,
    NoReply,
    Reply,
    RunMeaning,
    accepted_taskid,
    complaint,
    describe,
    is_auth_failure,
    now,
    report,
    run_meaning,
    send,
    sleep,
    task_in,
)
from airflow_provider_wiro.core.task import Submission, Task
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroRefused,
    WiroRequestError,
    WiroSubmissionUnknown,
    WiroTaskNotFound,
    WiroUnreachable,
)

CHECK_CREDENTIALS = "check login (API key) and password (API secret)"
RUN_PAUSES = (2.0, 5.0, 10.0)
STOP_PAUSES = (1.0, 3.0)
STOP_TIMEOUT = 10.0
NOT_STOPPED = "COULD NOT BE STOPPED and may still run and be paid: stop it in the Wiro dashboard"


def submit(model: str, inputs: Mapping[str, object], *, deadline: float | None = None) -> Flow[Submission]:
    """Send a Run. **Each one that Wiro accepts may cost money.**

    It is sent again only if it surely did not reach Wiro, or Wiro throttled it (HTTP 429) for a moment, and at most
    three times; an outcome that is not known is never repeated.

    :param deadline: unix time after which it is neither held back nor sent again; None: there is none.

    :raises WiroRequestError: one of its subclasses; none of them but ``WiroSubmissionUnknown`` leaves
        a task behind.
    """
    for pause in (*RUN_PAUSES, None):
        outcome = yield from send(f"/Run/{model}", inputs, deadline=deadline, paid=True)
        meaning = run_meaning(outcome)
        if meaning is RunMeaning.ACCEPTED and isinstance(outcome, Reply):
            return _submission(outcome, (yield from now()))
        if meaning is not RunMeaning.TRY_LATER or pause is None or _takes_long(outcome):
            break
        wait = max(pause, (outcome.retry_after or 0) if isinstance(outcome, Reply) else 0)
        if deadline is not None and (yield from now()) + wait >= deadline:
            break
        yield from report(f"Run was not accepted ({describe(outcome)}); sending it again in {wait:.0f} s", "warning")
        yield from sleep(wait)
    raise _run_error(model, outcome, meaning)


def detail(*, taskid: str | None = None, token: str | None = None, deadline: float | None = None) -> Flow[Task]:
    """Read one task, by its taskid or its socketaccesstoken.

    :param deadline: unix time until which it is held back at most while Wiro throttles; None: there is none.
    """
    body = {"tasktoken": token} if token else {"taskid": taskid}
    outcome = yield from send("/Task/Detail", body, deadline=deadline)
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
    """

    over: bool
    note: str
    task: Task | None = None

    def story(self, taskid: str) -> str:
        """Return the line for the log."""
        return f"taskid {taskid}: {self.note}" if self.over else f"taskid {taskid} {NOT_STOPPED} ({self.note})"


def stop(taskid: str) -> Flow[Stop]:
    """Stop a task whatever its state: Kill, else Cancel, else Kill again, else see whether it is over.

    Never raises for anything Wiro answers; tries three rounds while answers fail to come.
    """
    for pause in (*STOP_PAUSES, None):
        result = yield from _stop_round(taskid)
        if result.over or pause is None:
            break
        yield from report(f"taskid {taskid}: not stopped yet ({result.note}); trying again in {pause:.0f} s", "warning")
        yield from sleep(pause)
    return result


def _stop_round(taskid: str) -> Flow[Stop]:
    for call in ("Kill", "Cancel", "Kill"):
        outcome = yield from send(f"/Task/{call}", {"taskid": taskid}, STOP_TIMEOUT, urgent=True)
        if isinstance(outcome, Reply) and 200 <= outcome.status < 300:
            task = task_in(outcome, taskid)
            if isinstance(outcome.body, Mapping) and outcome.body.get("result") is True:
                return Stop(True, f"stopped by {call}", task if isinstance(task, Task) else None)
    last = describe(outcome)
    seen = task_in((yield from send("/Task/Detail", {"taskid": taskid}, STOP_TIMEOUT, urgent=True)), taskid)
    if seen is Missing.NOT_FOUND:
        return Stop(False, "Wiro does not know it")
    if isinstance(seen, Task) and seen.terminal:
        return Stop(True, f"it was already over ({seen.status})", seen)
    status = f", still {seen.status}" if isinstance(seen, Task) else ""
    return Stop(False, f"{last}{status}", seen if isinstance(seen, Task) else None)


def _request_error(call: str, outcome: Reply | NoReply, said: str, taskid: str | None) -> WiroRequestError:
    """Return the exception for a read or a stop that did not bring a task."""
    if is_auth_failure(outcome):
        return WiroAuthError(f"Wiro rejected the credentials of {call}: {said}; {CHECK_CREDENTIALS}", taskid=taskid)
    refusal = complaint(outcome) if isinstance(outcome, Reply) else None
    about = f" of taskid {taskid}" if taskid else ""
    if refusal is not None and refusal.code not in (0, 96):
        return WiroRefused(f"Wiro refused {call}{about}: {said}", taskid=taskid, code=refusal.code)
    return WiroUnreachable(f"no good answer to {call}{about}: {said}; try again", taskid=taskid)


def _task_or_raise(call: str, outcome: Reply | NoReply, taskid: str | None, token: str | None = None) -> Task:
    task, said = task_in(outcome, taskid), describe(outcome)
    if isinstance(task, Task):
        return task
    if token:
        said = said.replace(token, "***")
    if task is Missing.NOT_FOUND and call == "Detail":
        raise WiroTaskNotFound(
            f"Wiro knows no task {taskid or 'with this token'} ({said}); "
            "check that the connection is of the account that ran it",
            taskid=taskid,
        )
    raise _request_error(call, outcome, said, taskid)


def _submission(reply: Reply, submitted_at: float) -> Submission:
    assert isinstance(reply.body, Mapping)
    taskid, token = accepted_taskid(reply), reply.body.get("socketaccesstoken")
    assert taskid is not None
    return Submission(taskid, submitted_at, token if isinstance(token, str) else None)


def _takes_long(outcome: Reply | NoReply) -> bool:
    """Whether there will be no room within moments: the caller may know a better place to wait."""
    if isinstance(outcome, NoReply):
        return False
    said = complaint(outcome)
    return (said is not None and said.code == 96) or (outcome.retry_after or 0) > RUN_PAUSES[-1]


def _run_error(model: str, outcome: Reply | NoReply, meaning: RunMeaning) -> WiroRequestError:
    said, refusal = describe(outcome), complaint(outcome) if isinstance(outcome, Reply) else None
    code = refusal.code if refusal else None
    if meaning is RunMeaning.UNKNOWN:
        return WiroSubmissionUnknown(
            f"it is not known whether Wiro accepted the Run of {model}: {said}. It may be running and be paid: "
            "look for it in the Wiro dashboard before you run this task again",
            code=code,
        )
    if isinstance(outcome, NoReply):
        return WiroUnreachable(
            f"the Run of {model} did not reach Wiro: {said}; nothing was submitted: check host, or try again"
        )
    if is_auth_failure(outcome):
        return WiroAuthError(f"Wiro rejected the credentials of Run: {said}; {CHECK_CREDENTIALS}", code=code)
    if meaning is RunMeaning.TRY_LATER:
        hint = (
            "the account is at its concurrency limit; limit the parallel tasks (an Airflow pool) or top up the balance"
            if code == 96
            else "try again later"
        )
        busy = WiroBusy(f"Wiro did not accept the Run of {model}: {said}; {hint}. Nothing was submitted", code=code)
        busy.retry_after = outcome.retry_after
        return busy
    return WiroRefused(f"Wiro refused the Run of {model}: {said}. Nothing was submitted; {_remedy(code)}", code=code)


def _remedy(code: int | None) -> str:
    if code == 97:
        return "top up the account's balance, then clear this task"
    return "check the model's name, the inputs and the connection's host, then clear this task"
