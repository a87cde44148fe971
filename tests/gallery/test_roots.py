"""How addresses are read, without Airflow."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.gallery.kinds import kind_of, played_type
from airflow_provider_wiro.gallery.roots import read_roots, read_stored, streamable


@pytest.mark.parametrize(
    ("root", "address"),
    [
        ("s3://aws@media/videos", "s3://aws@media/videos/1/0.mp4"),
        ("s3://aws@media/videos/", "S3://aws@media/videos//1/0.mp4"),
        ("s3://aws@media", "s3://aws@media/a.mp4"),
        ("gs://media/a b", "gs://media/a b/ü.png"),
    ],
)
def test_what_is_below_a_root_is_streamed(root: str, address: str) -> None:
    roots, odd = read_roots(f"s3://x@y/z, {root},")
    assert not odd
    assert streamable(address, roots) is not None


@pytest.mark.parametrize(
    "root", ["file:///data", "/data", "data", "s3://a@b/../c", "https://cdn.example.org/x", "s3://"]
)
def test_what_is_no_prefix_is_passed_over(root: str) -> None:
    assert read_roots(root) == ([], [root])


def test_no_root_is_no_file() -> None:
    assert streamable("s3://aws@media/videos/1/0.mp4", read_roots("")[0]) is None


def test_what_is_opened_is_what_was_compared() -> None:
    stored = read_stored("S3://aws@media/videos//1/0.mp4")
    assert stored is not None
    assert (stored.address, stored.name) == ("s3://aws@media/videos//1/0.mp4", "0.mp4")


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        ("0.mp4", (), "video/mp4"),
        ("0.MP4", ("video/mp4; codecs=x",), "video/mp4"),
        ("0.mp4", ("application/octet-stream", None), "video/mp4"),
        ("0.wav", ("audio/x-wav",), "audio/wav"),
        ("0.mp4", ("video/mp4", "text/html"), None),
        ("0.mp4", ("image/png",), None),
        ("0.svg", ("image/svg+xml",), None),
        ("0.html", ("video/mp4",), None),
        ("mp4", ("video/mp4",), None),
        ("0.mp4/x", (), None),
    ],
)
def test_types(name: str, told: tuple[str | None, ...], expected: str | None) -> None:
    assert played_type(name, *told) == expected


def test_kinds() -> None:
    assert kind_of(None, None, "https://a/b/c.webm?x=1.html") == "video"
    assert kind_of("image/svg+xml", "a.svg", None) == "file"
    assert kind_of("raw", "a.txt", None) == "file"
    assert kind_of(None, "a", "https://[") == "file"
