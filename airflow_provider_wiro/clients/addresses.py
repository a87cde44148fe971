"""Where a URL that somebody else names may lead to: the public Internet, and hosts that are allowed by name.

Where a connection is direct, the address that is really connected to is what counts, whatever the name said. Through a
proxy, the proxy looks the name up, so only what is an address by itself can be told.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from airflow_provider_wiro.clients.exchange import AddressInfo

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class PrivateAddress(OSError):
    """The address is not one of the public Internet; nothing was sent to it."""


def is_public(address: str) -> bool:
    """Whether *address*, an IP address as text, is one of the public Internet, or stands for an IPv4 address of it."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    ip = _embedded(ip) or ip
    special = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    return ip.is_global and not special


def refuses(url: str, allowed: Iterable[str]) -> bool:
    """Whether *url* names a private address by itself, or this machine; for a way through a proxy.

    :param allowed: hosts that are allowed nevertheless.
    """
    host = host_of(url)
    if is_allowed(url, allowed):
        return False
    literal = _literal(host)
    return not host or host == "localhost" or host.endswith(".localhost") or bool(literal and not is_public(literal))


def is_allowed(url: str, allowed: Iterable[str]) -> bool:
    """Whether the host of *url* is one of *allowed*."""
    return host_of(url) in {_plain(host) for host in allowed}


def host_of(url: str) -> str:
    """Return the host of *url* in lower case, without brackets and a last dot; empty if there is none."""
    try:
        return _plain(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def only_public(make: Callable[[AddressInfo], socket.socket]) -> Callable[[AddressInfo], socket.socket]:
    """Return a maker of sockets that refuses to make one for a private address, for ``aiohttp.TCPConnector``."""

    def make_if_public(address: AddressInfo) -> socket.socket:
        if not is_public(str(address[4][0])):
            raise PrivateAddress("the address is not one of the public Internet")
        return make(address)

    return make_if_public


def _embedded(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    return ip.ipv4_mapped or ip.sixtofour or (ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").lower()


def _literal(host: str) -> str | None:
    """Return the IP address that *host* is, also in the old ways to write one, such as ``0x7f.1``; None for a name."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
