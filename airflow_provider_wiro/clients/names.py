"""Looking up the names of hosts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Resolver(AbstractResolver):
    """Looks each name up in a thread of its own, for which no process waits when it ends.

    Nothing can break a look-up off: the system bounds it. It is the one thing that may outlive an exchange; the
    exchange itself ends in time.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of *host*.

        :raises OSError: if there is none.
        """
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def settle(addresses: list[ResolveResult], error: OSError | None) -> None:
            if found.done():
                return
            if error is None:
                found.set_result(addresses)
            else:
                found.set_exception(error)

        def look_up() -> None:
            addresses: list[ResolveResult] = []
            problem: OSError | None = None
            try:
                addresses = _look_up(host, port, family)
            except OSError as error:
                problem = error
            except ValueError as error:  # a label that is too long
                problem = OSError(f"{host[:100]!r} is not the name of a host: {error}")
            with contextlib.suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(settle, addresses, problem)

        try:
            threading.Thread(target=look_up, name="wiro-name-lookup", daemon=True).start()
        except RuntimeError as error:
            raise OSError(f"the host's name cannot be looked up: {error}") from error
        return await found

    async def close(self) -> None:
        """Do nothing: there is nothing to close."""


def _look_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host, host=_numeric(address), port=int(address[1]), family=kind, proto=protocol, flags=_NUMERIC
        )
        for kind, _, protocol, _, address in found
        if kind in (socket.AF_INET, socket.AF_INET6)
    ]


def _numeric(address: tuple[Any, ...]) -> str:
    """Return the address with the interface that a link-local one is of."""
    scoped = len(address) == 4 and address[3] and "%" not in address[0]
    return f"{address[0]}%{address[3]}" if scoped else str(address[0])
