"""Telling "surely not sent" from "sent, and no answer": both drivers must agree, for only the first is repeated."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack

import pytest
import trustme

from airflow_provider_wiro.core.calls import submit
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import NoReply
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown, WiroUnreachable
from driving import Drive, DriveAsync, DriveSync, look
from small_servers import (
    port_nobody_listens_on,
    port_that_never_connects,
    proxy_server,
    read_request,
    server_context,
    socket_server,
    yes_server,
)

TIMEOUT = 1.0
SetUp = Callable[[ExitStack, pytest.MonkeyPatch], str]


def keep_quiet(connection: socket.socket) -> None:
    connection.recv(1)
    time.sleep(TIMEOUT + 0.5)


def refused_port(stack: ExitStack, _: pytest.MonkeyPatch) -> str:
    return f"http://127.0.0.1:{stack.enter_context(port_nobody_listens_on())}"


def refused_tls_port(stack: ExitStack, _: pytest.MonkeyPatch) -> str:
    return f"https://127.0.0.1:{stack.enter_context(port_nobody_listens_on())}"


def no_such_host(_: ExitStack, __: pytest.MonkeyPatch) -> str:
    return "http://nowhere.invalid"


def silent_port(stack: ExitStack, _: pytest.MonkeyPatch) -> str:
    return f"http://127.0.0.1:{stack.enter_context(port_that_never_connects())}"


def tls_to_a_plain_port(stack: ExitStack, _: pytest.MonkeyPatch) -> str:
    return f"https://127.0.0.1:{stack.enter_context(yes_server()).port}"


def tls_to_a_silent_port(stack: ExitStack, _: pytest.MonkeyPatch) -> str:
    return f"https://127.0.0.1:{stack.enter_context(socket_server(keep_quiet))}"


def certificate_of_a_private_ca(stack: ExitStack, _: pytest.MonkeyPatch) -> str:
    tls = server_context(trustme.CA(), "127.0.0.1")
    return f"https://127.0.0.1:{stack.enter_context(yes_server(tls)).port}"


def certificate_of_another_host(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> str:
    authority = trustme.CA()
    file = stack.enter_context(authority.cert_pem.tempfile())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", file)
    tls = server_context(authority, "other.example")
    return f"https://127.0.0.1:{stack.enter_context(yes_server(tls)).port}"


def refused_proxy(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{stack.enter_context(port_nobody_listens_on())}")
    return "http://127.0.0.1:9"


def refused_proxy_of_tls(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{stack.enter_context(port_nobody_listens_on())}")
    return "https://127.0.0.1:9"


def proxy_that_forbids_the_tunnel(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> str:
    proxy = stack.enter_context(proxy_server(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    return "https://127.0.0.1:9"


def proxy_that_keeps_quiet(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{stack.enter_context(socket_server(keep_quiet))}")
    return "https://127.0.0.1:9"


UNSENT: list[SetUp] = [
    refused_port,
    refused_tls_port,
    no_such_host,
    silent_port,
    tls_to_a_plain_port,
    tls_to_a_silent_port,
    certificate_of_a_private_ca,
    certificate_of_another_host,
    refused_proxy,
    refused_proxy_of_tls,
    proxy_that_forbids_the_tunnel,
    proxy_that_keeps_quiet,
]
TLS_FAILS = {"tls_to_a_plain_port", "certificate_of_a_private_ca", "certificate_of_another_host"}


@pytest.mark.parametrize("set_up", UNSENT, ids=lambda set_up: set_up.__name__)
def test_what_surely_did_not_reach_wiro(drive: Drive, monkeypatch: pytest.MonkeyPatch, set_up: SetUp) -> None:
    with ExitStack() as stack:
        credentials = Credentials("key", "secret", f"{set_up(stack, monkeypatch)}/v1", TIMEOUT)
        [outcome] = drive(look(), credentials)
        assert isinstance(outcome, NoReply)
        assert outcome.sent is False
        assert outcome.tls is (set_up.__name__ in TLS_FAILS)
        assert outcome.reason.isprintable()
        assert " object at 0x" not in outcome.reason


@pytest.mark.usefixtures("short_pauses")
def test_a_run_that_surely_did_not_reach_wiro_is_sent_again(drive: Drive) -> None:
    with port_nobody_listens_on() as port, pytest.raises(WiroUnreachable, match="Nothing was submitted: check"):
        drive(submit("owner/model", {}), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", TIMEOUT))
    assert len(drive.log.warnings) == 3


def hang(connection: socket.socket) -> None:
    read_request(connection)
    time.sleep(TIMEOUT + 0.5)


def close(connection: socket.socket) -> None:
    read_request(connection)


def reset(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def speak_no_http(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def stop_in_the_headers(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")


def stop_in_the_body(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"result": true')


def stop_in_a_chunk(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{}")


def send_what_is_not_gzip(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!")


def drip(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" ")
        time.sleep(0.05)


SENT = [hang, close, reset, speak_no_http, stop_in_the_headers, stop_in_the_body, stop_in_a_chunk, drip]


@pytest.mark.parametrize("behaviour", [*SENT, send_what_is_not_gzip], ids=lambda behaviour: behaviour.__name__)
def test_what_was_sent_and_not_answered(drive: Drive, behaviour: Callable[[socket.socket], None]) -> None:
    with socket_server(behaviour) as port:
        begun = time.monotonic()
        with pytest.raises(WiroSubmissionUnknown):
            drive(submit("owner/model", {}), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", TIMEOUT))
        assert time.monotonic() - begun < TIMEOUT + 3


@pytest.mark.parametrize(
    "garbage",
    [b"HTTP/1.1 503 Service Unavailable\r\n\r\n" * 3, bytes([21, 3, 3, 0, 2, 2, 40]), bytes([21, 3, 3, 0, 2, 2, 70])],
    ids=["plain text", "handshake_failure", "protocol_version"],
)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_that_breaks_after_the_run_was_sent_does_not_send_it_again(
    drive: Drive, server_tls: ssl.SSLContext, ca_path: str, version: ssl.TLSVersion, garbage: bytes
) -> None:
    runs: list[bytes] = []
    server_tls.minimum_version = server_tls.maximum_version = version

    def break_tls(connection: socket.socket) -> None:
        plain = socket.socket(fileno=socket.dup(connection.fileno()))
        with plain, server_tls.wrap_socket(connection, server_side=True) as tls:
            runs.append(read_request(tls))
            plain.sendall(garbage)

    with socket_server(break_tls) as port, pytest.raises(WiroSubmissionUnknown):
        drive(submit("owner/model", {}), Credentials("key", "secret", f"https://127.0.0.1:{port}/v1", TIMEOUT, ca_path))
    assert len(runs) == 1


def test_a_plain_request_to_a_tls_port_was_sent(drive: Drive, server_tls: ssl.SSLContext) -> None:
    with yes_server(server_tls) as server:
        [outcome] = drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{server.port}/v1", TIMEOUT))
    assert isinstance(outcome, NoReply)
    assert outcome.sent


def test_a_proxy_that_hangs_up_may_have_sent_it(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy_server(b"") as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        for scheme in ("http", "https"):
            [outcome] = drive(look(), Credentials("key", "secret", f"{scheme}://127.0.0.1:9/v1", TIMEOUT))
            assert isinstance(outcome, NoReply)
            assert outcome.sent


def test_no_request_carries_a_cookie(drive: Drive) -> None:
    with yes_server(headers={"Set-Cookie": "session=1; Path=/"}) as server:
        outcomes = drive(look(3), Credentials("key", "secret", f"http://127.0.0.1:{server.port}/v1", TIMEOUT))
    assert [type(outcome).__name__ for outcome in outcomes] == ["Reply"] * 3
    assert not any("cookie" in headers for _, headers in server.heads)


@pytest.mark.parametrize(("kind", "connections"), [(DriveSync, 3), (DriveAsync, 1)])
def test_the_looks_of_a_triggerer_share_a_connection(kind: type[DriveSync | DriveAsync], connections: int) -> None:
    with yes_server() as server:
        kind()(look(3), Credentials("key", "secret", f"http://127.0.0.1:{server.port}/v1", TIMEOUT))
    assert (len(server.heads), server.connections) == (3, connections)


def test_netrc_is_read_by_neither(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    netrc = home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(netrc))
    with yes_server() as server:
        drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{server.port}/v1", TIMEOUT))
    [(_, headers)] = server.heads
    assert headers["x-api-key"] == "key"
    assert "authorization" not in headers
