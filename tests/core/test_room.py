"""The table of whether a submission is sent beside those that run: each combination is decided."""

from __future__ import annotations

from itertools import product

import pytest

from airflow_provider_wiro.core.rules.room import ROOM, Count, entry_of

MOST = 5
CASES = [
    Count(active, MOST, refused=refused, short=short)
    for active, refused, short in product((0, 4, 5, 6), (None, "HTTP 502"), (False, True))
]


def shown(count: Count) -> str:
    words = [f"{count.active} of {count.most}", "refused" if count.refused else "", "short" if count.short else ""]
    return f"{entry_of(count).name}-{', '.join(word for word in words if word)}"


@pytest.mark.parametrize("count", CASES, ids=shown)
def test_each_combination_is_decided_as_one_would_say_it(count: Count) -> None:
    entry = entry_of(count)
    assert entry.submits is (count.active < MOST)
    assert entry.warns is (entry.submits and (count.refused is not None or count.short))


def test_each_row_decides_something() -> None:
    assert {entry_of(count).name for count in CASES} == {entry.name for entry in ROOM}


def test_what_waits_costs_nothing() -> None:
    for entry in ROOM:
        assert entry.money.startswith("paid") is entry.submits
