"""Measures a triggerer's event loop with many waiting triggers, beside triggers that only sleep.

    python benchmarks/capacity.py [--triggers 100,1000,5000,10000,20000] [--minutes 1]

Airflow's own TriggerRunner runs them. It is given all of them in its first turn, which is more than a triggerer gives
it ([triggerer] max_trigger_to_select_per_loop), and it has no supervisor: its events are only counted. Two cases: all
were submitted just now (a triggerer with new work), and all were submitted ten minutes ago (one that was started
again). For each, in a process of its own: the start, until each has looked at least once (45 seconds after the last
one has begun); then a steady minute, in which 200 of the tasks end. The longest block is how late a timer of 10 ms was,
at most; once more without the time in which Python collected garbage, which grows with all that is in the process.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="capacity-"))

import requests
from airflow.executors.workloads.trigger import RunTrigger
from airflow.jobs.triggerer_job_runner import TriggerRunner
from airflow.models.trigger import Trigger
from airflow.triggers.base import BaseTrigger
from lean_server import KEY, SECRET
from many_tasks_server import FIRST, Tasks, served_with
from memory import SleepingTrigger

from airflow_provider_wiro.core.signing import auth_headers
from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger

LONG = 7200.0
START = 45.0
ENDING = 200
HEADINGS = (
    "triggers",
    "longest block, at the start / then",
    "without garbage collection",
    "cores",
    "kB each",
    "requests/s",
    "sockets",
    "end to event, median / p99",
)

Block = tuple[float, float]
"""How long it was at most, and without the time in which garbage was collected."""


class Watch:
    """How late a timer is."""

    def __init__(self) -> None:
        self.longest: Block = (0.0, 0.0)
        self._collected = self._began = 0.0
        gc.callbacks.append(self._collects)

    async def run(self) -> None:
        """Watch until it is cancelled."""
        while True:
            begun, collected = time.monotonic(), self._collected
            await asyncio.sleep(0.01)
            late = time.monotonic() - begun - 0.01
            whole, rest = self.longest
            self.longest = max(whole, late), max(rest, late - (self._collected - collected))

    def taken(self) -> Block:
        """Return the longest, and begin anew."""
        longest, self.longest = self.longest, (0.0, 0.0)
        return longest

    def _collects(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.monotonic()
        else:
            self._collected += time.monotonic() - self._began


@dataclass
class Measured:
    """What was measured of one case."""

    start_block: Block
    block: Block
    cores: float
    kilobytes: float
    looks: float
    sockets: int
    delays: list[float] = field(default_factory=list)

    def cells(self) -> list[str]:
        """Return the columns of the table."""
        ordered = sorted(self.delays)
        delay = (
            f"{statistics.median(ordered):.1f} / {ordered[int(0.99 * (len(ordered) - 1))]:.1f} s" if ordered else "–"
        )
        return [
            *(f"{1000 * self.start_block[part]:.0f} / {1000 * self.block[part]:.0f} ms" for part in (0, 1)),
            f"{self.cores:.3f}",
            f"{self.kilobytes:.1f}",
            f"{self.looks:.1f}",
            str(self.sockets),
            delay,
        ]


class Runner(TriggerRunner):
    """Airflow's runner of triggers, which is given all of them at once and notes when their events come."""

    def __init__(self, given: Iterable[RunTrigger]) -> None:
        super().__init__()
        self.given = deque(given)
        self.came: dict[int, float] = {}

    async def init_comms(self) -> None:
        """Need no supervisor."""
        forever = asyncio.create_task(asyncio.sleep(LONG))
        self.comms_decoder = SimpleNamespace(_reader_task=forever)

    async def sync_state_to_supervisor(self, finished_ids: list[int]) -> None:
        """Give what is to begin; nobody asks for the events."""
        self.to_create.extend(self.given)
        self.given.clear()


class Moments(deque[Any]):
    """Events, and when each came."""

    def __init__(self, came: dict[int, float]) -> None:
        super().__init__()
        self.came = came

    def append(self, event: Any) -> None:
        """Note when it came."""
        self.came[event.trigger_id] = time.time()


def sleeping(number: int, age: float) -> BaseTrigger:
    """Return a trigger that only sleeps."""
    return SleepingTrigger(time.time() + LONG)


def waiting(number: int, age: float) -> BaseTrigger:
    """Return a trigger of this package."""
    now = time.time()
    return WiroTaskTrigger(
        taskid=str(FIRST + number), conn_id="wiro_default", submitted_at=now - age, deadline=now + LONG
    )


def given(make: Callable[[int, float], BaseTrigger], count: int, age: float) -> Iterator[RunTrigger]:
    """Return what a triggerer's runner is given of each."""
    for number in range(count):
        path, kwargs = make(number, age).serialize()
        yield RunTrigger(id=number, classpath=path, encrypted_kwargs=Trigger.encrypt_kwargs(kwargs))


async def measure(
    make: Callable[[int, float], BaseTrigger], tasks: Tasks, age: float, minutes: float, requested: Callable[[], int]
) -> Measured:
    """Run as many triggers as there are tasks."""
    runner, watch = Runner(given(make, tasks.count, age)), Watch()
    runner.events = Moments(runner.came)
    gc.collect()
    memory = _resident()
    watching, running = asyncio.create_task(watch.run()), asyncio.create_task(runner.arun())
    await _until(lambda: len(runner.triggers) == tasks.count, 60)
    await asyncio.sleep(START)
    start_block = watch.taken()
    begun, spent, looks = time.monotonic(), time.process_time(), await asyncio.to_thread(requested)
    await asyncio.sleep(60 * minutes)
    wall, spent = time.monotonic() - begun, time.process_time() - spent
    looks = await asyncio.to_thread(requested) - looks
    block, kilobytes, sockets = watch.taken(), (_resident() - memory) / tasks.count, _sockets()
    if make is waiting:
        await _until(lambda: len(runner.came) >= tasks.ending, 90)
    watching.cancel()
    for trigger in runner.triggers.values():
        trigger["task"].cancel()
    runner.stop = True
    await asyncio.gather(watching, running, return_exceptions=True)
    delays = [moment - tasks.end_of(number) for number, moment in runner.came.items()]
    return Measured(start_block, block, spent / wall, kilobytes, looks / wall, sockets, delays)


async def _until(done: Callable[[], bool], seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - it is only waited for
            await asyncio.sleep(0.2)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_000


def _sockets() -> int:
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found += str(descriptor.readlink()).startswith("socket:")
    return found


def _requests_at(base_url: str) -> int:
    headers = auth_headers(KEY, SECRET, str(time.time_ns()))
    counts = requests.post(f"{base_url}/counts", json={}, headers=headers, timeout=30).json()
    return int(sum(counts.values()))


def run_one(make: Callable[[int, float], BaseTrigger], count: int, age: float, minutes: float) -> Measured:
    """Measure one case with a service of its own."""
    first = time.time() + START + 5
    tasks = Tasks(count, min(ENDING, count), first, first + 60 * minutes - 5)
    with served_with(tasks) as base_url:
        connection = {"conn_type": "wiro", "host": base_url, "login": KEY, "password": SECRET}
        os.environ["AIRFLOW_CONN_WIRO_DEFAULT"] = json.dumps(connection)
        return asyncio.run(measure(make, tasks, age, minutes, lambda: _requests_at(base_url)))


@dataclass(frozen=True)
class Case:
    """What is measured."""

    named: str
    make: Callable[[int, float], BaseTrigger]
    age: float = 0.0


CASES = (
    Case("{} that only sleep", sleeping),
    Case("**{}**, submitted just now", waiting),
    Case("**{}**, submitted ten minutes ago", waiting, 600.0),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triggers", default="100,1000,5000,10000,20000", help="how many, separated by commas")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long the steady part is")
    parser.add_argument("--case", type=int, choices=range(len(CASES)), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        show(CASES[options.case], int(options.triggers), options.minutes)
        return
    print(f"| {' | '.join(HEADINGS)} |\n|{'---|' * len(HEADINGS)}", flush=True)
    for count in options.triggers.split(","):
        for number in range(len(CASES)):
            arguments = ["--triggers", count, "--minutes", str(options.minutes), "--case", str(number)]
            subprocess.run([sys.executable, __file__, *arguments], check=True)


def show(case: Case, count: int, minutes: float) -> None:
    """Measure a case, and print its row; Airflow's runner writes to the standard output too."""
    table = sys.stdout
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        cells = run_one(case.make, count, case.age, minutes).cells()
    print(f"| {case.named.format(count)} | {' | '.join(cells)} |", file=table, flush=True)


if __name__ == "__main__":
    main()
