"""Which rules the documentation shows, and what of each row.

``scripts/render`` writes them between the markers ``<!-- table: NAME -->`` and ``<!-- end of table -->``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A rule that is shown.

    :param name: what its marker calls it.
    :param rows: where its rows are, "module:ATTRIBUTE"; of a dict, its values are the rows.
    :param columns: for each heading, the field of a row; a number is a place in a tuple, a dot leads further.
    """

    name: str
    rows: str
    columns: Mapping[str, str]


_RULES = "airflow_provider_wiro.core.rules"

TABLES = (
    Table(
        "replies",
        f"{_RULES}.replies:REPLIES",
        {"Wiro's answer": "name", "the submission was": "meaning", "money": "money", "what to do": "advice"},
    ),
    Table(
        "recall",
        f"{_RULES}.recall:RECALL",
        {"what an earlier try left": "name", "what is done": "decision", "money": "money", "error": "error"},
    ),
    Table(
        "fate",
        f"{_RULES}.fate:RULES",
        {"what happened here": "name", "what becomes of the Wiro task": "fate", "money": "money"},
    ),
    Table(
        "room",
        f"{_RULES}.room:ROOM",
        {"Wiro's list shows": "name", "it is sent": "submits", "a WARNING": "warns", "money": "money"},
    ),
    Table(
        "shapes",
        f"{_RULES}.shapes:SHAPES",
        {"the input X of the model is": "name", "what is sent": "shape"},
    ),
    Table(
        "file_types",
        "airflow_provider_wiro.core.files:FILE_TYPES",
        {"extension": "extension", "sent as": "content_type"},
    ),
    Table(
        "waits",
        f"{_RULES}.waits:PATIENCE",
        {"the task shows no end": "name", "verdict": "kind", "it is stopped": "stops"},
    ),
    Table(
        "endings",
        f"{_RULES}.endings:ENDINGS",
        {"verdict": "kind", "the task": "what", "money": "money", "error": "error", "a retry submits": "retryable"},
    ),
    Table(
        "flagged",
        f"{_RULES}.flagged:FLAGS",
        {"what a line of the reason says": "name", "such as": "example"},
    ),
    Table(
        "realtime",
        f"{_RULES}.realtime:REALTIME",
        {"a model is realtime where": "name", "such as": "example"},
    ),
    Table(
        "needs",
        f"{_RULES}.worker:NEEDS",
        {"a worker ends it where": "name", "asked": "asked", "because": "why"},
    ),
    Table(
        "stops",
        f"{_RULES}.endings:STOPS",
        {"where it was not over": "what", "money": "money", "nothing is submitted after it": "final"},
    ),
)
