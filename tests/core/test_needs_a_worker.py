"""The table of what still needs a worker at the end of a task that could end in the triggerer."""

from __future__ import annotations

from dataclasses import fields
from itertools import compress, product

import pytest

from airflow_provider_wiro.core.rules.worker import NEEDS, Known, Need, need_of

FACTS = [field.name for field in fields(Known)]


def test_where_nothing_is_needed_it_ends_in_the_triggerer() -> None:
    assert need_of(Known()) is None


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.name)
def test_each_row_alone_needs_a_worker(need: Need) -> None:
    assert need_of(Known(**{need.fact: True})) is need


def test_there_is_one_row_for_each_fact() -> None:
    assert [need.fact for need in NEEDS] == FACTS


def test_each_combination_is_decided_by_the_first_row_that_holds() -> None:
    for values in product((False, True), repeat=len(FACTS)):
        need = need_of(Known(*values))
        assert (need.fact if need else None) == next(compress(FACTS, values), None)
