"""Looks that pages of Task/List answer: fewer requests, and never another verdict than Detail's."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wiro.clients import lists, lookout
from airflow_provider_wiro.core import lookout as rules
from airflow_provider_wiro.core.protocol import NoReply, Reply, Send
from airflow_provider_wiro.core.verdict import Verdict
from fake_driver import START, UNANSWERED
from lying import LIES, Lying
from simulated import simulate
from waiting import Service, lookout_of, wait_for

pytestmark = pytest.mark.usefixtures("simulated_time")


def waited(service: Service, taskids: list[str], seconds: float, *, listed: bool = True, **options: Any) -> Any:
    """Wait for tasks for so many seconds; return the lookout as it is then."""

    async def test() -> Any:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid, listed=listed, **options) for taskid in taskids]
        await asyncio.sleep(seconds)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await watched.close()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return watched

    return simulate(test())


def looks_of(service: Service, taskids: list[str], seconds: float) -> int:
    """Return how many looks that would be with Detail alone."""
    alone = Service(service.latency)
    alone.ends = dict(service.ends)
    waited(alone, taskids, seconds, listed=False)
    assert set(alone.counts) == {"Detail"}
    return alone.counts["Detail"]


def test_a_thousand_that_wait_take_one_request_for_fifty_looks() -> None:
    service = Service()
    taskids = service.add(range(1, 1001))
    waited(service, taskids, 25)
    assert service.counts["Detail"] <= rules.PROOF
    looks = 20 * looks_of(service, taskids[:50], 25)
    assert 50 * service.counts.total() <= looks


@pytest.mark.parametrize("gap", [0.002, 0.01, 0.03, 0.05])
def test_the_list_is_soon_read_where_a_triggerer_starts_again_with_the_oldest_first(gap: float) -> None:
    service = Service()
    taskids = service.add(range(1, 1001))

    async def test() -> None:
        watched = lookout_of(service)
        waiting = []
        for taskid in taskids:
            waiting.append(wait_for(watched, taskid, listed=True, submitted_at=START - 600, deadline=START + 3600))
            await asyncio.sleep(gap)
        await asyncio.sleep(90)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await watched.close()

    simulate(test())
    settled = 1000 * gap + 35
    counts = Counter(call for moment, call, _ in service.asked if settled < moment < settled + 60)
    assert 50 * counts["List"] <= 2000
    assert counts["Detail"] <= rules.PROOF


def test_two_triggers_for_each_task_take_hardly_more_requests_than_one() -> None:
    once, twice = Service(), Service()
    waited(once, once.add(range(1, 501)), 25)
    waited(twice, 2 * twice.add(range(1, 501)), 25)
    assert twice.counts["Detail"] <= rules.PROOF
    assert twice.counts["List"] <= 2 * once.counts["List"]


@pytest.mark.parametrize("age", [0, 600])
def test_thousands_come_due_together_and_are_answered_by_readings_of_the_whole_list(age: int) -> None:
    service = Service()
    taskids = service.add(range(1, 2001))
    waited(service, taskids, 90, submitted_at=START - age, deadline=START + 3600)
    assert service.counts["Detail"] <= rules.PROOF
    alone = Service()
    waited(alone, alone.add(range(1, 31)), 90, submitted_at=START - age, deadline=START + 3600, listed=False)
    assert 50 * service.counts.total() <= 67 * alone.counts["Detail"]
    readings = [moment for moment, call, start in service.asked if (call, start) == ("List", "0")]
    assert all(later - one > 1 for one, later in itertools.pairwise(readings[2:]))


def test_pages_are_not_asked_for_together_so_that_no_two_are_read_in_one_go() -> None:
    service = Service(latency=0.5)
    waited(service, service.add(range(1, 3001)), 60)
    moments = [moment for moment, call, _ in service.asked if call == "List"]
    assert len(moments) > 300
    assert all(later - one > 0.99 / lists.PAGES_A_SECOND for one, later in itertools.pairwise(moments))
    assert service.most > rules.ABREAST / 2


def test_what_proves_the_list_is_not_behind_thousands_of_others() -> None:
    service = Service()
    taskids = service.add(range(1, 5_001))
    waited(service, taskids, 2.5)
    assert service.counts == {"Detail": rules.PROOF, "List": 51}


def test_a_few_are_asked_for_one_by_one() -> None:
    service = Service()
    waited(service, service.add(range(1, rules.WORTH)), 120)
    assert set(service.counts) == {"Detail"}


def test_in_an_account_that_is_full_of_other_peoples_tasks_the_list_is_given_up() -> None:
    service = Service()
    taskids = service.add(range(1, 2001))[::40]
    waited(service, taskids, 120)
    looks = looks_of(service, taskids, 120)
    assert service.counts["List"] <= 5
    assert service.counts["Detail"] <= 1.02 * looks


def test_thousands_who_sleep_are_not_searched_for_each_look_that_the_list_is_not_worth() -> None:
    searched = 0

    class Sleeping(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            nonlocal searched
            searched += len(self)
            return super().__iter__()

    class Shared(Service):
        def listed(self, start: int, limit: int) -> list[Any]:
            return [self.row(str(taskid)) for taskid in range(24_000 - start, max(24_000 - start - limit, 0), -1)]

    service = Shared()
    taskids = service.add(range(1, 24_001))[::12]

    async def test() -> None:
        watched = lookout_of(service)
        watched._sleeping = Sleeping()
        waiting = [wait_for(watched, taskid, listed=True, submitted_at=START - 600) for taskid in taskids]
        await asyncio.sleep(60)
        asked = service.counts["Detail"]
        begun = searched
        await asyncio.sleep(60)
        assert service.counts["Detail"] - asked > 1_000
        assert searched - begun < 500 * (service.counts["Detail"] - asked)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await watched.close()

    simulate(test())


def test_it_is_read_only_as_far_back_as_the_oldest_that_waits() -> None:
    class Old(Service):
        def row(self, taskid: str, **options: Any) -> dict[str, Any]:
            old = {"createtime": "1734400000"} if int(taskid) <= 3000 else {}
            return super().row(taskid, **options) | old

    service = Old()
    taskids = [*service.add(range(1, 3151))[3000:], "999999"]
    waited(service, taskids, 30)
    starts = [int(start) for _, call, start in service.asked if call == "List"]
    assert max(starts) <= 200


@pytest.mark.parametrize("by_detail", [False, True])
def test_each_is_confirmed_by_detail_every_five_minutes(by_detail: bool) -> None:
    service = Service()
    taskids = service.add(range(1, 41))
    waited(service, taskids, 1500, listed=not by_detail)
    for taskid in taskids:
        looks = [0.0, *service.looks(taskid), 1500.0]
        assert max(later - one for one, later in itertools.pairwise(looks)) <= 301
    if not by_detail:
        assert service.counts["Detail"] <= 40 * 8


def test_a_clock_that_is_put_back_puts_off_no_confirmation(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Lying(["all run"])
    taskids = service.add(range(1, 41), lambda _: 100.0)

    def put_back() -> float:
        now = asyncio.get_running_loop().time()
        return START + now - (3600.0 if now > 50 else 0.0)

    monkeypatch.setattr(lookout, "time", SimpleNamespace(time=put_back))
    waited(service, taskids, 500)
    assert min(service.looks(taskid)[-1] for taskid in taskids) >= 100


def test_those_that_begin_together_are_not_confirmed_together() -> None:
    service = Service()
    waited(service, service.add(range(1, 201)), 400)
    confirmed = [moment for moment, call, _ in service.asked if call == "Detail" and moment > 60]
    busiest = max(sum(1 for moment in confirmed if second <= moment < second + 10) for second in range(400))
    assert busiest < 50


def test_an_end_is_noticed_as_soon_as_with_detail_alone_and_confirmed_by_it() -> None:
    service = Service()
    taskids = service.add(range(1, 101), lambda taskid: 20.0 + taskid % 50)

    async def test() -> list[Verdict]:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid, listed=True) for taskid in taskids]
        late: list[float] = []
        for one, taskid in zip(waiting, taskids, strict=True):
            one.add_done_callback(lambda _, end=service.ends[taskid]: late.append(service.now - end))
        verdicts = await asyncio.gather(*waiting)
        assert max(late) < 0.11 * 70 + 2
        await watched.close()
        return verdicts

    verdicts = simulate(test())
    assert {verdict.kind for verdict in verdicts} == {"success"}
    assert service.counts["Detail"] <= 100 + 2 * rules.PROOF
    for taskid in taskids:
        assert service.looks(taskid)[-1] >= service.ends[taskid]


def test_a_wake_asks_detail_though_the_list_is_read() -> None:
    service = Service()
    taskids = service.add(range(1, 101))

    async def test() -> None:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid, listed=True) for taskid in taskids]
        await asyncio.sleep(30)
        asked = service.counts["Detail"]
        watched.wake("50")
        await asyncio.sleep(1)
        assert service.counts["Detail"] == asked + 1
        assert service.looks("50")[-1] == pytest.approx(30, abs=0.1)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await watched.close()

    simulate(test())


HOW = ["task_postprocess_end", "task_postprocess_end", "task_cancel", "task_error", "task_stream_ready", "missing"]


def verdicts_of(service: Service, ends: list[tuple[float, str]], *, listed: bool) -> list[tuple[Any, ...]]:
    for taskid, (end, how) in enumerate(ends, 1):
        if how != "missing":
            service.ends[str(taskid)] = end
            service.as_they_end[str(taskid)] = how

    async def test() -> list[tuple[Any, ...]]:
        watched = lookout_of(service)
        taskids = map(str, range(1, len(ends) + 1))
        waiting = [wait_for(watched, taskid, listed=listed, deadline=START + 400.0) for taskid in taskids]
        verdicts = await asyncio.gather(*waiting)
        await watched.close()
        return [(each.kind, each.status, each.stopped, each.result) for each in verdicts]

    return simulate(test())


@pytest.fixture(scope="module")
def soon_believed() -> Iterator[None]:
    """Few tasks are enough for the list to be read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "WORTH", 2)
        patch.setattr(rules, "PROOF", 4)
        patch.setattr(lists, "PROOF", 4)
        yield


@pytest.mark.usefixtures("soon_believed")
@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(
    ends=st.lists(
        st.tuples(st.sampled_from([1.0, 20.0, 90.0, 250.0, 390.0, 1e9]), st.sampled_from(HOW)), min_size=10, max_size=16
    ),
    lies=st.lists(st.sampled_from(sorted(LIES)), min_size=1, max_size=3),
    since=st.sampled_from([0.0, 10.0, 60.0]),
    slow=st.sampled_from([0.0, 0.0, 1.5, 4.0, 60.0]),
)
def test_whatever_the_list_says_the_verdicts_are_those_of_detail(
    ends: list[tuple[float, str]], lies: list[str], since: float, slow: float
) -> None:
    assert verdicts_of(Lying(lies, since, slow), ends, listed=True) == verdicts_of(Service(), ends, listed=False)


@pytest.mark.usefixtures("soon_believed")
@pytest.mark.parametrize(
    ("lie", "slow"), [*[(lie, 0.0) for lie in sorted(LIES)], ("the truth", 4.0), ("all are over", 4.0)]
)
def test_each_lie_is_told_and_the_verdicts_are_those_of_detail(lie: str, slow: float) -> None:
    ends = [(end, how) for how in sorted(set(HOW)) for end in (20.0, 150.0, 1e9)]
    lying = Lying([lie], 10.0, slow)
    assert verdicts_of(lying, ends, listed=True) == verdicts_of(Service(), ends, listed=False)
    assert any(call == "List" and moment + slow >= lying.since for moment, call, _ in lying.asked)


def test_pages_of_a_list_in_an_order_of_their_own_each_change_no_verdict() -> None:
    class Shuffled(Service):
        def listed(self, start: int, limit: int) -> list[Any]:
            taskids = random.Random(len(self.asked)).sample(sorted(self.ends), len(self.ends))
            return [self.row(taskid) for taskid in taskids[start : start + limit]]

    ends = [(1.0 * number, HOW[number % 5]) for number in range(1, 251)]
    shuffled = Shuffled()
    assert verdicts_of(shuffled, ends, listed=True) == verdicts_of(Service(), ends, listed=False)
    assert shuffled.counts["List"] > 10


@pytest.mark.parametrize("lie", sorted(LIES))
def test_each_lie_costs_no_more_than_detail(lie: str) -> None:
    lying = Lying([lie], 20.0, 0.0)
    taskids = lying.add(range(1, 31), lambda taskid: 10.0 * taskid)
    waited(lying, taskids, 150)
    honest = Service()
    honest.add(range(1, 31), lambda taskid: 10.0 * taskid)
    waited(honest, taskids, 150, listed=False)
    assert lying.counts["Detail"] + rules.WORTH * lying.counts["List"] <= 1.1 * honest.counts["Detail"] + 100


@pytest.mark.parametrize("lie", ["refused", "not there", "all are over"])
def test_a_list_that_refuses_or_is_proven_wrong_is_not_read_again(lie: str) -> None:
    lying = Lying([lie], 0.0, 0.0)
    taskids = lying.add(range(1, 101))
    watched = waited(lying, taskids, 300)
    assert not watched._lists._book.usable
    assert lying.counts["List"] <= 3


def test_one_task_that_the_list_shows_wrong_for_ever_costs_the_others_nothing() -> None:
    class Odd(Service):
        def listed(self, start: int, limit: int) -> list[Any]:
            over = {"status": "task_cancel"} if self.now > 120 else {}
            return [row | over if row["id"] == "500" else row for row in super().listed(start, limit)]

    service = Odd()
    watched = waited(service, service.add(range(1, 1001)), 600, submitted_at=START - 600, deadline=START + 3600)
    assert watched._lists._book.usable
    assert max(moment for moment, call, _ in service.asked if call == "List") > 550


def test_what_proves_the_list_is_not_asked_for_again_sooner_than_it_may_be() -> None:
    class Shared(Service):
        def listed(self, start: int, limit: int) -> list[Any]:
            numbers = range(600 - start, max(600 - start - limit, 0), -1)
            return [self.row(str(number)) for number in numbers]

    service = Shared()
    taskids = service.add(range(1, 601))[::12]
    waited(service, taskids, 600, submitted_at=START - 600, deadline=START + 7200)
    assert service.counts["List"] > 0
    for taskid in taskids:
        assert min(later - one for one, later in itertools.pairwise(service.looks(taskid))) >= 2.7


def test_a_page_that_names_one_task_again_and_again_proves_no_more_than_that() -> None:
    class Repeating(Service):
        def listed(self, start: int, limit: int) -> list[Any]:
            rows = super().listed(start, limit)
            return [*rows[:1] * 25, *rows[:75]]

    service = Repeating()
    waited(service, service.add(range(1, 101)), 29, submitted_at=START - 600, deadline=START + 7200)
    assert len(service.looks("100")) <= 2
    assert service.counts["Detail"] < 100  # it is believed before all have been asked for


def test_one_whose_deadline_passes_in_the_queue_is_answered_once_though_a_reading_has_put_it_there_twice() -> None:
    class Slow(Lying):
        async def send(self, step: Send, *args: Any, **options: Any) -> Reply | NoReply:
            if step.path == "/Task/Detail" and not step.urgent and self.now > 100:
                await asyncio.sleep(60.0)
                return UNANSWERED
            self.slow = 60.0 if self.now > 100 else 0.0
            return await super().send(step, *args, **options)

    service = Slow(["the truth"])
    taskids = service.add(range(1, 401))

    async def test() -> list[Verdict]:
        watched = lookout_of(service)
        ends = START + 150.0
        waiting = [wait_for(watched, taskid, listed=True, deadline=ends) for taskid in taskids]
        verdicts = await asyncio.gather(*waiting)
        await watched.close()
        return verdicts

    verdicts = simulate(test())
    assert {(verdict.kind, verdict.stopped) for verdict in verdicts} == {("timeout", True)}
    stops = [taskid for _, call, taskid in service.asked if call in ("Kill", "Cancel")]
    assert sorted(stops, key=int) == taskids
