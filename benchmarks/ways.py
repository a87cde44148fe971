"""The ways of looking at a task that ``looks.py`` measures."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import secrets
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

import aiohttp
import requests
from lean_server import KEY, SECRET, TASKID

from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.core.calls import detail
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.signing import auth_headers

AT_ONCE = 100
BARE = "one aiohttp session, bare"
Look = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Place:
    """Where the service is.

    :param ca: the file of the authority that its certificate is of; None without TLS.
    """

    base_url: str
    ca: str | None = None

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """How it is verified."""
        return ssl.create_default_context(cafile=self.ca) if self.ca else None

    @property
    def credentials(self) -> Credentials:
        """How this package is told of it."""
        return Credentials(KEY, SECRET, self.base_url, verify=self.ca or True)


Way = Callable[[Place], AbstractAsyncContextManager[Look]]


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
async def ours(place: Place) -> AsyncIterator[Look]:
    """As this package's trigger does."""
    client = AsyncClient(await Route.to(place.credentials))
    log = SilentLog()

    async def look() -> None:
        task = await client.drive(detail(taskid=TASKID), log, service=place.base_url)
        assert not task.terminal

    yield look
    await client.close()


@asynccontextmanager
async def bare(place: Place) -> AsyncIterator[Look]:
    """One aiohttp session for all, and nothing else."""
    url = f"{place.base_url}/Task/Detail"
    async with aiohttp.ClientSession() as session:

        async def look() -> None:
            tls = place.tls or True
            async with session.post(url, json={"taskid": TASKID}, headers=signed(), ssl=tls) as response:
                read(await response.read())

        yield look


@asynccontextmanager
async def session_per_look(place: Place) -> AsyncIterator[Look]:
    """A session for each look, as the triggers of the http and fivetran providers have it."""

    async def look() -> None:
        async with bare(place) as of_its_own:
            await of_its_own()

    yield look


@asynccontextmanager
async def requests_in_threads(place: Place) -> AsyncIterator[Look]:
    """`requests.post` in a thread, as several providers have it."""

    def post() -> bytes:
        url, trusted = f"{place.base_url}/Task/Detail", place.ca or True
        return requests.post(url, json={"taskid": TASKID}, headers=signed(), timeout=30, verify=trusted).content

    async def look() -> None:
        read(await asyncio.to_thread(post))

    yield look


@asynccontextmanager
async def shared_httpx(place: Place) -> AsyncIterator[Look]:
    """One httpx client for all."""
    import httpx

    async with httpx.AsyncClient(timeout=30, verify=place.tls or True) as client:

        async def look() -> None:
            answer = await client.post(f"{place.base_url}/Task/Detail", json={"taskid": TASKID}, headers=signed())
            read(answer.content)

        yield look


@asynccontextmanager
async def by_hand(place: Place) -> AsyncIterator[Look]:
    """HTTP written by hand over kept connections: the floor."""
    url = urlsplit(place.base_url)
    idle = [await asyncio.open_connection(url.hostname, url.port, ssl=place.tls) for _ in range(AT_ONCE)]
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


QUICK: dict[str, Way] = {
    "HTTP by hand over kept connections: the floor": by_hand,
    BARE: bare,
    "**this package**": ours,
}
SLOW: dict[str, Way] = {
    "an aiohttp session for each look": session_per_look,
    "`to_thread` and `requests.post`": requests_in_threads,
    **({"one httpx client": shared_httpx} if importlib.util.find_spec("httpx") else {}),
}
