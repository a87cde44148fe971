"""What makes work the same: by the fingerprint of each version of the record, and input by input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.refusal import _difference
from airflow_provider_wiro.core.work import digest, digests, fingerprint
from records import BASE_URL, INPUTS, MODEL, identity, of_0_1_0, work

many = settings(max_examples=300, deadline=None, derandomize=True, database=None)


SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"model": "google/veo3.1"}, {"model": "Google/veo3-1"}),
    ({"model": "wiro/Virtual Try-On"}, {"model": "wiro/virtual-try-on"}),
    ({"inputs": {"duration": 5}}, {"inputs": {"duration": "5"}}),
    ({"key": "ride"}, {"key": "ride", "model": "owner/another", "inputs": {}}),
    ({}, {"inputs": INPUTS | {"callbackUrl": "https://x.example"}}),
    ({}, {"base_url": "https://staging.example/v1"}),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=str)
def test_what_is_the_same_work_for_version_2(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert of(one).is_same_work(of(other))


def of(fields: dict[str, Any]) -> Record:
    return Record.of(work(**fields), identity(), at=1.0, conn_id="wiro_default")


OTHERS: list[dict[str, Any]] = [
    {"model": "owner/another"},
    {"inputs": {"prompt": "1.5"}},
    {"key": "ride"},
    {"key": "another", "inputs": {"prompt": "1.50"}},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_what_is_other_work_for_version_2(other: dict[str, Any]) -> None:
    assert not of({"inputs": {"prompt": "1.50"}}).is_same_work(of(other))


def test_a_record_is_compared_by_the_rule_of_the_version_that_wrote_it() -> None:
    old = of_0_1_0(of({"inputs": {"duration": 5}}))
    assert old.is_same_work(of({"inputs": {"duration": 5}}))
    assert not old.is_same_work(of({"inputs": {"duration": "5"}}))
    assert not old.is_same_work(of({"inputs": {"duration": 5}, "base_url": "https://staging.example/v1"}))
    assert old.renewed(of({"inputs": {"duration": 5}})) == of({"inputs": {"duration": 5}})
    assert old.renewed(of({"inputs": {"duration": 6}})) == old


BEFORE: dict[str, Any] = {"inputs": {"prompt": 16, "n": "5"}}
TEXT: dict[str, Any] = {"inputs": {"prompt": "0x10", "n": "5"}, "before": work(**BEFORE)}


@pytest.mark.parametrize("version", [1, 2])
def test_what_native_rendering_made_a_number_of_is_still_the_same_work(version: int) -> None:
    found = of_0_1_0(of(BEFORE)) if version == 1 else of(BEFORE)
    assert found.is_same_work(of(TEXT))
    assert not found.is_same_work(of({"inputs": TEXT["inputs"]}))
    assert not of(TEXT).is_same_work(of(BEFORE))


def test_a_record_of_0_1_0_keeps_the_spelling_in_which_its_work_was_sent() -> None:
    """By it the task of a lost submission is told from others, and it is Wiro that echoes it."""
    renewed = of_0_1_0(of(BEFORE)).renewed(of(TEXT))
    assert (renewed.inputs, renewed.loose) == (of(BEFORE).inputs, of(BEFORE).loose)
    assert renewed.fingerprint == of(TEXT).fingerprint


@pytest.mark.parametrize("inputs", [{"prompt": 16, "n": 6}, {"prompt": "0x10", "n": 6}])
def test_only_what_really_differs_is_named(inputs: dict[str, object]) -> None:
    assert _difference(of({"inputs": inputs}), of(TEXT)) == "its inputs were different (n)"


def test_the_same_work_has_the_same_fingerprint_whatever_the_order_of_its_inputs() -> None:
    backwards = dict(reversed(INPUTS.items()))
    assert list(backwards) != list(INPUTS)
    assert fingerprint(BASE_URL, MODEL, backwards, None) == fingerprint(BASE_URL, MODEL, INPUTS, None)


@pytest.mark.parametrize("name", ["callbackUrl", "projectid"])
def test_who_is_called_back_and_who_pays_is_not_the_work(name: str) -> None:
    other = INPUTS | {name: "https://x.example/1"}
    assert fingerprint(BASE_URL, MODEL, other, None) == fingerprint(BASE_URL, MODEL, INPUTS, None)
    assert digests(other) == digests(INPUTS)


CHANGED = [
    (BASE_URL, "owner/another", INPUTS),
    ("https://staging.example/v1", MODEL, INPUTS),
    *((BASE_URL, MODEL, INPUTS | {name: "other"}) for name in INPUTS),
    (BASE_URL, MODEL, INPUTS | {"style": "noir"}),
    (BASE_URL, MODEL, {name: value for name, value in INPUTS.items() if name != "seed"}),
    (BASE_URL, MODEL, {}),
]


@pytest.mark.parametrize(("base_url", "model", "inputs"), CHANGED, ids=str)
def test_changed_work_has_another_fingerprint(base_url: str, model: str, inputs: dict[str, object]) -> None:
    assert fingerprint(base_url, model, inputs, None) != fingerprint(BASE_URL, MODEL, INPUTS, None)


def test_an_idempotency_key_stands_for_model_and_inputs_but_not_for_the_service() -> None:
    prints = {
        fingerprint(BASE_URL, MODEL, {"inputImageUrl": f"https://x.example/?signature={n}"}, "ride") for n in "12"
    }
    assert prints == {fingerprint(BASE_URL, "owner/another", {}, "ride")}
    assert prints.isdisjoint({fingerprint("https://staging.example/v1", MODEL, {}, "ride")})
    assert prints.isdisjoint({fingerprint(BASE_URL, MODEL, {}, "another ride")})
    assert prints.isdisjoint({fingerprint(BASE_URL, MODEL, {"ride": "ride"}, None)})


@pytest.mark.parametrize(
    "ways",
    [
        (0, "0", 0.0, -0.0),
        (5, "5", 5.0),
        ("1.5", 1.5),
        (True, "true"),
        ({"a": [1, {"b": 2}], "c": None}, {"c": None, "a": [1, {"b": 2}]}),
        ({"a": 1, "b": 2}, '{"a": 1, "b": 2}'),
    ],
    ids=str,
)
def test_an_input_is_recognised_in_the_other_ways_to_write_it(ways: tuple[object, ...]) -> None:
    assert len({digest(way) for way in ways}) == 1


@pytest.mark.parametrize(
    "pair",
    [(0, 1), ("0", ""), (1, True), (0, False), ([0], ["0"]), ("a", "A"), ("a ", "a"), ({"a": 1}, {"a": 2}), (1.5, 1)],
    ids=str,
)
def test_other_inputs_have_other_digests(pair: tuple[object, object]) -> None:
    assert digest(pair[0]) != digest(pair[1])


@many
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=20))
def test_anything_that_wiro_may_echo_has_a_digest(value: object) -> None:
    assert len(digest(value)) == 32
