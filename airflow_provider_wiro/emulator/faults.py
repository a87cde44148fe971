"""
What can go wrong between a client and the API. Each fault is a class; its fields are its options.

Where a fault has ``after``, that says whether the work is done (a task is started, stopped…) before the answer
goes wrong.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from airflow_provider_wiro.emulator.answers import ANSWERS
from airflow_provider_wiro.emulator.exchange import Exchange, Fault, body_of
from airflow_provider_wiro.emulator.hostile import HOSTILE
from airflow_provider_wiro.emulator.socket_faults import SOCKET_FAULTS

HTML = (
    "<html><head><title>{title}</title></head><body><center><h1>{title}</h1></center>"
    "<hr><center>cloudflare</center></body></html>\n"
)


@dataclass(frozen=True)
class TooManyRequests(Fault):
    """HTTP 429; ``retry_after`` is the header's value: seconds, an HTTP date, or None for no such header."""

    name = "429"
    retry_after: int | float | str | None = None

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return web.Response(status=429, text="Too Many Requests\n", headers=headers)


@dataclass(frozen=True)
class ServerError(Fault):
    """The HTML page of a proxy that has failed, with its HTTP ``status``."""

    name = "5xx"
    status: int = 502
    after: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        if self.after:
            exchange.work()
        return _page(self.status, f"{self.status} Server Error")


@dataclass(frozen=True)
class HtmlPage(Fault):
    """HTTP 200 with a web page."""

    name = "html"
    after: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        if self.after:
            exchange.work()
        return _page(200, "Just a moment...")


@dataclass(frozen=True)
class Redirect(Fault):
    """A redirect with the HTTP ``status``, to ``location``: an address, or a path on the emulator."""

    name = "redirect"
    status: int = 302
    location: str = "/v1/Elsewhere"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        return web.Response(status=self.status, headers={"Location": self.location})


@dataclass(frozen=True)
class DropBefore(Fault):
    """The connection is closed and the work is not done."""

    name = "drop_before"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        return None


@dataclass(frozen=True)
class DropAfter(Fault):
    """The work is done and the connection is closed without an answer."""

    name = "drop_after"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        exchange.work()
        return None


@dataclass(frozen=True)
class Hang(Fault):
    """No answer for ``seconds``, then the connection is closed."""

    name = "hang"
    seconds: float = 3600.0
    after: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        if self.after:
            exchange.work()
        await exchange.pause(self.seconds)
        return None


@dataclass(frozen=True)
class Slow(Fault):
    """The right answer, ``seconds`` late. The work is done then, whether or not the client still waits."""

    name = "slow"
    seconds: float = 1.0

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        await exchange.pause(self.seconds)
        return exchange.work()


@dataclass(frozen=True)
class BrokenJson(Fault):
    """The first half of the right answer, as if it were all of it."""

    name = "broken_json"
    after: bool = True

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        text = exchange.work().text if self.after else '{"result":true,'
        return web.Response(text=(text or "")[: len(text or "") // 2], content_type="application/json")


@dataclass(frozen=True)
class Truncated(Fault):
    """The right answer's headers and the first half of its body, then the connection is closed; the work is done."""

    name = "truncated"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        right = exchange.work()
        body = body_of(right)
        stream = await exchange.begin(right, len(body))
        await stream.write(body[: len(body) // 2])
        return None


@dataclass(frozen=True)
class Huge(Fault):
    """The right answer, of a call that answers in JSON, with ``megabytes`` of text added; the work is done."""

    name = "huge"
    megabytes: int = 32

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        right = exchange.work()
        body = body_of(right).rstrip().removesuffix(b"}") + b', "padding": "'
        stream = await exchange.begin(right, len(body) + self.megabytes * 1_000_000 + 2)
        await stream.write(body)
        for _ in range(self.megabytes):
            await stream.write(b"x" * 1_000_000)
        await stream.write(b'"}')
        return stream


@dataclass(frozen=True)
class Drip(Fault):
    """A body that never ends: a space every ``interval`` seconds; the work is done."""

    name = "drip"
    interval: float = 0.1

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        stream = await exchange.begin(exchange.work(), None)
        while await exchange.pause(self.interval):
            await stream.write(b" ")
        return None


_CLASSES: tuple[type[Fault], ...] = (
    TooManyRequests,
    ServerError,
    HtmlPage,
    Redirect,
    DropBefore,
    DropAfter,
    Hang,
    Slow,
    BrokenJson,
    *ANSWERS,
    Truncated,
    Huge,
    Drip,
    *HOSTILE,
)
FAULTS: dict[str, type[Fault]] = {fault.name: fault for fault in _CLASSES}


def fault_from(name: str, options: Mapping[str, object]) -> Fault:
    """Build the fault called ``name``; an unknown name or option is a ValueError that lists those there are."""
    faults = FAULTS | SOCKET_FAULTS
    if name not in faults:
        raise ValueError(f"unknown fault {name!r}; known are {', '.join(faults)}")
    known = {option.name for option in dataclasses.fields(faults[name])}  # type: ignore[arg-type]
    if unknown := sorted(set(options) - known):
        raise ValueError(f"the fault {name} has no option {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return faults[name](**options)


def _page(status: int, title: str) -> web.Response:
    return web.Response(status=status, text=HTML.format(title=title), content_type="text/html")
