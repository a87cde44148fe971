"""Answers of somebody who means harm, or of a machine gone mad. Each is a class; its fields are its options."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

from aiohttp import web

from airflow_provider_wiro.emulator.exchange import Exchange, Fault, body_of

ESCAPES = "\x1b[2J\x1b]0;gone\x07\r\n\u202e\x00\x9b31m"
"""Clears the screen, names the window, breaks the line, turns the direction of writing."""

_ESCAPED_HEAD = (
    "HTTP/1.1 {status} \x1b[2JFine\x07\r\nX-Note: \x1b]0;gone\x07\x9b31m\r\nRetry-After: 7\x1b[2J\r\n"
    "Set-Cookie: \x1b[2J=\x07; expires=\x1b; path=\x9b\r\nContent-Type: application/json; charset=\x1b[2J\r\n"
)


@dataclass(frozen=True)
class Nested(Fault):
    """JSON of ``depth`` lists within one another; the work is not done."""

    name = "nested"
    depth: int = 100_000

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        text = '{"result": true, "tasklist": ' + "[" * self.depth + "]" * self.depth + "}"
        return web.Response(text=text, content_type="application/json")


@dataclass(frozen=True)
class Crowded(Fault):
    """JSON of so many ``megabytes`` that consists of empty lists; the work is not done."""

    name = "crowded"
    megabytes: int = 8

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        rows = "[]," * (self.megabytes * 1_000_000 // 3 - 20)
        return web.Response(text='{"result": true, "tasklist": [' + rows + "[]]}", content_type="application/json")


@dataclass(frozen=True)
class Escapes(Fault):
    """
    The right answer with terminal escapes and control characters; the work is done.

    :param where: "body": in every text but ids and tokens; "raw": the same, as bytes that JSON does not allow;
        "head": in the status line and in headers.
    :param status: the HTTP status.
    """

    name = "escapes"
    where: str = "body"
    status: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.where not in ("body", "raw", "head"):
            raise ValueError(f"where of the fault escapes is body, raw or head, not {self.where!r}")

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        right = body_of(exchange.work())
        if self.where == "head":
            await exchange.raw_answer(right, _ESCAPED_HEAD.format(status=self.status))
            return None
        text = json.dumps(_escaped(json.loads(right)))
        if self.where == "raw":
            text = text.replace(json.dumps(ESCAPES)[1:-1], ESCAPES)
        return web.Response(status=self.status, text=text, content_type="application/json")


def _escaped(value: object, key: str = "") -> object:
    if isinstance(value, dict):
        return {name: _escaped(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, str) and key not in ("id", "taskid", "socketaccesstoken"):
        return value + ESCAPES
    return value


@dataclass(frozen=True)
class WrongLength(Fault):
    """The right answer with a Content-Length that is wrong ``by`` so many bytes; the work is done."""

    name = "wrong_length"
    by: int = -10

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        right = body_of(exchange.work())
        await exchange.raw_answer(right, length=max(0, len(right) + self.by))
        return None


@dataclass(frozen=True)
class BadChunks(Fault):
    """The right answer in chunks of which the second does not say its length; the work is done."""

    name = "bad_chunks"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        right = body_of(exchange.work())
        exchange.sending(200)
        await exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        await exchange.raw(b"%x\r\n%b\r\n-1f\x00\x1b[2J\r\n%b" % (len(right) // 2, right[: len(right) // 2], right))
        return None


@dataclass(frozen=True)
class GzipBomb(Fault):
    """A small body in gzip that becomes so many ``megabytes``; the work is done."""

    name = "gzip_bomb"
    megabytes: int = 1000

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        right = exchange.work()
        packer = zlib.compressobj(wbits=31)
        # What stands before a full flush is independent of what comes after it, so one block serves again and again.
        start = packer.compress(b'{"padding": "') + packer.flush(zlib.Z_FULL_FLUSH)
        block = packer.compress(b"0" * 1_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
        length = len(start) + self.megabytes * len(block)
        stream = await exchange.begin(right, length, **{"Content-Encoding": "gzip"})
        await stream.write(start)
        for _ in range(self.megabytes):
            await stream.write(block)
        return stream


@dataclass(frozen=True)
class HeaderDrip(Fault):
    """A header that never ends: one character every ``interval`` seconds; the work is done."""

    name = "header_drip"
    interval: float = 0.1

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        exchange.work()
        await exchange.raw(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while await exchange.pause(self.interval):
            await exchange.raw(b"x")
        return None


@dataclass(frozen=True)
class HeaderFlood(Fault):
    """Headers that never end, as fast as they are taken; the work is done."""

    name = "header_flood"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        exchange.work()
        await exchange.raw(b"HTTP/1.1 200 OK\r\n")
        while await exchange.pause(0.001):
            await exchange.raw(b"X-Many: more of them\r\n" * 1000)
        return None


@dataclass(frozen=True)
class Interim(Fault):
    """
    Interim answers before the right one; the work is done.

    :param status: their HTTP status, such as 100 or 103.
    :param count: how many there are; 0: they never end.
    """

    name = "interim"
    status: int = 103
    count: int = 0

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        right = exchange.work()
        one = b"HTTP/1.1 %d Wait\r\nLink: </x>\r\n\r\n" % self.status
        if self.count:
            await exchange.raw(one * self.count)
            return right
        while await exchange.pause(0.001):
            await exchange.raw(one * 100)
        return None


@dataclass(frozen=True)
class Garbage(Fault):
    """Bytes that are no HTTP, then the connection is closed; the work is done."""

    name = "garbage"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        exchange.work()
        await exchange.raw(b"220 mail.example ESMTP\x00\x1b[2J\xff\xfe\r\n" + bytes(range(256)) * 40)
        return None


@dataclass(frozen=True)
class OddJson(Fault):
    """
    The right answer, oddly written; the work is done.

    :param kind: "bom": after a byte order mark; "twice": each member twice, first wrong; "digits": with a number of
        5,000 digits; "latin1": with bytes that are no UTF-8; "nul": with a null byte at its end; "nan": with numbers
        that JSON does not have.
    """

    name = "odd_json"
    kind: str = "bom"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind not in _KINDS:
            raise ValueError(f"kind of the fault odd_json is one of {', '.join(_KINDS)}, not {self.kind!r}")

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        before, added, after = _KINDS[self.kind]
        right = body_of(exchange.work()).strip()
        if self.kind == "twice":
            added = b", ".join(b'"%b": "no"' % name.encode() for name in json.loads(right)) + b", "
        body = before + b"{" + added + right.removeprefix(b"{") + after
        return web.Response(body=body, content_type="application/json")


_KINDS: dict[str, tuple[bytes, bytes, bytes]] = {
    "bom": (b"\xef\xbb\xbf", b"", b""),
    "twice": (b"", b"", b""),
    "digits": (b"", b'"odd": ' + b"9" * 5000 + b", ", b""),
    "latin1": (b"", b'"odd": "\xfc\xff\xc3\x28\xed\xa0\x80", ', b""),
    "nul": (b"", b"", b"\x00"),
    "nan": (b"", b'"odd": [NaN, -Infinity, 1e999], ', b""),
}

HOSTILE: tuple[type[Fault], ...] = (
    Nested,
    Crowded,
    Escapes,
    WrongLength,
    BadChunks,
    GzipBomb,
    HeaderDrip,
    HeaderFlood,
    Interim,
    Garbage,
    OddJson,
)
