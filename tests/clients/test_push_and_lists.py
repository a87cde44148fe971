"""The socket says ends, and pages of Task/List answer other looks: an end between two rows is no lie of the list."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_wiro.clients import push
from airflow_provider_wiro.clients.lookout import Lookout
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.push import Event
from driving import ListLog
from fake_driver import START
from simulated import simulate
from waiting import BASE_URL, Service, lookout_of

pytestmark = pytest.mark.usefixtures("simulated_time")

WAITING, LIFE = 100, 100.0


class Talking(Service):
    """Shows with each task by which token the socket names it."""

    credentials = replace(Service.credentials, socket_url="wss://socket.wiro.ai/v1")

    def row(self, taskid: str, *, cancelled: bool = False) -> dict[str, Any]:
        return super().row(taskid, cancelled=cancelled) | {"socketaccesstoken": f"token-{taskid}"}


@pytest.fixture(autouse=True)
def _an_open_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    async def listen(self: push.Push) -> None:
        self._open_for = BASE_URL
        await asyncio.Event().wait()

    clock = SimpleNamespace(time=lambda: START + asyncio.get_running_loop().time())
    monkeypatch.setattr(push.Push, "_listen", listen)
    monkeypatch.setattr(push, "time", clock)


def begin(watched: Lookout, service: Talking, taskid: int, life: float) -> asyncio.Task[Any]:
    """Wait for a task, whose end the socket says a moment later."""
    now = asyncio.get_running_loop().time()
    service.ends[str(taskid)] = now + life
    said = Event("task_postprocess_end", f"token-{taskid}")
    asyncio.get_running_loop().call_at(now + life + 0.1, watched._push._take, said)
    plan = WaitPlan(str(taskid), START + now, START + now + 3600)
    return asyncio.ensure_future(watched.wait(plan, ListLog(), service=BASE_URL, listed=True, pushed=True))


def test_ends_that_the_socket_says_do_not_count_against_the_list() -> None:
    service = Talking()

    async def test() -> None:
        watched = lookout_of(service)
        waiting = [begin(watched, service, number, LIFE * number / WAITING) for number in range(1, WAITING + 1)]
        for number in range(WAITING + 1, 3 * WAITING):
            await asyncio.sleep(LIFE / WAITING)
            waiting.append(begin(watched, service, number, LIFE))
        before = service.counts.copy()
        await asyncio.sleep(LIFE / 2)
        asked = service.counts - before
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await watched.close()
        ended = WAITING / 2
        assert asked["List"] > 0
        assert asked["Detail"] < 2 * ended

    simulate(test())
