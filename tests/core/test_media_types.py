"""What a server says that a file is must go with what it should be."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.media_types import ENDINGS, contradicts, ending_for, expected_type, is_page

KINDS = ("video/mp4", "image/png", "audio/wav", "text/plain", "text/html", "application/json", "application/pdf")
UNTOLD = (None, "", "application/octet-stream", "binary/octet-stream", "raw")
MEDIA = ("video/mp4", "image/png", "audio/wav")


@pytest.mark.parametrize("told", [*KINDS, *UNTOLD])
@pytest.mark.parametrize("expected", [*KINDS, *UNTOLD])
def test_only_what_is_surely_no_such_medium_contradicts(expected: str | None, told: str | None) -> None:
    surely_other = told not in UNTOLD and told != "application/pdf" and told != expected
    assert contradicts(expected, told) == (expected in MEDIA and surely_other)


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("video/mp4", "Video/MP4; codecs=x"),
        ("video/mp4", "video/quicktime"),
        ("audio/mp4", "video/mp4"),
        ("image/svg+xml", "application/xml"),
        ("image/svg+xml", "text/plain"),
        ("text/plain", "text/html"),
    ],
)
def test_what_is_alike_does_not_contradict(expected: str, told: str) -> None:
    assert not contradicts(expected, told)


def test_a_page_is_no_drawing() -> None:
    assert contradicts("image/svg+xml", "text/html")


@pytest.mark.parametrize("first", [b"<!DOCTYPE html><p>", b"\r\n  <HTML lang=en>"])
def test_a_page_is_known_by_how_it_begins(first: bytes) -> None:
    assert is_page("video/mp4", first)
    assert not is_page("text/plain", first)
    assert not is_page(None, first)
    assert not is_page("video/mp4", b"\x00\x00\x00\x18ftyp")


def test_endings_and_types_go_together() -> None:
    for kind, ending in ENDINGS.items():
        assert ending_for(f"{kind.upper()}; x=y") == ending
        assert ending_for(expected_type(None, f"a{ending.upper()}")) == ending
    assert (ending_for(None), ending_for("raw"), expected_type(None, "mp4"), expected_type("x/y", "0.mp4")) == (
        "",
        "",
        None,
        "x/y",
    )
