"""The table of what becomes of the paid task: each combination is decided, by the first row that fits."""

from __future__ import annotations

from itertools import product

import pytest

from airflow_provider_wiro.core.rules.fate import KILLS, RULES, Fate, Happening, Rule, fate_of

Case = tuple[Happening, bool, bool, bool]
CASES: list[Case] = list(product(Happening, (True, False), (True, False), (True, False)))

STOPS_ALWAYS = {
    Happening.ENDED,
    Happening.TIME_OVER,
    Happening.INTERRUPTED,
    Happening.STILL_NOT_ASKED,
    Happening.EVENT_UNREADABLE,
}
NOT_OURS = {Happening.TAKEN_OVER, Happening.SAVING}
GOES_ON_IF_FOUND = {Happening.WORKER_GOES, Happening.AIRFLOW_SILENT, Happening.BROKE}


def shown(case: Case) -> str:
    happening, recorded, another_try, cancel_on_kill = case
    words = [
        happening.name,
        "recorded" if recorded else "no record",
        "another try" if another_try else "last try",
        "kills stop" if cancel_on_kill else "kills leave",
    ]
    return f"{decided(case).name}-{', '.join(words)}"


def decided(case: Case) -> Rule:
    happening, recorded, another_try, cancel_on_kill = case
    return fate_of(happening, recorded=recorded, another_try=another_try, cancel_on_kill=cancel_on_kill)


def wanted(case: Case) -> Fate:
    """Say the same without a table."""
    happening, recorded, another_try, cancel_on_kill = case
    if happening is Happening.TRIGGER_BROKE:
        return Fate.WAIT_HERE
    if happening in NOT_OURS:
        return Fate.LEAVE
    if happening in KILLS and not cancel_on_kill:
        return Fate.LEAVE
    if happening in STOPS_ALWAYS or not (recorded and another_try):
        return Fate.STOP
    return Fate.LEAVE if happening in GOES_ON_IF_FOUND else Fate.ASK_AGAIN


@pytest.mark.parametrize("case", CASES, ids=shown)
def test_each_combination_is_decided_as_one_would_say_it(case: Case) -> None:
    assert decided(case).fate is wanted(case)


@pytest.mark.parametrize("case", CASES, ids=shown)
def test_one_row_decides_and_only_the_authors_wish_comes_before_another(case: Case) -> None:
    happening, recorded, another_try, cancel_on_kill = case
    fitting = [rule for rule in RULES if rule.fits(happening, recorded and another_try, cancel_on_kill)]
    assert fitting[0] is decided(case)
    assert len(fitting) == 1 or fitting[0] is RULES[0]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_row_is_reached_has_a_name_of_its_own_and_says_what_happens_to_the_money(rule: Rule) -> None:
    assert any(decided(case) is rule for case in CASES)
    assert [other.name for other in RULES].count(rule.name) == 1
    assert rule.money


MONEY = {
    Fate.STOP: "does not charge",
    Fate.LEAVE: "paid",
    Fate.WAIT_HERE: "paid once",
    Fate.ASK_AGAIN: "not decided",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rows_money_is_that_of_its_fate(rule: Rule) -> None:
    assert MONEY[rule.fate] in rule.money.lower()


@pytest.mark.parametrize("case", [case for case in CASES if not (case[1] and case[2])], ids=shown)
def test_what_no_try_finds_is_left_only_where_the_author_wants_it(case: Case) -> None:
    if decided(case).fate is Fate.LEAVE and case[0] not in NOT_OURS:
        assert not case[3]


def test_asking_again_comes_to_an_end() -> None:
    again = {case[0] for case in CASES if decided(case).fate is Fate.ASK_AGAIN}
    assert again == {Happening.NOT_ASKED}
    assert not again & {Happening.STILL_NOT_ASKED}
