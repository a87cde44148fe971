"""Measures the memory of a waiting trigger, beside one that only sleeps.

    python benchmarks/memory.py [--triggers 1000] [--lines]

Each trigger is made of its serialised arguments, as a triggerer does it, runs in a task of its own, looks once at a
task that is running, and sleeps. What counts is what Python has allocated since (tracemalloc), all connections and
shared clients included.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="memory-"))

from airflow.triggers.base import BaseTrigger, TriggerEvent
from lean_server import KEY, SECRET, TASKID, served

from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger

LONG = 3600.0


class SleepingTrigger(BaseTrigger):
    """Only sleeps: the floor."""

    def __init__(self, moment: float) -> None:
        super().__init__()
        self.moment = moment

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the trigger's path and arguments."""
        return "memory.SleepingTrigger", {"moment": self.moment}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep."""
        await asyncio.sleep(self.moment - time.time())
        yield TriggerEvent(None)


def sleeping() -> SleepingTrigger:
    """Return a trigger that only sleeps."""
    return SleepingTrigger(time.time() + LONG)


def waiting() -> WiroTaskTrigger:
    """Return a trigger that looks once and then sleeps, made of what a triggerer reads."""
    now = time.time()
    made = WiroTaskTrigger(
        taskid=TASKID, conn_id="wiro_default", submitted_at=now, deadline=now + 2 * LONG, poll_interval=LONG
    )
    return WiroTaskTrigger(**json.loads(json.dumps(made.serialize()[1])))


async def first_event(trigger: BaseTrigger) -> None:
    """Run a trigger as a triggerer does."""
    async for _ in trigger.run():
        return


async def all_sleep() -> None:
    """Wait until this process does nothing any more."""
    spent = -1.0
    while time.process_time() - spent > 0.1:
        spent = time.process_time()
        await asyncio.sleep(4)


async def measure(make: Callable[[], BaseTrigger], triggers: int) -> tracemalloc.Snapshot:
    """Return what they take."""
    early = [make() for _ in range(100)]
    warm = [asyncio.create_task(first_event(trigger)) for trigger in early]
    await all_sleep()
    gc.collect()
    tracemalloc.start()
    made = [make() for _ in range(triggers)]
    tasks = [asyncio.create_task(first_event(trigger)) for trigger in made]
    await all_sleep()
    gc.collect()
    taken = tracemalloc.take_snapshot()
    tracemalloc.stop()
    for task in (*warm, *tasks):
        task.cancel()
    await asyncio.gather(*warm, *tasks, return_exceptions=True)
    for trigger in (*early, *made):
        await trigger.cleanup()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triggers", type=int, default=1_000)
    parser.add_argument("--lines", action="store_true", help="show which lines have allocated it")
    options = parser.parse_args()
    with served() as base_url:
        connection = {"conn_type": "wiro", "host": base_url, "login": KEY, "password": SECRET}
        os.environ["AIRFLOW_CONN_WIRO_DEFAULT"] = json.dumps(connection)
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # where the triggers' lines go
            taken = {
                "one that only sleeps": asyncio.run(measure(sleeping, options.triggers)),
                "**this package's**": asyncio.run(measure(waiting, options.triggers)),
            }
    print("| trigger | kB each |\n|---|---|")
    for name, snapshot in taken.items():
        kilobytes = sum(entry.size for entry in snapshot.statistics("filename")) / 1_000
        print(f"| {name} | {kilobytes / options.triggers:.1f} |")
    if options.lines:
        for entry in snapshot.statistics("lineno")[:30]:
            size, count = entry.size / options.triggers, entry.count / options.triggers
            print(f"{size:8.0f} B  {count:6.2f}  {entry.traceback[0]}")


if __name__ == "__main__":
    main()
