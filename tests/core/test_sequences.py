"""Values of other tasks, made plain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import pytest

from airflow_provider_wiro.core.sequences import plain, taken


class Late(Sequence[Any]):
    """As the output of a mapped task is: a sequence that fetches its items when it is asked for them."""

    def __init__(self, *items: object) -> None:
        self._items = items

    @overload
    def __getitem__(self, at: int) -> Any: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Any]: ...
    def __getitem__(self, at: int | slice) -> Any:
        return self._items[at]

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Late{self._items!r}"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        (Late("a", "b"), ["a", "b"]),
        (Late(Late("a"), {"x": Late("b")}), [["a"], {"x": ["b"]}]),
        ({"images": Late("a", "b"), "seed": 0}, {"images": ["a", "b"], "seed": 0}),
        ([Late("a")], [["a"]]),
        (Late(), []),
        ("text", "text"),
        (b"bytes", b"bytes"),
        (("a", Late("b")), ("a", ["b"])),
        (None, None),
        (5, 5),
    ],
    ids=repr,
)
def test_a_sequence_that_fetches_its_items_late_becomes_a_list(given: object, value: object) -> None:
    made = plain(given)
    assert made == value
    assert type(made) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("inputImageUrl", ["https://x/a.png"], "https://x/a.png"),
        ("inputImageUrl", Late("https://x/a.png"), "https://x/a.png"),
        ("inputImageUrl", ["https://x/a.png", "https://x/b.png"], ["https://x/a.png", "https://x/b.png"]),
        ("inputImageUrl", [], []),
        ("inputImageUrl", "https://x/a.png", "https://x/a.png"),
        ("prompt", ["a"], ["a"]),
    ],
    ids=repr,
)
def test_a_list_of_one_is_taken_where_one_url_is_wanted(name: str, given: object, value: object) -> None:
    assert taken(name, given) == value
