"""The manifest says what made the files, and is read back."""

from __future__ import annotations

import json

import pytest

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.manifest import About, files_in, written

LANDED = Landed("s3://media/1/0.mp4", "0.mp4", 7, "ab" * 32, "video/mp4", "https://cdn/0.mp4")


def test_the_files_are_read_back() -> None:
    made = written(About("1"), (LANDED, LANDED), saved_at=0.0, provider="p")
    assert files_in(made) == (LANDED, LANDED)


def test_inputs_are_kept_as_every_reader_of_json_takes_them() -> None:
    odd = {"nan": float("nan"), "deep": {"x": ["\ud800", "\x00", "ü"]}, "number": 7}
    made = written(About("1", inputs=odd), (), saved_at=0.0, provider="p")
    told = json.loads(made, parse_constant=pytest.fail)
    assert told["inputs"] == {"nan": None, "deep": {"x": ["\ufffd", "\ufffd", "ü"]}, "number": 7}
    assert told["saved_at"] == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "other",
    [b"", b"[]", b"{}", b"\xff", b'{"version": 2, "outputs": []}', b'{"version": 1, "outputs": [{}]}', b"[" * 100_000],
)
def test_what_is_no_manifest_is_refused(other: bytes) -> None:
    with pytest.raises(ValueError, match="no manifest of this version"):
        files_in(other)
