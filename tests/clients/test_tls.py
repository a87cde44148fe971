"""Which certificates are trusted, alike by both drivers."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import NoReply, Reply
from airflow_provider_wiro.exceptions import WiroConfigError
from driving import Drive, look
from small_servers import yes_server


def outcome(drive: Drive, tls: ssl.SSLContext, verify: bool | str) -> Reply | NoReply:
    with yes_server(tls) as server:
        [answer] = drive(look(), Credentials("key", "secret", f"https://127.0.0.1:{server.port}/v1", 5, verify))
        assert len(server.heads) == isinstance(answer, Reply)
        return answer


def test_a_private_ca_is_trusted_where_the_connection_names_it(
    drive: Drive, server_tls: ssl.SSLContext, ca_path: str
) -> None:
    assert isinstance(outcome(drive, server_tls, ca_path), Reply)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_private_ca_is_trusted_where_the_environment_names_it(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, server_tls: ssl.SSLContext, ca_path: str, variable: str
) -> None:
    monkeypatch.setenv(variable, ca_path)
    assert isinstance(outcome(drive, server_tls, True), Reply)


def test_a_ca_file_that_is_replaced_in_place_counts(
    drive: Drive, tmp_path: Path, server_tls: ssl.SSLContext, ca_path: str
) -> None:
    path = tmp_path / "replaced.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    assert isinstance(outcome(drive, server_tls, str(path)), NoReply)
    path.write_text(Path(ca_path).read_text())
    assert isinstance(outcome(drive, server_tls, str(path)), Reply)


def test_a_private_ca_is_not_trusted_otherwise(drive: Drive, server_tls: ssl.SSLContext) -> None:
    answer = outcome(drive, server_tls, True)
    assert isinstance(answer, NoReply)
    assert (answer.sent, answer.tls) == (False, True)
    assert "CERTIFICATE_VERIFY_FAILED" in answer.reason


def test_the_connection_comes_before_the_environment(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, server_tls: ssl.SSLContext, ca_path: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert isinstance(outcome(drive, server_tls, ca_path), Reply)


def test_nothing_is_verified_where_the_connection_says_so(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, server_tls: ssl.SSLContext
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    assert isinstance(outcome(drive, server_tls, False), Reply)


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nx\n"])
def test_a_ca_file_that_cannot_be_used_is_named_before_anything_is_sent(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    problem = "does not exist" if content is None else "cannot be read"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    for verify, named in ((str(path), "its extra verify"), (True, "REQUESTS_CA_BUNDLE of the environment")):
        with pytest.raises(WiroConfigError, match=rf"^films: the CA file '.*ca.pem', as {named} says, {problem}"):
            drive(look(), Credentials("key", "secret", "https://127.0.0.1:9/v1", 5, verify, origin="films"))


def test_a_ca_without_key_identifiers_is_trusted_on_each_python(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As many companies have one. Python 3.13 refuses it unless it is told otherwise, 3.12 does not."""
    create = ssl.create_default_context

    def as_python_3_13_does(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        context = create(*args, **kwargs)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT
        return context

    server, ca = plain_certificates(tmp_path)
    monkeypatch.setattr(ssl, "create_default_context", as_python_3_13_does)
    assert isinstance(outcome(drive, server, str(ca)), Reply)


def plain_certificates(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return TLS for a server on 127.0.0.1, and the file of a CA, neither of which has a key identifier."""
    now = datetime.now(UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name, name = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("a plain CA", "server"))

    def certificate(subject: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder(ca_name, subject, public, x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )

    ca = certificate(ca_name, ca_key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    served = certificate(name, key.public_key()).add_extension(names, critical=False)
    pems = [made.sign(ca_key, hashes.SHA256()).public_bytes(Encoding.PEM) for made in (ca, served)]
    ca_file, server_file = folder / "plain-ca.pem", folder / "server.pem"
    ca_file.write_bytes(pems[0])
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    server_file.write_bytes(pems[1] + secret)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(server_file)
    return context, ca_file


def test_a_folder_of_cas_is_trusted(drive: Drive, server_tls: ssl.SSLContext, ca_path: str) -> None:
    folder = Path(ca_path).parent / "cas"
    folder.mkdir()
    # OpenSSL finds a certificate by the hash of its subject.
    (folder / f"{_subject_hash(ca_path)}.0").write_text(Path(ca_path).read_text())
    assert isinstance(outcome(drive, server_tls, str(folder)), Reply)


def _subject_hash(path: str) -> str:
    from subprocess import run

    done = run(["openssl", "x509", "-hash", "-noout", "-in", path], capture_output=True, text=True, check=True)
    return done.stdout.strip()
