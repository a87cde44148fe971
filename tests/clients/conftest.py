"""Both drivers by turns, in an environment without proxies and CA files."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from airflow_provider_wiro.clients import aio, sync, throttle
from airflow_provider_wiro.core import calls
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.emulator import WiroEmulator
from driving import Drive, DriveAsync, DriveSync, credentials_of
from small_servers import server_context
from waiting import on_simulated_time

VARIABLES = {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"} | {
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
}


@pytest.fixture(autouse=True)
def _no_proxy_and_no_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _open_gates() -> Iterator[None]:
    yield
    throttle._opens.clear()


@pytest.fixture(params=[DriveSync, DriveAsync], ids=["worker", "trigger"])
def drive(request: pytest.FixtureRequest) -> Drive:
    """Carries out a flow; each test runs over both drivers."""
    kind: type[DriveSync | DriveAsync] = request.param
    return kind()


@pytest.fixture
def emulator() -> Iterator[WiroEmulator]:
    with WiroEmulator(duration=0.2) as running:
        yield running


@pytest.fixture
def credentials(emulator: WiroEmulator) -> Credentials:
    return credentials_of(emulator)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what takes seconds take hundredths."""
    monkeypatch.setattr(calls, "RUN_PAUSES", (0.02, 0.02, 0.02))
    monkeypatch.setattr(calls, "STOP_PAUSES", (0.02, 0.02))
    monkeypatch.setattr(calls, "STOP_TIMEOUT", 0.5)
    monkeypatch.setattr(aio, "REREAD_PAUSE", 0.0)
    monkeypatch.setattr(sync, "REREAD_PAUSE", 0.0)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A private CA."""
    return trustme.CA()


@pytest.fixture
def ca_path(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "private-ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    """TLS for a server on 127.0.0.1, with a certificate of the private CA."""
    return server_context(authority, "127.0.0.1")


@pytest.fixture
def simulated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    on_simulated_time(monkeypatch)
