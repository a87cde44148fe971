"""Files in an object storage, by the real s3fs, and in memory."""

from __future__ import annotations

from collections.abc import Iterator

import fsspec  # type: ignore[import-untyped]
import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.bodies import UploadedFile
from airflow_provider_wiro.exceptions import WiroInputError, WiroUploadError
from airflow_provider_wiro.stages import contents
from attached import attach, connected
from doubles import Lines
from operators import generic
from small_s3 import SmallS3, small_s3
from tries import run_try

pytestmark = pytest.mark.usefixtures("journal_folder")
CONTENT = bytes(range(256)) * 40


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    for name in ("AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with small_s3("media") as store:
        store.buckets["media"]["in/a b.png"] = CONTENT
        yield store


def data_of(emulator: WiroEmulator) -> list[bytes]:
    files = [request.body["file"] for request in emulator.requests if request.call == "Upload" and request.body]
    return [file.data for file in files if isinstance(file, UploadedFile)]


def test_a_file_in_a_bucket(
    wiro_emulator: WiroEmulator, s3: SmallS3, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "BLOCK", 1000)
    run_try(generic, files={"image": f"s3://{connected(s3)}@media/in/a b.png"})
    assert data_of(wiro_emulator) == [CONTENT]
    assert "uploaded s3://media/in/a b.png to Wiro" in lines.text


@pytest.mark.parametrize(
    ("key", "kind", "said"),
    [
        ("in/no.png", WiroUploadError, r"there is no file s3://media/in/no\.png"),
        ("folder.png", WiroInputError, r"s3://media/folder\.png is a directory"),
        ("empty.png", WiroInputError, r"s3://media/empty\.png is empty"),
    ],
)
def test_what_is_not_there(
    wiro_emulator: WiroEmulator, s3: SmallS3, key: str, kind: type[Exception], said: str
) -> None:
    s3.buckets["media"] |= {"folder.png/x": b"x", "empty.png": b""}
    connection = connected(s3)
    with pytest.raises(kind, match=said) as caught:
        run_try(generic, files={"image": f"s3://{connection}@media/{key}"})
    assert connection not in str(caught.value)
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("denied", ["s3:GetObject", "the bucket"])
def test_a_bucket_that_goes_away(wiro_emulator: WiroEmulator, s3: SmallS3, denied: str) -> None:
    if denied == "the bucket":
        s3.buckets.clear()
    else:
        s3.denied = {"s3:GetObject", "s3:ListBucket"}
    with pytest.raises(WiroUploadError, match=r"(?s)s3://media/in/a b\.png.*nothing is paid") as caught:
        run_try(generic, files={"image": f"s3://{connected(s3)}@media/in/a b.png"})
    assert caught.value.retryable
    assert wiro_emulator.requests == []


def test_a_file_in_memory(wiro_emulator: WiroEmulator) -> None:
    memory = fsspec.filesystem("memory")
    attach("memory", fs=memory)
    memory.pipe("/in/a.md", b"# A picture")
    run_try(generic, files={"notes": ["memory://in/a.md"]})
    assert data_of(wiro_emulator) == [b"# A picture"]


@pytest.mark.parametrize("address", ["nothing://bucket/a.png", "s3://no_such_connection@media/a.png"])
def test_a_storage_that_cannot_be_opened(wiro_emulator: WiroEmulator, address: str) -> None:
    with pytest.raises(WiroUploadError, match=r"a\.png cannot be read"):
        run_try(generic, files={"image": address})
    assert wiro_emulator.requests == []
