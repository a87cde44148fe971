"""The proxy variables, obeyed alike by both drivers."""

from __future__ import annotations

import base64
import ssl

import pytest

from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Reply
from airflow_provider_wiro.exceptions import WiroConfigError
from driving import Drive, look
from small_servers import proxy_server, yes_server


def answered(drive: Drive, base_url: str, verify: bool | str = True) -> None:
    [outcome] = drive(look(), Credentials("key", "secret", f"{base_url}/v1", 5, verify))
    assert isinstance(outcome, Reply)
    assert outcome.status == 200


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_plain_http_goes_through_its_proxy(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    with yes_server() as server, proxy_server() as proxy:
        monkeypatch.setenv(variable, f"{scheme}127.0.0.1:{proxy.port}")
        answered(drive, f"http://127.0.0.1:{server.port}")
        [(first, _)] = proxy.heads
        assert first == f"POST http://127.0.0.1:{server.port}/v1/Task/Detail HTTP/1.1"
        assert len(server.heads) == 1


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_https_goes_through_a_tunnel_of_its_proxy_which_sees_no_key(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, variable: str, server_tls: ssl.SSLContext, ca_path: str
) -> None:
    with yes_server(server_tls) as server, proxy_server() as proxy:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
        answered(drive, f"https://127.0.0.1:{server.port}", ca_path)
        [(first, headers)] = proxy.heads
        assert first.startswith(f"CONNECT 127.0.0.1:{server.port} ")
        assert "x-api-key" not in headers
        assert len(server.heads) == 1


@pytest.mark.parametrize(
    ("name", "base_url"), [("HTTPS_PROXY", "http://127.0.0.1"), ("HTTP_PROXY", "https://127.0.0.1")]
)
def test_the_proxy_of_the_other_scheme_is_not_used(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, name: str, base_url: str, server_tls: ssl.SSLContext, ca_path: str
) -> None:
    with yes_server(server_tls if base_url.startswith("https") else None) as server, proxy_server() as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answered(drive, f"{base_url}:{server.port}", ca_path)
        assert proxy.heads == []


@pytest.mark.parametrize("value", ["127.0.0.1", "*", "example.org,127.0.0.1", "127.0.0.0/8"])
@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
def test_no_proxy_leads_around_it(drive: Drive, monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    with yes_server() as server, proxy_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv(variable, value)
        answered(drive, f"http://127.0.0.1:{server.port}")
        assert proxy.heads == []


def test_no_proxy_for_another_host_does_not(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    with yes_server() as server, proxy_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", "example.org,10.0.0.0/8")
        answered(drive, f"http://127.0.0.1:{server.port}")
        assert len(proxy.heads) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_is_given_its_own_credentials(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, scheme: str, server_tls: ssl.SSLContext, ca_path: str
) -> None:
    with yes_server(server_tls if scheme == "https" else None) as server, proxy_server() as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://some%20body:hunter2@127.0.0.1:{proxy.port}")
        answered(drive, f"{scheme}://127.0.0.1:{server.port}", ca_path)
        [(_, headers)] = proxy.heads
        assert headers["proxy-authorization"] == f"Basic {base64.b64encode(b'some body:hunter2').decode()}"


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "ftp://u:hunter2@host", "http://", "http://[::1"])
def test_a_proxy_that_cannot_be_used_is_refused_and_not_shown(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(WiroConfigError, match="set HTTPS_PROXY or NO_PROXY") as caught:
        drive(look(), Credentials("key", "secret", "https://127.0.0.1:9/v1"))
    assert "hunter2" not in str(caught.value)


def test_the_credentials_of_a_proxy_are_in_no_message(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    for answer in (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", b""):
        with proxy_server(answer) as proxy:
            monkeypatch.setenv("ALL_PROXY", f"http://somebody:hunter2@127.0.0.1:{proxy.port}")
            for scheme in ("http", "https"):
                [outcome] = drive(look(), Credentials("key", "secret", f"{scheme}://127.0.0.1:9/v1", 5))
                assert "hunter2" not in repr(outcome)
