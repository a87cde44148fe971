"""Saving to a local folder fails in words, and leaves nothing half-written, however it ends."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.clients.public import Looks
from airflow_provider_wiro.exceptions import WiroInputError, WiroInterrupted, WiroSaveError
from airflow_provider_wiro.landing import missing, place_of, verify
from airflow_provider_wiro.landing.place import ABANDONED
from hostile_files import FILE, dripping, endless, file_server, redirect, rest, status, whole
from landing_results import Save, output, result

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")

SAVE = """
import logging, resource, sys
from airflow_provider_wiro.clients.public import Looks
from airflow_provider_wiro.landing import About, land
url, folder, limit = sys.argv[1:]
if int(limit):
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
output = {"url": url, "name": "0.mp4", "content_type": "video/mp4", "size": None, "content": None}
result = {"taskid": "2221", "status": None, "outputs": [output], "text": None, "cost_usd": 1, "elapsed_seconds": 1}
print("begun", flush=True)
try:
    land(result, folder, About("2221"), looks=Looks(True, ["127.0.0.1"], lambda: False), max_bytes=10**9,
         log=logging.getLogger("x"))
except Exception as error:
    print(type(error).__name__, error.retryable, error)
"""


def process(url: str, folder: Path, limit: int = 0) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SAVE, url, str(folder), str(limit)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


NAMES = [
    "../../../etc/passwd",
    "/etc/passwd",
    "a\x00b.mp4",
    "x" * 300 + ".mp4",
    "0.mp4",
    "0.mp4",
    "0.MP4",
    "manifest.json",
    "NUL",
    "..",
    "C:\\boot.ini",
]


def test_hostile_names_stay_in_the_folder_and_apart(save: Save, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "saved"
    with file_server(whole()) as server:
        landed = save(result(*(output(server.url, name, "video/mp4") for name in NAMES)), folder)
    files = names_in(tmp_path)
    assert len({name.casefold() for name in files}) == len(files) == len(NAMES) + 1
    assert {Path(name).parent.as_posix() for name in files} == {"deep/saved/2221"}
    assert [Path(one.uri.removeprefix("file://")).read_bytes() for one in landed] == [FILE] * len(NAMES)
    assert max(len(one.name.encode()) for one in landed) == 255
    assert verify(str(folder / "2221" / "manifest.json")) == []


REFUSED: dict[str, tuple[Any, str, bool]] = {
    "expired": (status("404 Not Found"), r"it is not there \(HTTP 404\). Its address at Wiro has expired", False),
    "never ends": (endless, "more bytes than max_bytes", False),
    "3 GB": (whole(length=3_000_000_000, to=0), "it has 3000000000 bytes, and max_bytes is", False),
    "a page": (whole(b"<html>", kind="text/html"), "text/html came instead of video/mp4", True),
    "to a private address": (redirect("https://169.254.169.254/"), "its address is private", False),
    "a body that stops": (whole(to=10), "ClientPayloadError", True),
}


@pytest.mark.parametrize(("answer", "words", "retryable"), REFUSED.values(), ids=REFUSED)
def test_a_refused_download_keeps_the_generation_and_what_is_saved(
    save: Save, tmp_path: Path, answer: Any, words: str, retryable: bool
) -> None:
    with file_server(whole(), answer) as server, pytest.raises(WiroSaveError, match=words) as caught:
        save(result(output(server.url, "0.mp4"), output(server.url, "1.mp4")), tmp_path, max_bytes=1_000_000)
    assert names_in(tmp_path) == ["2221/0.mp4"]
    assert (caught.value.taskid, caught.value.retryable, len(caught.value.outputs)) == ("2221", retryable, 2)
    assert "is paid" in str(caught.value)
    assert ("It stays at Wiro for a limited time" in str(caught.value)) == ("expired" not in words)
    with file_server(whole()) as server:
        save(result(output(server.url, "0.mp4"), output(server.url, "1.mp4")), tmp_path)
    assert names_in(tmp_path) == ["2221/0.mp4", "2221/1.mp4", "2221/manifest.json"]


def test_what_wiro_says_is_too_large_is_not_asked_for(save: Save, tmp_path: Path) -> None:
    with (
        file_server(whole()) as server,
        pytest.raises(WiroSaveError, match=r"0.mp4 has 3000000000 bytes, and max_bytes"),
    ):
        save(result(output(server.url, "0.mp4", size=3_000_000_000)), tmp_path)
    assert server.requests == []


def test_a_disk_without_room_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    with file_server(whole()) as server:
        saving = process(server.url, tmp_path, limit=100_000)
        said, _ = saving.communicate(timeout=120)
    assert "\nWiroSaveError True Wiro task 2221 succeeded and is paid, but not all" in said
    assert "the file is larger than this process or file system may write" in said
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_the_error_says_what_to_do(save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("airflow_provider_wiro.landing.local.os.fsync", fail)
    with file_server(whole()) as server, pytest.raises(WiroSaveError, match=r"make room|read-only"):
        save(result(output(server.url, "0.mp4")), tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("hints", ["taken", "refused", "unknown"])
def test_a_file_is_whole_whether_or_not_the_system_takes_hints(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hints: str
) -> None:
    begun: list[tuple[int, int]] = []

    def hinted(_: int, start: int, size: int, __: int) -> None:
        begun.append((start, size))
        if hints == "refused":
            raise OSError(errno.EINVAL, "no hints here")

    monkeypatch.setattr("airflow_provider_wiro.landing.local.EARLY", 1000)
    if hints == "unknown":
        monkeypatch.delattr(os, "posix_fadvise", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fadvise", hinted, raising=False)
    with file_server(whole(to=len(FILE) // 2), rest()) as server:
        save(result(output(server.url, "0.mp4")), tmp_path)
    assert (tmp_path / "2221" / "0.mp4").read_bytes() == FILE
    assert bool(begun) == (hints != "unknown")
    assert [start + size for start, size in begun[:-1]] == [start for start, _ in begun[1:]]


def test_a_process_that_is_killed_leaves_no_file_and_the_next_one_saves(
    save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()
    with file_server(dripping(0.01, over, FILE[:100_000]), whole()) as server:
        saving = process(server.url, tmp_path)
        until = time.monotonic() + 60
        while not list(tmp_path.glob("2221/.*.part")) and time.monotonic() < until:
            time.sleep(0.02)
        saving.send_signal(signal.SIGKILL)
        saving.communicate(timeout=60)
        over.set()
        [left] = tmp_path.glob("2221/*")
        assert left.suffix == ".part"
        save(result(output(server.url, "0.mp4")), tmp_path)
        assert left.exists()
        os.utime(left, (time.time() - ABANDONED - 60,) * 2)
        save(result(output(server.url, "0.mp4")), tmp_path)
    assert names_in(tmp_path) == ["2221/0.mp4", "2221/manifest.json"]


def test_to_be_told_to_stop_leaves_nothing_behind(save: Save, tmp_path: Path, told: threading.Event) -> None:
    over = threading.Event()
    telling = threading.Timer(0.3, told.set)
    with file_server(dripping(0.01, over, FILE[:100_000])) as server:
        telling.start()
        with pytest.raises(WiroInterrupted):
            save(result(output(server.url, "0.mp4")), tmp_path)
        over.set()
    telling.join()
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_file_that_comes_while_another_is_written_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def no_link(*_: object) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    if not links:
        monkeypatch.setattr("airflow_provider_wiro.landing.local.os.link", no_link)
    place = place_of(str(tmp_path))
    with place.writing("1.mp4") as sink:
        sink.write(b"mine")
        assert names_in(tmp_path)[0].endswith(".part")
        sink.commit()
    with place.writing("0.mp4") as sink:
        sink.write(b"mine")
        (tmp_path / "0.mp4").write_bytes(b"another")
        with pytest.raises(FileExistsError):
            sink.commit()
    assert names_in(tmp_path) == ["0.mp4", "1.mp4"]
    assert (tmp_path / "0.mp4").read_bytes() == b"another"


def test_the_umask_says_who_may_read_a_file(save: Save, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with file_server(whole()) as server:
            save(result(output(server.url, "0.mp4")), tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "2221").iterdir()} == {0o640}


def test_a_manifest_of_somebody_else_is_never_replaced(save: Save, tmp_path: Path) -> None:
    (tmp_path / "2221").mkdir()
    (tmp_path / "2221" / "manifest.json").write_text("{}")
    with file_server(whole()) as server, pytest.raises(WiroSaveError, match="never replaced; move it away"):
        save(result(output(server.url, "0.mp4")), tmp_path)
    assert (tmp_path / "2221" / "manifest.json").read_text() == "{}"


def test_what_may_be_a_signature_is_not_kept(save: Save, tmp_path: Path) -> None:
    with file_server(whole()) as server:
        [landed] = save(result(output(f"{server.url}?X-Signature=abc", "0.mp4")), tmp_path)
    assert server.requests[0].startswith("GET /0.mp4?X-Signature=abc ")
    assert landed.url == server.url
    assert "X-Signature" not in (tmp_path / "2221" / "manifest.json").read_text()


def test_a_folder_that_was_copied_is_verified_where_it_is(save: Save, tmp_path: Path) -> None:
    with file_server(whole()) as server:
        [landed] = save(result(output(server.url, "0.mp4")), tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert verify(f"file://{tmp_path}/b/2221/manifest.json") == []
    assert missing([landed]) == [landed]


def test_a_manifest_leads_to_no_other_folder(save: Save, tmp_path: Path) -> None:
    with file_server(whole()) as server:
        save(result(output(server.url, "0.mp4")), tmp_path)
    manifest = tmp_path / "2221" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"name": "0.mp4"', '"name": "../../../etc/passwd"'))
    assert verify(str(manifest)) == ["'../../../etc/passwd' is no name of a file beside the manifest"]


def test_nothing_is_saved_over_plain_http_unless_it_is_allowed(save: Save, tmp_path: Path, looks: Looks) -> None:
    with pytest.raises(WiroSaveError, match=r'plain http.*"allow_http": true'):
        save(result(output("http://cdn.example/0.mp4", "0.mp4")), tmp_path)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_that_fsspec_would_cut_off_is_refused(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(WiroInputError, match="without '::', at which fsspec cuts a path off"):
        place_of(f"{scheme}{tmp_path}/a::b/2221")
