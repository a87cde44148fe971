"""What looks after all waiting tasks of a connection: one for all, and none disturbs another."""

from __future__ import annotations

import asyncio
import gc
import itertools
from contextvars import ContextVar
from typing import Any

import pytest

from airflow_provider_wiro.clients import lookout, turns
from airflow_provider_wiro.clients.lookout import Lookout
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.protocol import NoReply, Reply, Send
from airflow_provider_wiro.core.verdict import Verdict
from driving import ListLog
from fake_driver import START, UNANSWERED
from simulated import simulate
from waiting import Service, lookout_of, wait_for

pytestmark = pytest.mark.usefixtures("simulated_time")


async def leave(watched: Lookout, *waiting: asyncio.Task[Any]) -> None:
    """Cancel those who wait, and close; nothing is left then."""
    for one in waiting:
        one.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    await watched.close()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not len(watched.waits)
    assert not watched._sleeping


def test_a_thousand_that_wait_have_one_task_each_and_no_more_runs_for_them() -> None:
    service = Service()

    async def test() -> None:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid, poll_interval=600.0) for taskid in service.add(range(1, 1001))]
        await asyncio.sleep(60)
        assert service.counts == {"Detail": 1000}
        assert asyncio.all_tasks() == {asyncio.current_task(), *waiting}
        await leave(watched, *waiting)

    simulate(test())


def test_they_begin_one_after_the_other_in_the_order_in_which_they_came_and_no_one_waits_for_long() -> None:
    service = Service()

    async def test() -> None:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid) for taskid in service.add(range(1, 2001))]
        await asyncio.sleep(0.01)
        assert service.most <= turns.AT_FIRST + turns.TOGETHER
        await asyncio.sleep(2000 / turns.A_SECOND + 1)
        first = {taskid: moment for moment, _, taskid in reversed(service.asked)}
        assert len(first) == 2000
        assert [first[str(number)] for number in range(1, 2001)] == sorted(first.values())
        assert max(first.values()) <= 2000 / turns.A_SECOND + 0.5
        assert service.most <= 2 * lookout.CONNECTIONS
        await leave(watched, *waiting)

    simulate(test())


@pytest.mark.parametrize("seconds", [0.1, 5.0])
def test_no_more_are_on_their_way_at_once_than_there_are_connections(seconds: float) -> None:
    service = Service(seconds)

    async def test() -> None:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid) for taskid in service.add(range(1, 301))]
        await asyncio.sleep(20)
        assert service.most <= lookout.CONNECTIONS
        assert len({taskid for _, _, taskid in service.asked}) == 300
        await leave(watched, *waiting)

    simulate(test())


def test_each_is_looked_at_when_it_is_due_and_its_verdict_reaches_its_own_trigger() -> None:
    service = Service()

    async def test() -> None:
        watched = lookout_of(service)
        taskids = service.add(range(1, 51), lambda taskid: 20.0 + taskid)
        waiting = [wait_for(watched, taskid) for taskid in taskids]
        verdicts = await asyncio.gather(*waiting)
        assert [(verdict.kind, verdict.taskid) for verdict in verdicts] == [("success", taskid) for taskid in taskids]
        for taskid in taskids:
            looks = service.looks(taskid)
            assert looks[-1] - service.ends[taskid] < 0.12 * max(30.0, looks[-1]) + 0.5
            assert all(later - one >= 2.7 for one, later in itertools.pairwise(looks))
        await leave(watched)

    simulate(test())


def test_two_triggers_may_wait_for_one_task() -> None:
    service = Service()

    async def test() -> None:
        watched = lookout_of(service)
        service.add([1], lambda _: 20.0)
        one, other, third = (wait_for(watched, "1") for _ in range(3))
        await asyncio.sleep(1)
        other.cancel()
        assert [(await each).kind for each in (one, third)] == ["success"] * 2
        await leave(watched, other)

    simulate(test())


@pytest.mark.parametrize("after", [0.0, 0.05, 1.0, 4.05], ids=["at once", "first look", "asleep", "second look"])
def test_one_that_is_cancelled_leaves_nothing_and_does_not_disturb_the_others(after: float) -> None:
    service = Service()

    async def test() -> None:
        watched = lookout_of(service)
        service.add(range(1, 4), lambda _: 20.0)
        waiting = [wait_for(watched, taskid) for taskid in "123"]
        await asyncio.sleep(after)
        for _ in range(3):
            waiting[1].cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await waiting[1]
        asked = len(service.looks("2"))
        assert [(await waiting[each]).kind for each in (0, 2)] == ["success"] * 2
        assert len(service.looks("2")) == asked
        assert service.on_their_way == 0
        await leave(watched)

    simulate(test())


class Broken(ListLog):
    """A log that cannot be written to."""

    def info(self, message: str, /, *args: object) -> None:
        raise OSError("no space left on device")

    warning = info


def test_an_error_in_one_wait_reaches_its_own_trigger_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service()

    async def test() -> None:
        watched = lookout_of(service)
        service.add(range(1, 5), lambda _: 20.0)
        broken = wait_for(watched, "4", log=Broken())
        others = [wait_for(watched, taskid) for taskid in "123"]
        with pytest.raises(OSError, match="no space left"):
            await broken
        send = service.send

        async def fails(step: Any, *args: Any, **options: Any) -> Any:
            if step.body.get("taskid") == "1":
                raise LookupError("it cannot be signed")
            return await send(step, *args, **options)

        monkeypatch.setattr(service, "send", fails)
        with pytest.raises(LookupError, match="cannot be signed"):
            await others[0]
        assert [(await other).kind for other in others[1:]] == ["success"] * 2
        await leave(watched)

    simulate(test())


def test_an_error_that_nobody_waits_for_any_more_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []

    async def test() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        watched = lookout_of(Service())
        waiting = wait_for(watched, "1", log=Broken())
        await asyncio.sleep(0)
        waiting.cancel()
        await leave(watched, waiting)
        gc.collect()

    simulate(test())
    assert told == []


of_trigger: ContextVar[str] = ContextVar("of_trigger", default="nobody's")


class Labelled(ListLog):
    """Airflow puts a line into the log of the task whose context it is written in."""

    def info(self, message: str, /, *args: object) -> None:
        super().info(f"{of_trigger.get()} {message}", *args)

    warning = info


def test_each_line_is_written_in_the_context_of_its_own_trigger() -> None:
    service, log = Service(), Labelled()
    taskids = service.add(range(1, 21), lambda _: 20.0)

    async def trigger(watched: Lookout, taskid: str) -> None:
        of_trigger.set(f"trigger-{taskid}")
        await watched.wait(WaitPlan(taskid, START, START + 3600.0), log)

    async def test() -> None:
        watched = lookout_of(service)
        await asyncio.gather(*(trigger(watched, taskid) for taskid in taskids))
        await leave(watched)

    simulate(test())
    assert len(log.lines) == 40
    for line in log.lines:
        owner, _, rest = line.partition(" taskid ")
        assert owner == f"trigger-{rest.partition(':')[0]}"


def test_one_whose_deadline_passes_in_the_queue_is_not_looked_at_and_is_stopped() -> None:
    service = Service(20.0)

    async def test() -> None:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid) for taskid in service.add(range(1, lookout.CONNECTIONS + 1))]
        await asyncio.sleep(1)
        service.add([1000])
        late = wait_for(watched, "1000", deadline=START + 5.0)
        await asyncio.sleep(6.1)
        assert [call for _, call, taskid in service.asked if taskid == "1000"] == ["Kill"]
        assert (await late).kind == "timeout"
        await leave(watched, *waiting)

    simulate(test())


def woken(at: list[float], *, poll_interval: float, until: float = 100.0) -> list[float]:
    """Return when a task is looked at that is woken at those moments."""
    service = Service(1.0)

    async def test() -> None:
        watched = lookout_of(service)
        waiting = wait_for(watched, *service.add([1]), poll_interval=poll_interval)
        for moment in at:
            await asyncio.sleep(moment - asyncio.get_running_loop().time())
            watched.wake("1")
            watched.wake("another")
        await asyncio.sleep(until - asyncio.get_running_loop().time())
        await leave(watched, waiting)

    simulate(test())
    return [round(moment) for moment in service.looks("1")]


def test_a_wake_makes_a_look_due_now() -> None:
    assert woken([30.0], poll_interval=200.0) == [0, 30]


def test_wakes_that_come_one_after_the_other_make_a_look_in_each_poll_interval() -> None:
    looks = woken([30.0, 31.5, 32.0, 33.0, 34.0, 60.0], poll_interval=20.0, until=68.0)
    assert [look for look in looks if look in (30, 60)] == [30, 60]
    assert len(looks) == 5
    assert 48 <= looks[3] <= 50  # the poll_interval after 30, or when it was due anyway


def test_a_wake_while_it_is_looked_at_makes_one_more_look() -> None:
    assert woken([0.5], poll_interval=200.0) == [0, 1]


class Away(Service):
    """Answers nothing that stops a task, for the first seconds after its deadline."""

    def answer(self, call: str, taskid: str, step: Send) -> Reply | NoReply:
        return UNANSWERED if call != "Detail" and self.now < 63.0 else super().answer(call, taskid, step)


@pytest.mark.parametrize("wakes", [False, True])
def test_what_happens_to_a_task_does_not_shorten_the_pauses_of_its_stop(wakes: bool) -> None:
    service = Away()

    async def test() -> Verdict:
        watched = lookout_of(service)
        waiting = wait_for(watched, *service.add([1]), deadline=START + 60.0, poll_interval=0.1)
        while not waiting.done():
            await asyncio.sleep(0.05)
            if wakes:
                watched.wake("1")
        await leave(watched)
        return waiting.result()

    verdict = simulate(test())
    assert (verdict.kind, verdict.stopped) == ("timeout", True)
