"""Which addresses a URL that Wiro names may lead to."""

from __future__ import annotations

import socket

import pytest

from airflow_provider_wiro.clients.addresses import PrivateAddress, is_allowed, is_public, only_public, refuses

PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1")
PRIVATE = {
    "loopback": ("127.0.0.1", "127.255.255.254", "::1"),
    "private": ("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"),
    "link-local": ("169.254.169.254", "fe80::1", "fe80::1%eth0", "fe80::1%2"),
    "of a provider": ("100.64.0.1",),
    "unspecified": ("0.0.0.0", "0.1.2.3", "::"),
    "multicast": ("224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"),
    "reserved": ("240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "2001:db8::1", "100::1"),
    "an IPv4 address in IPv6": ("::ffff:127.0.0.1", "::ffff:a00:1", "::ffff:169.254.169.254", "::127.0.0.1"),
    "6to4": ("2002:7f00:1::1", "2002:a9fe:a9fe::", "2002:a00:1::"),
    "Teredo": ("2001:0:4136:e378:8000:63bf:3fff:fdd2",),
    "NAT64": ("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"),
    "no address": ("", "localhost", "example.org", "127.1"),
}


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_of_the_public_internet(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("kind", PRIVATE)
def test_an_address_that_is_not(kind: str) -> None:
    assert [address for address in PRIVATE[kind] if is_public(address)] == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/x",
        "http://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://LOCALHOST./",
        "http://files.localhost/",
        "http://user:pass@169.254.169.254/latest",
        "http:///nowhere",
        "http://[::1",
    ],
)
def test_what_a_proxy_is_not_asked_for(url: str) -> None:
    assert refuses(url, [])


@pytest.mark.parametrize("url", ["https://cdn1.wiro.ai/0.mp4", "http://8.8.8.8/", "https://localhost.example/"])
def test_what_a_proxy_is_asked_for(url: str) -> None:
    assert not refuses(url, [])


@pytest.mark.parametrize("allowed", ["minio.internal", "MinIO.Internal.", " minio.internal "])
def test_a_host_that_is_allowed_by_name(allowed: str) -> None:
    assert is_allowed("https://minio.internal:9000/x", [allowed])
    assert not is_allowed("https://minio.internal.example/x", [allowed])
    assert is_allowed("http://[FD00::7]/", ["[fd00::7]"])
    assert not refuses("http://10.0.0.7/", ["10.0.0.7"])


def test_no_socket_is_made_for_a_private_address() -> None:
    made: list[object] = []

    def make(address: object) -> socket.socket:
        made.append(address)
        return socket.socket()

    guarded = only_public(make)
    for host in ("127.0.0.1", "10.0.0.1"):
        with pytest.raises(PrivateAddress):
            guarded((socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80)))
    assert made == []
    guarded((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))).close()
    assert len(made) == 1
