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
    :param rows: where its rows are, "module:ATTRIBUTE".
    :param columns: for each heading, the field of a row; a number is a place in a tuple, a dot leads further.
    """

    name: str
    rows: str
    columns: Mapping[str, str]


TABLES = (
    Table(
        "replies",
        "airflow_provider_wiro.core.protocol:RUN_TABLE",
        {"Wiro's answer to a submission": "0", "what it means": "2"},
    ),
)
