"""What a fault gets to work with: the request, the right answer, and the connection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import UnionType
from typing import ClassVar, get_args, get_origin, get_type_hints

from aiohttp import web

_OF_FILES = ("ETag", "Accept-Ranges", "Content-Range")


@dataclass(frozen=True)
class Exchange:
    """
    One request being answered.

    :param request: the request; its body has been read.
    :param work: does what the request asks for and returns the right answer.
    :param look: returns the row of the task that the request names, whatever the call; None where it names none.
    :param pause: waits for so many seconds and returns True, or returns False as soon as the emulator stops.
    :param sending: called with the HTTP status when an answer begins that is sent piece by piece.
    """

    request: web.Request
    work: Callable[[], web.Response]
    look: Callable[[], dict[str, object] | None]
    pause: Callable[[float], Awaitable[bool]]
    sending: Callable[[int], None]

    async def begin(self, like: web.Response, length: int | None, **headers: str) -> web.StreamResponse:
        """Send the headers of ``like`` and more, announcing ``length`` bytes of body, or a body of unknown length."""
        told = {name: like.headers[name] for name in _OF_FILES if name in like.headers}
        stream = web.StreamResponse(status=like.status, headers=told | headers)
        stream.content_type = like.content_type
        if length is not None:
            stream.content_length = length
        self.sending(like.status)
        await stream.prepare(self.request)
        return stream

    async def raw(self, data: bytes) -> None:
        """Send ``data`` as it is, past every rule of HTTP, once the client has taken most of what came before."""
        transport = self.request.transport
        while transport is not None and transport.get_write_buffer_size() > 1_000_000 and await self.pause(0.01):
            pass
        if transport is None or transport.is_closing():
            raise ConnectionResetError
        transport.write(data)

    async def raw_answer(self, body: bytes, head: str = "", *, length: int | None = None) -> None:
        """
        Send a whole answer as it is.

        :param body: its body.
        :param head: the status line and headers, each ended by CRLF; empty: HTTP 200 with JSON.
        :param length: what Content-Length says; None: the truth.
        """
        head = head or "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        self.sending(int(head.split()[1]))
        said = len(body) if length is None else length
        await self.raw(f"{head}Content-Length: {said}\r\n\r\n".encode("latin-1") + body)


class Fault(ABC):
    """A way of answering wrongly."""

    name: ClassVar[str]

    @abstractmethod
    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        """Return what to answer; None: close the connection without another byte."""

    def __post_init__(self) -> None:
        for option, kind in get_type_hints(type(self)).items():
            value = getattr(self, option)
            kind = get_origin(kind) if get_origin(kind) is dict else kind
            if option != "name" and not isinstance(value, kind | int if kind is float else kind):
                raise ValueError(f"{option} of the fault {self.name} is {_words(kind)}, not {value!r}")


_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", dict: "an object"}


def _words(kind: type | UnionType) -> str:
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    return " or ".join(_WORDS.get(one, "null") for one in kinds)


def body_of(response: web.Response) -> bytes:
    """Return the body of an answer that is not sent piece by piece."""
    body = response.body
    return body if isinstance(body, bytes) else b""
