"""What goes over the wire of an upload, and how little of it is in memory."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.files import Source, Upload
from airflow_provider_wiro.core.uploading import upload
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroUploadError
from airflow_provider_wiro.hooks.connection import read_credentials

log = logging.getLogger(__name__)
BIG = 48_000_000


def source_of(path: Path) -> Source:
    with path.open("rb") as file:
        return Source(str(path), hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def sent(path: Path, source: Source | None = None) -> str:
    client = Client(read_credentials("wiro_default"), log)
    with path.open("rb") as file:
        return client.drive(upload(Upload(source or source_of(path), file), timeout=30.0))


def test_the_body_is_multipart_with_its_length_and_signed_anew_each_time(
    wiro_emulator: WiroEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.core.uploading.UPLOAD_PAUSES", (0.0,))
    path = tmp_path / "a.png"
    path.write_bytes(b"\r\n--not the boundary--\r\n" * 100_000)
    wiro_emulator.script("Upload", "5xx")
    sent(path)
    first, second = wiro_emulator.requests
    for request in (first, second):
        assert request.headers["content-length"] == str(len(request.raw))
        assert "transfer-encoding" not in request.headers
        assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
        assert request.body is not None
        assert request.body["file"].data == path.read_bytes()  # type: ignore[attr-defined]
    assert first.headers["x-nonce"] != second.headers["x-nonce"]


CHANGES: dict[str, Callable[[Path], Any]] = {
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "shorter": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "other": lambda path: path.write_bytes(b"x" * path.stat().st_size),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_has_changed_never_arrives(wiro_emulator: WiroEmulator, tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"a picture" * 100_000)
    path.with_name("b.png").write_bytes(b"another picture")
    before = source_of(path)
    CHANGES[change](path)
    with pytest.raises(WiroUploadError, match=r"(?s)a\.png has changed while it was uploaded.*nothing is paid"):
        sent(path, before)
    assert sent(path.with_name("b.png") if path.stat().st_size == 0 else path).startswith(wiro_emulator.url)
    assert len([request for request in wiro_emulator.requests if request.body]) == 1


def test_a_file_that_cannot_be_read_any_more_names_the_reason_without_a_secret(wiro_emulator: WiroEmulator) -> None:
    class Away:
        def seek(self, _: int) -> None: ...

        def read(self, _: int) -> bytes:
            raise OSError("no answer from https://s3.example/a?X-Amz-Signature=secret")

    client = Client(read_credentials("wiro_default"), log)
    file: Any = Away()
    with pytest.raises(
        WiroUploadError, match=r"could not be read while .*no answer from https://s3.example/a\)"
    ) as caught:
        client.drive(upload(Upload(Source("s3://b/a.png", "ab", 5), file), timeout=5.0))
    assert "secret" not in str(caught.value)


SERVER = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
client, _ = listener.accept()
client.settimeout(60)
head = b""
while b"\\r\\n\\r\\n" not in head:
    head += client.recv(65536)
head, _, body = head.partition(b"\\r\\n\\r\\n")
left = next(int(line.split(b":")[1]) for line in head.split(b"\\r\\n") if line.lower().startswith(b"content-length"))
left -= len(body)
while left > 0:
    left -= len(client.recv(65536))
answer = b'{"result": true, "errors": [], "list": [{"url": "https://cdn.wiro.ai/a.mp4"}]}'
head = b"HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: %d\\r\\n\\r\\n"
client.sendall(head % len(answer) + answer)
client.recv(1)
"""


def test_little_of_a_large_file_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mp4"
    with path.open("wb") as file:
        file.truncate(BIG)
    source = source_of(path)
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = server.stdout.readline().strip()
        monkeypatch.setenv(
            "AIRFLOW_CONN_WIRO_DEFAULT",
            f'{{"conn_type": "wiro", "login": "a-key", "password": "a-secret", "host": "http://127.0.0.1:{port}/v1"}}',
        )
        tracemalloc.start()
        try:
            assert sent(path, source) == "https://cdn.wiro.ai/a.mp4"
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
            server.kill()
    assert most < BIG / 4
