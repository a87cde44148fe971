"""What names a generation's files tomorrow as it does today, and holds no secret."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_wiro.core.lineage import inputs_named, outputs_named, places_of, saved_in


def result(*outputs: dict[str, Any]) -> Any:
    empty = {"url": None, "name": None, "content_type": None, "size": None, "content": None}
    return {"taskid": "2221", "outputs": [empty | output for output in outputs], "text": None, "cost_usd": 0.25}


AT_WIRO = {"url": "https://user@cdn1.wiro.ai/6a/0.mp4?token=abc#t=1"}
SAVED = {"url": "https://cdn1.wiro.ai/6a/1.mp4", "uri": "s3://aws@media/2026/2221/1 #2?.mp4"}
RAW = {"content": {"raw": "By the sea."}}


def test_a_saved_file_is_named_by_where_it_is_and_opened_by_its_connection() -> None:
    made = result(AT_WIRO, SAVED, RAW, {"url": None, "uri": ""})
    assert places_of(made) == [AT_WIRO["url"], SAVED["uri"]]
    assert saved_in(made) == {"s3://media/2026/2221/1 #2?.mp4": SAVED["uri"]}
    assert outputs_named(made) == ["s3://media/2026/2221/1 #2?.mp4", "https://cdn1.wiro.ai/6a/0.mp4"]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("https://example.com/a,b.png?X-Amz-Signature=abc", ["https://example.com/a,b.png"]),
        ("s3://key:secret@bucket/a.png", ["s3://bucket/a.png"]),
        ("gs://bucket/a.png, https://x.example/b.png", ["gs://bucket/a.png", "https://x.example/b.png"]),
        (["https://x.example/a.png", ["file:///data/b.png"], 5], ["https://x.example/a.png", "file:///data/b.png"]),
        ("A kite, as in https://x.example/a.png", []),
        ("https://x.example/a.png, and a kite", []),
        ("https://x.example/cut…", []),
        ("0.png", []),
        ("https://", []),
        (None, []),
        (7, []),
    ],
)
def test_an_input_is_named_where_all_of_it_is_an_address(value: object, named: list[str]) -> None:
    assert inputs_named({"prompt": "A kite.", "inputImage": value}) == named
