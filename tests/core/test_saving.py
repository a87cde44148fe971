"""The arguments about saving: what can surely not be saved to is refused before anything is spent."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.manifest import About, written
from airflow_provider_wiro.core.saved import result_of, with_places
from airflow_provider_wiro.core.saving import check_saving, folder, max_bytes
from airflow_provider_wiro.exceptions import WiroInputError

GOOD: dict[Any, str] = {
    "/media": "/media",
    " /media/x ": "/media/x",
    "file:///media": "file:///media",
    "s3://conn@bucket/key": "s3://conn@bucket/key",
    "gs://bucket": "gs://bucket",
    "sftp://host:22/media@home": "sftp://host:22/media@home",
    "abfss://container@account/x": "abfss://container@account/x",
    PurePosixPath("/media"): "/media",
    Path("/media"): "/media",
}


@pytest.mark.parametrize("given", GOOD, ids=str)
def test_a_folder_is_taken(given: Any) -> None:
    assert folder(given) == GOOD[given]


BAD: dict[str, Any] = {
    "relative": "media/videos",
    "in the home": "~/videos",
    "nothing": "",
    "blanks": "  ",
    "what a template makes of None": "None",
    "http": "http://x.example/y",
    "https": "HTTPS://x.example/y",
    "a number": 7,
    "bytes": b"/media",
    "a list": ["/media"],
    "a line break": "/media\n/x",
    "NUL": "/media\0",
}


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_what_is_no_folder_is_refused(given: Any) -> None:
    with pytest.raises(WiroInputError, match=r"^save_to is .*; allowed: a folder"):
        folder(given)


@pytest.mark.parametrize(
    "given",
    ["https://user:hunter2@x.example/y", "s3://AKIA:hunter2/+@bucket/y", "sftp://u:hunter2@h", "sftp://u:1hunter2@h"],
)
def test_a_secret_in_an_address_is_refused_and_not_shown(given: str) -> None:
    with pytest.raises(WiroInputError) as caught:
        folder(given)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("given", [0, -1, 1.5, True, None, "2GB"])
def test_bytes_are_a_whole_number(given: Any) -> None:
    with pytest.raises(WiroInputError, match="max_bytes is "):
        max_bytes(given)
    assert max_bytes(1) == 1


def test_what_is_not_saved_is_not_deleted() -> None:
    with pytest.raises(WiroInputError, match="delete_after_save is True; allowed: False without save_to"):
        check_saving(save_to=None, delete_after_save=True, wait_for_completion=True)
    with pytest.raises(WiroInputError, match="WiroToObjectStorageOperator"):
        check_saving(save_to="/m", delete_after_save=False, wait_for_completion=False)
    check_saving(save_to="/m", delete_after_save=True, wait_for_completion=True)
    check_saving(save_to=None, delete_after_save=False, wait_for_completion=False)


VIDEO = Landed("file:///m/7/0.mp4", "0.mp4", 9, "ab" * 32, "video/mp4", "https://x.example/0.mp4")
TEXT = Landed("file:///m/7/1.txt", "1.txt", 2, "cd" * 32, "text/plain")
CONTENT = Landed("file:///m/7/1.json", "1.json", 20, "ef" * 32, "application/json")
RESULT: Any = {
    "taskid": "7",
    "status": "task_postprocess_end",
    "outputs": [
        {"url": VIDEO.url, "name": "0.mp4", "content_type": "video/mp4", "size": 9, "content": None},
        {"url": None, "name": None, "content_type": "raw", "size": None, "content": {"answer": ["hi"]}},
    ],
    "text": "hi",
    "cost_usd": 0.25,
    "elapsed_seconds": 3.5,
}


def manifest(*landed: Landed, taskid: str = "7") -> bytes:
    return written(About(taskid, cost_usd=0.25, elapsed_seconds=3.5), landed, saved_at=1.0, provider="x")


def test_what_is_read_back_of_saved_files_is_the_result_that_was_returned() -> None:
    landed = (VIDEO, TEXT, CONTENT)
    placed = with_places(RESULT, landed)
    assert [output.get("uri") for output in placed["outputs"]] == [VIDEO.uri, TEXT.uri]
    assert result_of("7", manifest(*landed), landed, lambda _: b'{"answer": ["hi"]}') == placed


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (manifest(VIDEO, taskid="8"), "of another task"),
        (manifest(VIDEO, TEXT), "of other files"),
        (b"{}", "no manifest"),
        (b"[]", "no manifest"),
        (b"\xff", "codec"),
        (b"not json", "Expecting value"),
    ],
)
def test_a_manifest_that_is_not_theirs_is_not_taken(told: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        result_of("7", told, (VIDEO,), lambda _: b"")
