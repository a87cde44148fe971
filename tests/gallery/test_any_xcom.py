"""Whatever JSON anybody has put into XCom: a tile is made of it, and an answer of the tile."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_wiro.gallery.answer import Answer
from airflow_provider_wiro.gallery.roots import read_roots
from airflow_provider_wiro.gallery.rows import Row
from airflow_provider_wiro.gallery.tiles import tile

NAMES = st.sampled_from(
    [
        *("taskid", "model", "outcome", "cost_usd", "submitted_at", "inputs", "error", "elapsed_seconds", "outputs"),
        *("prompt", "ratio", "duration", "url", "uri", "name", "text", "content", "content_type"),
    ]
)
TEXTS = st.text(st.characters(codec=None, categories=None), max_size=30)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | TEXTS, inner, max_size=8),
    max_leaves=20,
)
OBJECTS = st.dictionaries(NAMES | TEXTS, VALUES, max_size=12)
ROOTS, _ = read_roots("s3://films/")
NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)


@given(told=OBJECTS, result=OBJECTS, same=st.booleans())
def test_a_tile_is_made_of_any_json(told: dict[str, Any], result: dict[str, Any], same: bool) -> None:
    if same:
        told["taskid"] = result["taskid"] = "1"
    row = Row("films", "run", "video", -1, 1, NOW, None, None, None, None)
    made = tile(row, told, result, state="success", at_work=False, roots=ROOTS)
    assert json.loads(bytes(Answer(made).body)) == made
    assert made["submitted_at"] is None or made["submitted_at"] <= 8.64e12
