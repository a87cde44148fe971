"""Saved files are streamed from below the roots, and nothing else is, whoever wrote the XCom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from attached import connected
from generations import Kept, generation, output, result
from small_s3 import SmallS3, small_s3

Visit = Callable[..., Any]
Keep = Callable[..., None]
FILM = bytes(range(256)) * 10_000
WHERE = {"dag_id": "films", "run_id": "manual__2026-11-27T12:00:00+00:00", "task_id": "video"}
FILE = "s3://CONN@media/videos/1/0.mp4"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallS3]:
    """A private bucket, and a connection that leads to it."""
    with small_s3("media", "private") as store:
        conn_id = connected(store)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "aws"}))
        monkeypatch.setenv("AIRFLOW__WIRO__GALLERY_ROOTS", f"s3://{conn_id}@media/videos/, s3://lost@media/videos")
        store.buckets["media"] = {"videos/1/0.mp4": FILM, "other/0.mp4": FILM, "videos/1/a.svg": b"<svg/>"}
        store.buckets["private"] = {"videos/1/0.mp4": FILM}
        store.made.append(conn_id)
        yield store


@pytest.fixture
def keep(kept: Kept, s3: SmallS3) -> Callable[..., None]:
    """Keep a task with an output that says to be saved in the bucket, or elsewhere."""
    [conn_id] = s3.made

    def keep_one(uri: Any = FILE, **told: Any) -> None:
        address = uri.replace("CONN", conn_id) if isinstance(uri, str) else uri
        kept.task(wiro_generation=generation(), return_value=result(output(uri=address, **told)))

    return keep_one


@pytest.mark.parametrize(
    ("asked", "status", "first", "end"),
    [
        (None, 200, 0, len(FILM)),
        ("bytes=0-", 206, 0, len(FILM)),
        ("bytes=0-0", 206, 0, 1),
        ("bytes=1000-1999", 206, 1000, 2000),
        ("bytes=-500", 206, len(FILM) - 500, len(FILM)),
        (f"bytes=5-{len(FILM) * 2}", 206, 5, len(FILM)),
        (f"bytes=-{len(FILM) * 2}", 206, 0, len(FILM)),
        ("bytes=9-2", 200, 0, len(FILM)),
        ("bytes=0-1,5-6", 200, 0, len(FILM)),
        ("lines=0-1", 200, 0, len(FILM)),
    ],
)
def test_the_bytes_that_are_asked_for_are_sent(
    keep: Keep, visit: Visit, asked: str | None, status: int, first: int, end: int
) -> None:
    keep()
    answer = visit("media", headers={"Range": asked} if asked else None, **WHERE)
    assert (answer.status_code, answer.content) == (status, FILM[first:end])
    assert answer.headers["content-length"] == str(end - first)
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-encoding"] == "identity"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    expected = f"bytes {first}-{end - 1}/{len(FILM)}" if status == 206 else None
    assert answer.headers.get("content-range") == expected


@pytest.mark.parametrize("asked", [f"bytes={len(FILM)}-", "bytes=-0"])
def test_what_is_behind_the_end_is_refused(keep: Keep, visit: Visit, asked: str) -> None:
    keep()
    answer = visit("media", headers={"Range": asked}, **WHERE)
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(FILM)}")


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "file:///etc/passwd.mp4",
        "FILE:///etc/a.mp4",
        "local:///etc/a.mp4",
        "/etc/a.mp4",
        "s3://CONN@media/other/0.mp4",
        "s3://CONN@media/videos/../other/0.mp4",
        "s3://CONN@media/videos/%2e%2e/other/0.mp4",
        "s3://CONN@media/videos/%252e%252e/other/0.mp4",
        "s3://CONN@media/videos/1/..%2f..%2fother/0.mp4",
        "s3://CONN@media/videos/./1/0.mp4",
        "s3://CONN@media/videos\\..\\other\\0.mp4",
        "s3://CONN@media/videosx/0.mp4",
        "s3://CONN@media//videos/1/0.mp4",
        "s3://CONN@private/videos/1/0.mp4",
        "s3://media/videos/1/0.mp4",
        "s3://another@media/videos/1/0.mp4",
        "s3://another@CONN@media/videos/1/0.mp4",
        "s3a://CONN@media/videos/1/0.mp4",
        "simplecache::s3://CONN@media/videos/1/0.mp4",
        "s3://CONN@media/videos/1/0.mp4?versionId=1",
        "s3://CONN@media/videos/1/0.mp4#x.mp4",
        "s3://CONN@media/videos/1/0.mp4\n",
        "s3://CONN@media/videos",
        "s3://CONN@media/videos/1/a.svg",
        "s3://CONN@media/videos/1/manifest.json",
        "javascript:alert(1)",
        "http://169.254.169.254/latest/a.mp4",
        "",
        7,
        None,
        {"a": 1},
    ],
)
def test_nothing_else_is_sent(keep: Keep, visit: Visit, uri: Any) -> None:
    keep(uri=uri)
    assert visit("media", **WHERE).status_code == 404
    [tile] = visit().json()["generations"]
    assert not tile["outputs"][0]["streamed"]
    assert not any(source.startswith("media") for source in tile["outputs"][0]["sources"])


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/json", "image/png", "video/x-odd"])
def test_nothing_is_sent_that_its_task_calls_something_else(keep: Keep, visit: Visit, kind: str) -> None:
    keep(content_type=kind)
    assert visit("media", **WHERE).status_code == 404


def test_nothing_is_sent_that_its_storage_calls_something_else(keep: Keep, visit: Visit, s3: SmallS3) -> None:
    keep()
    s3.content_type = "text/html"
    assert visit("media", **WHERE).status_code == 404
    s3.content_type = "video/mp4"
    assert visit("media", **WHERE).status_code == 200


def test_a_file_that_is_gone_and_a_connection_that_is_missing_are_said_so(
    keep: Keep, kept: Kept, visit: Visit, s3: SmallS3
) -> None:
    keep()
    kept.task(
        task_id="lost", wiro_generation=generation(), return_value=result(output(uri="s3://lost@media/videos/1/0.mp4"))
    )
    answer = visit("media", **{**WHERE, "task_id": "lost"})
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "This file cannot be played: the API server has no connection lost.",
    )
    s3.buckets["media"].clear()
    answer = visit("media", **WHERE)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "This file cannot be played: it is not there any more.",
    )


def test_where_there_is_nothing_nothing_is_sent(keep: Keep, visit: Visit) -> None:
    keep()
    assert visit("media", **WHERE, output=1).status_code == 404
    assert visit("media", **WHERE, map_index=0).status_code == 404
    assert visit("media", **WHERE, output=-1).status_code == 422
