"""The files that a task has made, which are public and do not last."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Collection, Iterable

import aiohttp

from airflow_provider_wiro.clients.addresses import is_allowed, only_public, refuses
from airflow_provider_wiro.clients.apart import NotBegun, interrupted, run_apart
from airflow_provider_wiro.clients.exchange import Sockets, lone_session
from airflow_provider_wiro.clients.wire import USER_AGENT, proxy_for
from airflow_provider_wiro.exceptions import WiroConfigError

TIMEOUT = 10.0
ALL_TIMEOUT = 60.0
GONE = (404, 410)


def first_gone(
    urls: Iterable[str], *, tls: ssl.SSLContext | bool, allowed: Collection[str], told_to_stop: Callable[[], bool]
) -> str | None:
    """Return the first of *urls* whose file is surely there no more, None if there is none. Sends no key, no signature.

    No answer proves nothing, and what was not looked at within a minute is taken as there: the look is a courtesy.
    Neither does a look prove anything that is refused because the URL leads to a private address.

    :param tls: as in :class:`~airflow_provider_wiro.clients.exchange.Route`.
    :param allowed: hosts that may have private addresses.
    :param told_to_stop: is asked at least every tenth of a second.
    :raises WiroInterrupted: if *told_to_stop* was true.
    """
    if told_to_stop():
        raise interrupted()
    try:
        return run_apart(lambda: _first_gone(urls, tls, allowed), told_to_stop)
    except NotBegun:
        return None


async def _first_gone(urls: Iterable[str], tls: ssl.SSLContext | bool, allowed: Collection[str]) -> str | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ALL_TIMEOUT):
            for url in urls:
                if await _status_of(url, tls, allowed) in GONE:
                    return url
    return None


async def _status_of(url: str, tls: ssl.SSLContext | bool, allowed: Collection[str]) -> int | None:
    """Return the HTTP status of a look at *url*; None if there is no answer, or it is refused."""
    sockets = Sockets()
    try:
        proxy = proxy_for(url)
        if refuses(url, allowed):
            return None
        make = sockets.make if proxy or is_allowed(url, allowed) else only_public(sockets.make)
        async with (
            asyncio.timeout(TIMEOUT),
            lone_session(sockets, make) as session,
            session.head(
                url, headers={"User-Agent": USER_AGENT}, ssl=tls, proxy=proxy, allow_redirects=False
            ) as response,
        ):
            return response.status
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError, WiroConfigError):
        return None
