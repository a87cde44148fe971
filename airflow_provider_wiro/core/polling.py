"""Waiting for a task: when to look again, when to lose patience, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_wiro.core.calls import stop
from airflow_provider_wiro.core.pace import Experience, jitter, pause
from airflow_provider_wiro.core.protocol import (
    Flow,
    Look,
    Missing,
    NoReply,
    Now,
    Reply,
    Sleep,
    describe,
    report,
    task_in,
)
from airflow_provider_wiro.core.rules.waits import Limit, Looks, limit_of
from airflow_provider_wiro.core.task import COMPLETED, ERRORED, KNOWN, RUNNING, STREAMING, TERMINAL, Task
from airflow_provider_wiro.core.verdict import Verdict

# The defaults of operator, trigger and hook, in seconds.
POLL_INTERVAL = 3.0
TIMEOUT = 3600.0
OUTAGE_TOLERANCE = 600.0
TASK_ERROR_GRACE = 120.0

NOT_FOUND_GRACE = 60.0
# A look that is due so many seconds after Detail was asked goes to Detail again: the next one would be up to a minute
# later, and Detail is asked every five minutes at least.
CONFIRMED_AFTER = 234.0

# How many changes of status are worth a line each: the story of a task is told in ten lines. Those that follow are told
# with the end, in one.
TOLD = 4
LONGEST_ROUTE = 8

# Made once, as each look asks for both.
NOW, STEADY = Now(), Now(steady=True)


@dataclass(frozen=True, slots=True)
class WaitPlan:
    """What to wait for, and how long. Times are unix times, durations seconds.

    :param submitted_at: when Wiro accepted the task; where that is not known, when the wait began.
    :param deadline: when to give up.
    :param poll_interval: the shortest pause between two looks.
    :param outage_tolerance: how long to go on without one good answer; an HTTP 429 shows that Wiro is there, and only
        *deadline* ends that.
    :param task_error_grace: how long a task may stay in ``task_error``.
    :param stop_at_timeout: whether a task is stopped where the wait ends before it does.
    """

    taskid: str
    submitted_at: float
    deadline: float
    poll_interval: float = POLL_INTERVAL
    outage_tolerance: float = OUTAGE_TOLERANCE
    task_error_grace: float = TASK_ERROR_GRACE
    stop_at_timeout: bool = True


def wait(plan: WaitPlan, experience: Experience | None = None) -> Flow[Verdict]:
    """Look at the task until there is a verdict; stop it where the wait ends before the task does.

    :param experience: how long earlier tasks took; this one is added to it. None = nothing is known, or kept.
    """
    verdict = yield from _looks(plan, experience, until_well=False)
    assert verdict is not None
    return verdict


def look(plan: WaitPlan) -> Flow[Verdict | None]:
    """Look at the task until it is known how it stands: return the verdict, None where it runs.

    What is no answer to that is waited out, with the patience of *plan*: an outage, ``task_error``, a task that Wiro
    does not know.
    """
    return (yield from _looks(plan, None, until_well=True))


def _looks(plan: WaitPlan, experience: Experience | None, *, until_well: bool) -> Flow[Verdict | None]:
    watch = _Watch(plan)
    # What came back is let go of before the next pause: it would be most of what a waiting task takes in memory.
    while isinstance(turn := (yield from _look(plan, watch, experience, until_well=until_well)), float):
        yield Sleep(turn, looks=True, sooner=not watch.sure)
    return turn


def _look(
    plan: WaitPlan, watch: _Watch, experience: Experience | None, *, until_well: bool
) -> Flow[Verdict | float | None]:
    """Look once; return the verdict, the seconds until the next look, or None where it runs and that is enough."""
    outcome = yield Look(plan.taskid, plan.deadline, watch.sure)
    assert isinstance(outcome, Reply | NoReply | Task)
    time, passed = (yield NOW), (yield STEADY)
    assert isinstance(time, float)
    assert isinstance(passed, float)
    seen = outcome if isinstance(outcome, Task) else task_in(outcome, plan.taskid)
    if not watch.count:
        watch.begin(passed, time - plan.submitted_at)
    if seen is not outcome or not watch.count:
        watch.looked(passed)
    for line, warning in watch.notice(seen, outcome, passed):
        yield from report(line, "warning" if warning else "info")
    if isinstance(seen, Task) and seen.terminal:
        if experience is not None and seen.succeeded:
            experience.learn(seen.model, seen.took)
        return (yield from _judge(seen))
    limit = limit_of(watch.looks(passed, late=time >= plan.deadline))
    if limit is not None and seen is outcome:
        watch.sure = True  # nothing but Detail ends a wait
        return 0.0
    if limit is not None:
        return (yield from _give_up(plan, limit, watch.reason(limit, passed, time - plan.submitted_at), watch))
    if until_well and isinstance(seen, Task) and seen.status != ERRORED:
        return None
    watch.count += 1
    model = seen.model if isinstance(seen, Task) else None
    window = None if experience is None else experience.window(model)
    # Spread by taskid, so that tasks submitted together are not looked at together.
    seconds = pause(time - plan.submitted_at, plan.poll_interval, jitter(plan.taskid, watch.count), window)
    if isinstance(outcome, Reply) and outcome.retry_after:
        seconds = max(seconds, outcome.retry_after)
    seconds = max(0.0, min(seconds, plan.deadline - time))
    well = isinstance(seen, Task) and seen.status in RUNNING
    watch.sure = not well or passed + seconds >= watch.confirmed_by or time + seconds >= plan.deadline
    return seconds


def _judge(task: Task) -> Flow[Verdict]:
    verdict = Verdict.of(task)
    if verdict.kind == "success" and verdict.reason:
        yield from report(f"taskid {task.taskid}: {verdict.reason}", "warning")
    return verdict


def _give_up(plan: WaitPlan, limit: Limit, reason: str, watch: _Watch) -> Flow[Verdict]:
    if not (limit.stops and plan.stop_at_timeout):
        return Verdict(limit.kind, plan.taskid, watch.status, reason)
    yield from report(f"taskid {plan.taskid}: {reason}; stopping it", "warning")
    stopped = yield from stop(plan.taskid)
    yield from report(stopped.story(plan.taskid), "info" if stopped.over else "warning")
    if stopped.task is not None and stopped.task.status == COMPLETED:
        return (yield from _judge(stopped.task))
    status = stopped.task.status if stopped.task else watch.status
    if limit.kind == "stuck" and stopped.over and watch.flagged is not None:
        return Verdict("flagged", plan.taskid, status, watch.flagged)
    if limit.kind == "not_found":
        # One that could be stopped is known after all.
        return Verdict("timeout" if stopped.over else "not_found", plan.taskid, status, reason, stopped.over or None)
    return Verdict(limit.kind, plan.taskid, status, reason, stopped.over)


@dataclass(slots=True)
class _Watch:
    """What the looks so far add up to. Its times are of the steady clock: where a machine's clock is put forward by an
    hour, an outage of a moment must not count as one of an hour, and end a paid task.

    :ivar submitted: when Wiro accepted the task.
    """

    plan: WaitPlan
    submitted: float = 0.0
    count: int = 0
    status: str | None = None
    status_since: float = 0.0
    error: str | None = None
    flagged: str | None = None
    missing_since: float | None = None
    trouble: str | None = None
    elsewhere: bool = False
    trouble_since: float = 0.0
    outage_since: float | None = None
    unknown: frozenset[str] = frozenset()
    told: int = 0
    untold: tuple[str, ...] = ()
    untold_since: float | None = None
    sure: bool = False
    confirmed_by: float = 0.0

    def begin(self, time: float, age: float) -> None:
        """Take in the first look, and how old the task is then."""
        self.submitted = time - age

    def looked(self, time: float) -> None:
        """Take in that Detail was asked, or that the wait begins with what was known without it."""
        # Waits that begin together are not confirmed together.
        spread = (1 + jitter(self.plan.taskid, self.count)) / (20 if self.count else 4)
        self.confirmed_by = time + CONFIRMED_AFTER * (1 - spread)

    def notice(
        self, seen: Task | Missing | None, outcome: Reply | NoReply | Task, time: float
    ) -> list[tuple[str, bool]]:
        """Take in one look; return the lines it is worth in the log, each with whether it is a warning."""
        taskid, lines = self.plan.taskid, []
        if seen is None:
            assert not isinstance(outcome, Task)
            return self._endure(outcome, time)
        if self.trouble is not None:
            lines.append((f"taskid {taskid}: Wiro answers again after {time - self.trouble_since:.1f} s", False))
        self.trouble = self.outage_since = None
        self.elsewhere = False
        if seen is Missing.NOT_FOUND:
            # Since this wait has seen it missing: one that begins late must not judge by a single look.
            self.missing_since = time if self.missing_since is None else self.missing_since
            return lines
        assert isinstance(seen, Task)
        self.missing_since = None
        self.error, self.flagged = (seen.error, seen.flagged) if seen.status == ERRORED else (None, None)
        return lines + self._change(seen.status, time)

    def _endure(self, outcome: Reply | NoReply, time: float) -> list[tuple[str, bool]]:
        elsewhere = isinstance(outcome, NoReply) and outcome.elsewhere
        told = self.trouble is not None and (self.elsewhere or not elsewhere)
        led_back = self.elsewhere and not elsewhere
        if self.trouble is None:
            self.trouble_since = time
        self.trouble, self.elsewhere = describe(outcome), elsewhere
        if isinstance(outcome, Reply) and outcome.status == 429:
            self.outage_since = None
        elif self.outage_since is None or led_back:
            # Not since the last good answer: in the pause after it, or while it led elsewhere, nobody asked.
            self.outage_since = time
        if told:
            return []
        what = "nothing is sent" if elsewhere else "no good answer from Wiro"
        line = f"taskid {self.plan.taskid}: {what} ({self.trouble}); looking again"
        return [(f"{line}, for {self.plan.outage_tolerance:.0f} s at most", True)]

    def _change(self, status: str, time: float) -> list[tuple[str, bool]]:
        if status == self.status:
            return []
        self.status, self.status_since = status, time
        route = (*self.untold, status)
        self.untold = route if len(route) <= LONGEST_ROUTE else (route[0], "…", *route[2 - LONGEST_ROUTE :])
        is_new = status not in KNOWN and status not in self.unknown
        if self.told >= TOLD and not is_new and status not in (*TERMINAL, ERRORED):
            return []
        since = self.submitted if self.untold_since is None else self.untold_since
        line = f"taskid {self.plan.taskid}: {' -> '.join(self.untold)} after {time - since:.1f} s"
        self.told, self.untold, self.untold_since = self.told + 1, (status,), time
        if not is_new:
            return [(line, False)]
        self.unknown |= {status}
        return [(f"{line} (a status this version does not know; taken as still running)", True)]

    def looks(self, time: float, *, late: bool) -> Looks:
        """Return what the looks up to *time* add up to.

        :param late: whether the deadline is over.
        """
        plan, well = self.plan, self.trouble is None
        missing = self.missing_since if well else None
        errored = well and missing is None and self.status == ERRORED
        return Looks(
            elsewhere=self.elsewhere,
            outage=self.outage_since is not None and not self.elsewhere,
            outlasted=self.outage_since is not None and time - self.outage_since >= plan.outage_tolerance,
            missing=missing is not None,
            lost=missing is not None and time - missing > NOT_FOUND_GRACE,
            errored=errored and time - self.status_since >= plan.task_error_grace,
            waits_for_a_person=well and missing is None and self.status == STREAMING,
            late=late,
        )

    def reason(self, limit: Limit, time: float, age: float) -> str:
        """Say in one line why not to wait any longer with a task of so many seconds."""
        match limit.kind:
            case "elsewhere":
                return self.trouble or ""
            case "gave_up":
                return f"no good answer for {time - (self.outage_since or 0.0):.0f} s, the last one: {self.trouble}"
            case "not_found":
                return f"not found for {time - (self.missing_since or 0.0):.0f} s"
            case "stuck":
                return f"task_error for {time - self.status_since:.0f} s: {self.error or 'no message'}"
            case "realtime":
                return "it has opened a stream"
        return f"not finished within {age:.0f} s"
