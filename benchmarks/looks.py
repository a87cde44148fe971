"""Measures the CPU of a thousand looks at waiting tasks, beside what others wait with.

    python benchmarks/looks.py [--rounds 5] [--looks 2000] [--profile]

A look is a signed Task/Detail of a running task, sent, answered with 1.6 kB, and parsed; a hundred are on their way at
once. Only the client's CPU counts: the server is another process. The ways are measured in turn, round after round, and
each is set beside the bare session of its round, so that what else the machine does is spread over all. The numbers are
medians of the rounds. What the others do with the answer is only to parse it, and to look whether the task is over.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import importlib.metadata
import importlib.util
import json
import pstats
import secrets
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import requests

sys.path.insert(0, str(Path(__file__).parents[1]))

from lean_server import KEY, SECRET, TASKID, served

from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.core.calls import detail
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.signing import auth_headers

AT_ONCE = 100
BARE = "one aiohttp session, bare"
Look = Callable[[], Awaitable[None]]
Way = Callable[[str], AbstractAsyncContextManager[Look]]


class SilentLog:
    """Takes lines, and forgets them."""

    def info(self, message: str, /, *args: object) -> None:
        """Forget the line."""

    warning = error = info


def signed() -> dict[str, str]:
    """Return the headers of a request."""
    return auth_headers(KEY, SECRET, str(secrets.randbelow(2**53)))


def read(body: bytes) -> None:
    """Read an answer as far as one must to know whether the task is over."""
    answer = json.loads(body)
    assert answer["tasklist"][0]["status"] not in ("task_postprocess_end", "task_cancel")


@asynccontextmanager
async def ours(base_url: str) -> AsyncIterator[Look]:
    """As this package's trigger does."""
    client = AsyncClient(await Route.to(Credentials(KEY, SECRET, base_url)))
    log = SilentLog()

    async def look() -> None:
        task = await client.drive(detail(taskid=TASKID), log, service=base_url)
        assert not task.terminal

    yield look
    await client.close()


@asynccontextmanager
async def bare(base_url: str) -> AsyncIterator[Look]:
    """One aiohttp session for all, and nothing else."""
    async with aiohttp.ClientSession() as session:

        async def look() -> None:
            async with session.post(f"{base_url}/Task/Detail", json={"taskid": TASKID}, headers=signed()) as response:
                read(await response.read())

        yield look


@asynccontextmanager
async def session_per_look(base_url: str) -> AsyncIterator[Look]:
    """A session for each look, as the triggers of the http and fivetran providers have it."""

    async def look() -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{base_url}/Task/Detail", json={"taskid": TASKID}, headers=signed()) as response,
        ):
            read(await response.read())

    yield look


@asynccontextmanager
async def requests_in_threads(base_url: str) -> AsyncIterator[Look]:
    """`requests.post` in a thread, as several providers have it."""

    def post() -> bytes:
        return requests.post(f"{base_url}/Task/Detail", json={"taskid": TASKID}, headers=signed(), timeout=30).content

    async def look() -> None:
        read(await asyncio.to_thread(post))

    yield look


@asynccontextmanager
async def shared_httpx(base_url: str) -> AsyncIterator[Look]:
    """One httpx client for all."""
    import httpx

    async with httpx.AsyncClient(timeout=30) as client:

        async def look() -> None:
            answer = await client.post(f"{base_url}/Task/Detail", json={"taskid": TASKID}, headers=signed())
            read(answer.content)

        yield look


@asynccontextmanager
async def by_hand(base_url: str) -> AsyncIterator[Look]:
    """HTTP written by hand over kept connections: the floor."""
    url = urlsplit(base_url)
    idle = [await asyncio.open_connection(url.hostname, url.port) for _ in range(AT_ONCE)]
    every = list(idle)

    async def look() -> None:
        reader, writer = idle.pop()
        body = json.dumps({"taskid": TASKID})
        lines = [f"POST {url.path}/Task/Detail HTTP/1.1", f"Host: {url.netloc}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in signed().items()]
        writer.write("\r\n".join([*lines, "", body]).encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.rpartition(b"Content-Length: ")[2])
        read(await reader.readexactly(length))
        idle.append((reader, writer))

    yield look
    for _, writer in every:
        writer.close()


WAYS: dict[str, Way] = {
    "HTTP by hand over kept connections: the floor": by_hand,
    BARE: bare,
    "**this package**": ours,
    "an aiohttp session for each look": session_per_look,
    "`to_thread` and `requests.post`": requests_in_threads,
    **({"one httpx client": shared_httpx} if importlib.util.find_spec("httpx") else {}),
}


async def measure(way: Way, base_url: str, looks: int, profiler: cProfile.Profile | None = None) -> float:
    """Return the CPU milliseconds of a thousand looks, once the connections are open."""
    async with way(base_url) as look:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--looks", type=int, default=2_000, help="looks of one way in one round")
    parser.add_argument("--profile", action="store_true", help="show where the time of this package's looks goes")
    options = parser.parse_args()
    with served() as base_url:
        if options.profile:
            profiler = cProfile.Profile()
            asyncio.run(measure(ours, base_url, options.looks, profiler))
            pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
            return
        spent: dict[str, list[float]] = {name: [] for name in WAYS}
        for _ in range(options.rounds):
            for name, way in WAYS.items():
                spent[name].append(asyncio.run(measure(way, base_url, options.looks)))
    print(f"aiohttp {importlib.metadata.version('aiohttp')}, Python {sys.version.split()[0]}\n")
    print("| way | CPU-ms per 1,000 looks | beside the bare session | in single rounds |\n|---|---|---|---|")
    for name, values in spent.items():
        ratios = sorted(one / other for one, other in zip(values, spent[BARE], strict=True))
        middle = f"{statistics.median(values):.0f} | {statistics.median(ratios):.2f} ×"
        print(f"| {name} | {middle} | {ratios[0]:.2f} to {ratios[-1]:.2f} |")


if __name__ == "__main__":
    main()
