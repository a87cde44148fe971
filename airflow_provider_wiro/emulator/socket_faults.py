"""What can go wrong on an open socket: faults of the call "Socket" alone."""

from __future__ import annotations

import json
from dataclasses import dataclass

from aiohttp import web

from airflow_provider_wiro.emulator.exchange import Exchange, Fault

Frame = str | bytes | None
"""What is sent; None: the connection is cut."""

_NONSENSE: tuple[Frame, ...] = (
    "",
    "not JSON",
    "[" * 5000,
    '["task_end"]',
    '{"type": 7, "tasktoken": {}}',
    '{"type": "task_postprocess_end", "tasktoken": "of-nobody"}',
    b"\x00\xff" * 100,
)


@dataclass(frozen=True)
class SocketFault(Fault):
    """None: the socket as it should be."""

    name = "socket"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        return None

    def welcome(self, taskid: str, token: str) -> list[Frame]:
        """Return what is sent to whoever names a token."""
        return []

    def frames(self, event: dict[str, object], number: int) -> list[Frame]:
        """Return what is sent for an event, the ``number``-th on this socket."""
        return [json.dumps(event)]


@dataclass(frozen=True)
class Silent(SocketFault):
    """Nothing is ever said."""

    name = "socket_silent"

    def frames(self, event: dict[str, object], number: int) -> list[Frame]:
        return []


@dataclass(frozen=True)
class Cut(SocketFault):
    """The connection is cut in place of the event after so many ``events``."""

    name = "socket_cut"
    events: int = 0

    def frames(self, event: dict[str, object], number: int) -> list[Frame]:
        return [json.dumps(event)] if number <= self.events else [None]


@dataclass(frozen=True)
class Refusing(SocketFault):
    """Each token is refused, in words that repeat it, and nothing more is said."""

    name = "socket_error"

    def welcome(self, taskid: str, token: str) -> list[Frame]:
        return [json.dumps({"type": "error", "message": f"no task of {token}", "tasktoken": token, "result": False})]

    def frames(self, event: dict[str, object], number: int) -> list[Frame]:
        return []


@dataclass(frozen=True)
class Nonsense(SocketFault):
    """Before each event comes what nobody can read."""

    name = "socket_nonsense"

    def frames(self, event: dict[str, object], number: int) -> list[Frame]:
        return [*_NONSENSE, json.dumps(event)]


@dataclass(frozen=True)
class Lying(SocketFault):
    """Each task is said to be over at once, and nothing more is said."""

    name = "socket_lie"

    def welcome(self, taskid: str, token: str) -> list[Frame]:
        over = {"type": "task_postprocess_end", "id": taskid, "tasktoken": token, "message": [], "result": True}
        return [json.dumps(over)]

    def frames(self, event: dict[str, object], number: int) -> list[Frame]:
        return []


SOCKET_FAULTS: dict[str, type[Fault]] = {fault.name: fault for fault in (Silent, Cut, Refusing, Nonsense, Lying)}
