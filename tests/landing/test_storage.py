"""What a task has made is saved to an object storage, by the real s3fs, or to what can only move files."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.exceptions import WiroInterrupted, WiroSaveError
from airflow_provider_wiro.landing import missing, place_of, verify
from airflow_provider_wiro.landing.place import ABANDONED
from airflow_provider_wiro.landing.stored import BLOCK
from attached import attach, connected
from hostile_files import FILE, file_server, rest, status, whole
from landing_results import Save, output, result
from small_s3 import SmallS3, small_s3

LONG = bytes(range(256)) * (BLOCK // 100)
SHA256 = {len(body): hashlib.sha256(body).hexdigest() for body in (FILE, LONG)}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    for name in ("AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with small_s3("media") as store:
        yield store


@pytest.fixture
def folder(s3: SmallS3) -> str:
    """A folder in the bucket, by a connection of its own."""
    return f"s3://{connected(s3)}@media/2026/"


@pytest.fixture
def memory() -> Iterator[tuple[str, Any]]:
    """A folder of fsspec's memory, which knows neither uploads nor a move that is one step."""
    fs = fsspec.filesystem("memory", skip_instance_cache=True)
    conn_id = uuid.uuid4().hex
    attach("memory", conn_id=conn_id, fs=fs)
    yield f"memory://{conn_id}@media/2026", fs
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("body", [FILE, LONG], ids=["one part", "several parts"])
def test_a_file_is_one_upload(save: Save, s3: SmallS3, folder: str, body: bytes) -> None:
    with file_server(whole(body)) as server:
        made = result(output(server.url, "0.mp4", "video/mp4", len(body)))
        [landed] = save(made, folder)
        assert save(made, folder) == (landed,)
        assert len(server.requests) == 1
    assert (landed.uri, landed.sha256) == (f"{folder}2221/0.mp4", SHA256[len(body)])
    assert s3.buckets["media"].pop("2026/2221/0.mp4") == body
    assert json.loads(s3.buckets["media"].pop("2026/2221/manifest.json"))["outputs"] == [landed.to_json()]
    assert s3.buckets == {"media": {}}
    assert (s3.uploads, s3.made) == ({}, [])


def test_what_is_saved_can_be_verified_and_what_is_lost_is_missed(save: Save, s3: SmallS3, folder: str) -> None:
    with file_server(whole(LONG)) as server:
        [landed] = save(result(output(server.url, "0.mp4")), folder)
    manifest = f"{folder}2221/manifest.json"
    assert (missing([landed]), verify(manifest)) == ([], [])
    s3.buckets["media"]["2026/2221/0.mp4"] = LONG[::-1]
    [problem] = verify(manifest)
    assert problem.startswith(f"{landed.uri} has another content than when it was saved")
    assert missing([landed]) == []
    s3.buckets["media"]["2026/2221/0.mp4"] = b"cut"
    assert missing([landed]) == [landed]
    assert verify(manifest) == [f"{landed.uri} has 3 bytes, and had {len(LONG)} when it was saved"]
    del s3.buckets["media"]["2026/2221/0.mp4"]
    assert missing([landed]) == [landed]
    assert verify(manifest) == [f"{landed.uri} is not there"]
    del s3.buckets["media"]["2026/2221/manifest.json"]
    [problem] = verify(manifest)
    assert problem.startswith(f"{manifest} cannot be read: FileNotFoundError")


def test_a_download_that_begins_anew_begins_the_upload_anew(save: Save, s3: SmallS3, folder: str) -> None:
    with file_server(whole(LONG[::-1], to=2 * BLOCK + 1), whole(LONG)) as server:
        save(result(output(server.url, "0.mp4")), folder)
    assert s3.buckets["media"]["2026/2221/0.mp4"] == LONG
    assert (s3.uploads, s3.begun) == ({}, 2)


def test_a_download_that_is_gone_on_with_is_one_upload(save: Save, s3: SmallS3, folder: str) -> None:
    with file_server(whole(LONG, to=2 * BLOCK + 1), rest(LONG)) as server:
        save(result(output(server.url, "0.mp4")), folder)
    assert s3.buckets["media"]["2026/2221/0.mp4"] == LONG
    assert (s3.uploads, s3.begun) == ({}, 1)


@pytest.mark.parametrize("answer", [whole(LONG, to=2 * BLOCK), status("403 Forbidden")], ids=["stops", "refused"])
def test_nothing_is_left_of_an_upload_that_fails(save: Save, s3: SmallS3, folder: str, answer: Any) -> None:
    with file_server(answer) as server, pytest.raises(WiroSaveError):
        save(result(output(server.url, "0.mp4")), folder)
    assert s3.buckets == {"media": {}}
    assert s3.uploads == {}


def test_a_bucket_that_is_not_there_is_an_error_and_is_never_made(save: Save, s3: SmallS3, folder: str) -> None:
    with file_server(whole()) as server, pytest.raises(WiroSaveError, match=r"no bucket vidoes") as caught:
        save(result(output(server.url, "0.mp4")), folder.replace("media", "vidoes"))
    assert caught.value.retryable
    assert server.requests == []
    assert (s3.buckets, s3.made) == ({"media": {}}, [])


def test_a_bucket_that_goes_away_midway_is_an_error_and_is_never_made(save: Save, s3: SmallS3, folder: str) -> None:
    s3.parts_left = 1
    with (
        file_server(whole(LONG)) as server,
        pytest.raises(WiroSaveError, match=r"no bucket media: is its name mistyped") as caught,
    ):
        save(result(output(server.url, "0.mp4")), folder)
    assert (caught.value.taskid, caught.value.retryable) == ("2221", True)
    assert (s3.buckets, s3.made) == ({}, [])
    with pytest.raises(WiroSaveError, match=r"no bucket media"):
        missing([Landed(f"{folder}2221/0.mp4", "0.mp4", 1, "")])


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject"])
def test_a_right_that_is_missing_is_an_error(save: Save, s3: SmallS3, folder: str, action: str) -> None:
    s3.denied = {action}
    with file_server(whole()) as server, pytest.raises(WiroSaveError, match=r"PermissionError|AccessDenied"):
        save(result(output(server.url, "0.mp4")), folder)
    assert s3.buckets == {"media": {}}


def test_another_object_is_never_replaced(save: Save, s3: SmallS3, folder: str) -> None:
    s3.buckets["media"]["2026/2221/0.mp4"] = b"another"
    with file_server(whole()) as server, pytest.raises(WiroSaveError, match=r"is never replaced"):
        save(result(output(server.url, "0.mp4")), folder)
    assert s3.buckets == {"media": {"2026/2221/0.mp4": b"another"}}


def test_an_object_that_comes_while_another_is_written_stands(save: Save, s3: SmallS3, folder: str) -> None:
    with place_of(f"{folder}2221").writing("0.mp4") as sink:
        sink.write(LONG)
        s3.buckets["media"]["2026/2221/0.mp4"] = b"another"
        with pytest.raises(FileExistsError):
            sink.commit()
    assert s3.buckets == {"media": {"2026/2221/0.mp4": b"another"}}
    assert s3.uploads == {}


def test_to_be_told_to_stop_leaves_nothing_behind(save: Save, s3: SmallS3, folder: str, told: Any) -> None:
    def tell(there: int, _: int | None) -> None:
        if there > 2 * BLOCK:
            told.set()
            time.sleep(0.2)

    with file_server(whole(LONG)) as server, pytest.raises(WiroInterrupted):
        save(result(output(server.url, "0.mp4")), folder, progress=tell)
    assert s3.buckets == {"media": {}}
    assert s3.uploads == {}


def test_an_empty_file_is_a_file(save: Save, s3: SmallS3, folder: str, memory: tuple[str, Any]) -> None:
    for place in (folder, memory[0]):
        with file_server(whole(b"")) as server:
            [landed] = save(result(output(server.url, "0.mp4")), place)
        assert landed.size == 0
    assert s3.buckets["media"]["2026/2221/0.mp4"] == b""


def test_where_there_are_no_uploads_a_file_is_written_aside_and_moved(save: Save, memory: tuple[str, Any]) -> None:
    folder, fs = memory
    seen: set[str] = set()

    def look(_: int, __: int | None) -> None:
        seen.update(name for name in fs.find("/") if not name.rpartition("/")[2].startswith("."))

    with file_server(whole(LONG)) as server:
        [landed] = save(result(output(server.url, "0.mp4")), folder, progress=look)
        assert save(result(output(server.url, "0.mp4")), folder) == (landed,)
    assert seen == set()
    assert sorted(fs.find("/")) == ["/media/2026/2221/0.mp4", "/media/2026/2221/manifest.json"]
    assert fs.cat_file("/media/2026/2221/0.mp4") == LONG
    assert (missing([landed]), verify(f"{folder}/2221/manifest.json")) == ([], [])


def test_nothing_is_left_aside_of_what_fails(save: Save, memory: tuple[str, Any]) -> None:
    folder, fs = memory
    with file_server(whole(LONG, to=BLOCK)) as server, pytest.raises(WiroSaveError):
        save(result(output(server.url, "0.mp4")), folder)
    assert fs.find("/") == []


def test_a_manifest_is_written_aside_too(save: Save, memory: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, fs = memory
    written, opening = [], fs.open

    def noting(path: str, mode: str = "rb", **options: Any) -> Any:
        written.extend([path] if mode == "wb" else [])
        return opening(path, mode, **options)

    monkeypatch.setattr(fs, "open", noting)
    with file_server(whole()) as server:
        save(result(output(server.url, "0.mp4")), folder)
    assert [path.rpartition("/")[2][0] for path in written] == [".", "."]


def test_what_was_left_aside_an_hour_ago_is_deleted(save: Save, memory: tuple[str, Any]) -> None:
    folder, fs = memory
    old, new = "/media/2026/2221/.old.part", "/media/2026/2221/.new.part"
    for path in (old, new):
        fs.pipe_file(path, b"half")
    fs.store[old].modified -= timedelta(seconds=ABANDONED + 60)
    with file_server(whole()) as server:
        save(result(output(server.url, "0.mp4")), folder)
    assert sorted(name.rpartition("/")[2] for name in fs.find("/")) == [".new.part", "0.mp4", "manifest.json"]
