"""Measures the CPU of a thousand looks at waiting tasks, beside what others wait with.

    python benchmarks/looks.py [--rounds 5] [--looks 10000] [--profile]

A look is a signed Task/Detail of a running task, sent, answered with 1.6 kB, and parsed; a hundred are on their way at
once, without and with TLS. Only the client's CPU counts: the server is another process. The ways are measured in turn,
round after round, the three quick ones in three turns each round, and each is set beside the bare session of its round:
so what else the machine does is spread over all. The numbers are medians of the rounds. What the others do with the
answer is only to parse it, and to look whether the task is over. "By the list" is all that a triggerer does for its
waits: pages of a hundred tasks are read and parsed, and each of two thousand waits is carried on to its next pause.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path

import trustme

sys.path.insert(0, str(Path(__file__).parents[1]))

from lean_server import served
from many_tasks_server import FIRST, Tasks, served_with
from ways import AT_ONCE, BARE, QUICK, SLOW, Place, SilentLog, Way, ours

from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.lookout import Lookout
from airflow_provider_wiro.clients.waiting import Waiting
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.task import Task

WAITING = 2_000
TURNS = 3
# Seconds. Where the list is given up, it answers no more looks.
LONGEST = 120.0
LISTED = "**this package**, by the list"


async def measure(way: Way, place: Place, looks: int, profiler: cProfile.Profile | None = None) -> float:
    """Return the CPU milliseconds of a thousand looks, once the connections are open."""
    async with way(place) as look:
        left = iter(range(looks))

        async def take_turns() -> None:
            for _ in left:
                await look()

        await asyncio.gather(*(look() for _ in range(AT_ONCE)))
        if profiler is not None:
            profiler.enable()
        gc.collect()
        started = time.process_time()
        await asyncio.gather(*(take_turns() for _ in range(AT_ONCE)))
        spent = time.process_time() - started
        if profiler is not None:
            profiler.disable()
    return spent / looks * 1_000_000


class Counting(Lookout):
    """Counts the looks that the list has answered."""

    answered = 0

    def answer(self, one: Waiting, task: Task) -> None:
        """Count it."""
        self.answered += 1
        super().answer(one, task)


async def measure_listed(place: Place, looks: int) -> float:
    """Do the same for two thousand waits that the list answers, once it is believed."""
    client = AsyncClient(await Route.to(place.credentials))
    lookout, log, now = Counting(client), SilentLog(), time.time()
    waits = [
        asyncio.create_task(lookout.wait(plan, log, listed=True))
        for number in range(WAITING)
        for plan in [WaitPlan(str(FIRST + number), now, now + 3600, poll_interval=0.1)]
    ]
    while lookout.answered < WAITING:  # noqa: ASYNC110 - it is only waited for
        await asyncio.sleep(0.05)
    before = lookout.answered
    gc.collect()
    started = time.process_time()
    while lookout.answered < before + looks:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    spent = (time.process_time() - started) / (lookout.answered - before)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)
    await lookout.close()
    await client.close()
    return spent * 1_000_000


def in_turns(place: Place, looks: int) -> dict[str, float]:
    """Return what each way takes in one round; the quick ones have several turns, a few seconds after each other.

    A turn of theirs is so long because looks that have begun together stay in step at first, and garbage is collected
    in step with them.
    """
    quick = [{name: asyncio.run(measure(way, place, looks)) for name, way in QUICK.items()} for _ in range(TURNS)]
    means = {name: statistics.fmean(turn[name] for turn in quick) for name in QUICK}
    return means | {name: asyncio.run(measure(way, place, looks // 5)) for name, way in SLOW.items()}


def measured(rounds: int, looks: int, certificate: Path | None, ca: str | None) -> dict[str, list[float]]:
    """Return what each way has taken in each round."""
    spent: dict[str, list[float]] = {name: [] for name in (*QUICK, *SLOW, LISTED)}
    many = Tasks(WAITING, 0, 0.0, 0.0)
    with served(certificate=certificate) as base_url:
        for _ in range(rounds):
            for name, milliseconds in in_turns(Place(base_url, ca), looks).items():
                spent[name].append(milliseconds)
            with served_with(many, certificate) as listed_url:
                by_list = measure_listed(Place(listed_url, ca), looks)
                spent[LISTED].append(asyncio.run(asyncio.wait_for(by_list, LONGEST)))
    return spent


def cells(name: str, spent: dict[str, list[float]]) -> list[str]:
    """Return the columns of a way."""
    ratios = sorted(one / other for one, other in zip(spent[name], spent[BARE], strict=True))
    middle = [f"{statistics.median(spent[name]):.0f}", f"{statistics.median(ratios):.2f} ×"]
    return [*middle, f"{ratios[0]:.2f} to {ratios[-1]:.2f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--looks", type=int, default=10_000, help="looks of a quick way in one turn")
    parser.add_argument("--profile", action="store_true", help="show where the time of this package's looks goes")
    options = parser.parse_args()
    if options.profile:
        profiler = cProfile.Profile()
        with served() as base_url:
            asyncio.run(measure(ours, Place(base_url), options.looks, profiler))
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
        return
    authority = trustme.CA()
    with authority.cert_pem.tempfile() as ca, tempfile.TemporaryDirectory() as folder:
        certificate = Path(folder) / "server.pem"
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
        plain = measured(options.rounds, options.looks, None, None)
        over_tls = measured(options.rounds, options.looks, certificate, ca)
    print("| way | CPU-ms per 1,000 looks | beside the bare session | in single rounds | with TLS | beside | rounds |")
    print(f"|{'---|' * 7}")
    for name in plain:
        print(f"| {' | '.join([name, *cells(name, plain), *cells(name, over_tls)])} |")


if __name__ == "__main__":
    main()
