"""Asking for what has a public address: without a key, without a signature, and at no private address."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp

from airflow_provider_wiro.clients.addresses import PrivateAddress, is_allowed, only_public, refuses
from airflow_provider_wiro.clients.exchange import AddressInfo, Sockets, lone_session
from airflow_provider_wiro.clients.wire import USER_AGENT, proxy_for
from airflow_provider_wiro.core.credentials import is_loopback
from airflow_provider_wiro.core.text import one_line, without_secrets
from airflow_provider_wiro.core.urls import read_url

PRIVATE = "its address is private, and [wiro] allow_private_hosts does not name it"
MOST_REDIRECTS = 3
HEADERS = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
# What has come and was not read yet is lost where a connection drops: twice as much at most.
READ_BUFFER = 256 * 1024

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Looks:
    """How to look at files, and read them.

    :param tls: as in :class:`~airflow_provider_wiro.clients.exchange.Route`.
    :param allowed: hosts that may have private addresses.
    :param told_to_stop: is asked at least every tenth of a second.
    :param allow_http: whether a file is also saved over plain http; from this machine it always is.
    """

    tls: ssl.SSLContext | bool
    allowed: Collection[str]
    told_to_stop: Callable[[], bool]
    allow_http: bool = False


class RefusedAddress(OSError):
    """The address is none that may be asked, and nobody has allowed it; nothing was sent to it."""


@asynccontextmanager
async def asked(
    method: str, url: str, looks: Looks, headers: Mapping[str, str] | None = None
) -> AsyncIterator[aiohttp.ClientResponse]:
    """Ask for *url*, over a connection of its own. It follows no redirect, and sets no limit of time.

    :raises OSError: ``RefusedAddress``, and for whatever goes wrong on the way, as ``aiohttp.ClientError`` does.
    """
    sockets = Sockets()
    proxy = proxy_for(url)
    if refuses(url, looks.allowed):
        raise RefusedAddress(PRIVATE)
    direct = not proxy and not is_allowed(url, looks.allowed)
    public = _OnlyPublic(sockets)
    async with lone_session(sockets, HEADERS, public.make if direct else None) as session:
        try:
            response = await session.request(
                method,
                url,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=None),
                ssl=looks.tls,
                proxy=proxy,
                allow_redirects=False,
                read_bufsize=READ_BUFFER,
            )
        except aiohttp.ClientConnectionError as error:
            raise RefusedAddress(PRIVATE) if public.refused else error from None
        async with response:
            yield response


@asynccontextmanager
async def followed(url: str, looks: Looks, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
    """Get a file, and follow at most three redirects; each address is looked at as the first one.

    :raises RefusedAddress: if one of them may not be asked, or there are more.
    """
    for _ in range(MOST_REDIRECTS + 1):
        _check_scheme(url, looks)
        async with asked("GET", url, looks, headers) as response:
            if response.status not in _REDIRECTS:
                yield response
                return
            url = _next(url, response.headers.get("Location", ""))
    raise RefusedAddress(f"it is redirected more than {MOST_REDIRECTS} times")


def _check_scheme(url: str, looks: Looks) -> None:
    parts = urlsplit(url)
    if parts.scheme == "http" and not looks.allow_http and not is_loopback(parts.hostname or ""):
        raise RefusedAddress(
            "its address is plain http, so that anybody on the way could change it; the connection's extra "
            '{"allow_http": true} allows it'
        )


def _next(url: str, location: str) -> str:
    try:
        following = read_url(urljoin(url, location)) if location else None
    except ValueError:
        following = None
    if following is None or "@" in urlsplit(following).netloc:
        shown = one_line(without_secrets(location), 100)
        raise RefusedAddress(f"it is redirected to {shown!r}, which is no http(s) address")
    return following


class _OnlyPublic:
    """Makes sockets to public addresses alone, and remembers whether it has refused one."""

    def __init__(self, sockets: Sockets) -> None:
        self.refused = False
        self._make = only_public(sockets.make)

    def make(self, address: AddressInfo) -> socket.socket:
        try:
            return self._make(address)
        except PrivateAddress:
            self.refused = True
            raise
