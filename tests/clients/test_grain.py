"""What comes due within moments of each other is seen to in one turn of the event loop."""

from __future__ import annotations

import asyncio

import pytest

from simulated import simulate
from waiting import Service, lookout_of, wait_for

pytestmark = pytest.mark.usefixtures("simulated_time")


def test_looks_that_come_due_one_after_the_other_begin_together() -> None:
    service = Service()

    async def test() -> list[float]:
        watched = lookout_of(service)
        waiting = [wait_for(watched, taskid) for taskid in service.add(range(1, 1001))]
        await asyncio.sleep(10)
        service.asked.clear()
        await asyncio.sleep(5)
        moments = [moment for moment, _, _ in service.asked]
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await watched.close()
        return moments

    moments = simulate(test())
    assert len(moments) > 1000
    assert len(set(moments)) <= 5 * 50 + 1, "there is a turn each 20 ms"
