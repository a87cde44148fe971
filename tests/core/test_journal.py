"""What is written down of a Run: it comes back as it was, or not at all; and what makes work the same."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wiro.core.journal import Identity, Record, idempotency_key, on_unknown_submission
from airflow_provider_wiro.core.work import digest, digests, fingerprint
from airflow_provider_wiro.exceptions import WiroInputError, WiroJournalError
from odd_payloads import anything
from records import BASE_URL, INPUTS, MODEL, identity, intent, of_0_1_0, submitted, work

many = settings(max_examples=300, deadline=None, derandomize=True, database=None)
RECORDS = {
    "intent": intent(),
    "submitted": submitted(),
    "mapped": intent(identity=identity(map_index=3)),
    "no inputs": submitted({}, stop_when_ended=False),
    "in a loop": submitted(identity=identity(execution="region-1")),
    "of version 1": of_0_1_0(intent()),
    "of version 1, submitted": of_0_1_0(intent()).submitted("2221", 5.0),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_comes_back_from_json_as_it_was(record: Record) -> None:
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_record_says_which_version_and_phase_it_is_of() -> None:
    assert (intent().to_json()["version"], intent().to_json()["phase"]) == (2, "intent")
    assert submitted().to_json()["phase"] == "submitted"
    assert of_0_1_0(intent()).to_json()["version"] == 1


def test_a_record_names_its_service_and_outside_of_loops_no_execution() -> None:
    kept = submitted().to_json()
    assert kept["base_url"] == BASE_URL
    assert "execution" not in str(kept["identity"])
    assert Record.from_json(kept).identity == Identity("videos", "manual__2026-01-01", "video", -1)
    looped = submitted(identity=identity(execution="region-1"))
    assert looped.identity != identity()
    assert Record.from_json(looped.to_json()).identity == looped.identity


def test_a_record_of_version_1_is_kept_as_version_1_has_kept_it() -> None:
    kept = of_0_1_0(intent()).to_json()
    assert "base_url" not in kept
    sample = json.loads((Path(__file__).parents[1] / "triggers/samples/0.1.0/journal.json").read_text())
    assert [Record.from_json(each).to_json() for each in sample] == sample
    assert set(kept) == set(sample[0])


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


def test_a_record_holds_digests_and_not_the_inputs_themselves() -> None:
    kept = json.dumps(intent({"prompt": "my private lighthouse"}).to_json())
    assert "lighthouse" not in kept


def test_a_later_version_may_add_fields() -> None:
    assert Record.from_json(submitted().to_json() | {"color": "red"}) == submitted()


def changed(**fields: Any) -> dict[str, object]:
    return submitted().to_json() | fields


UNREADABLE: dict[str, object] = {
    "null": None,
    "text": "2221",
    "a list": [submitted().to_json()],
    "nothing in it": {},
    "a newer version": changed(version=3),
    "a version that is a truth": changed(version=True),
    "no service in version 2": {name: value for name, value in changed().items() if name != "base_url"},
    "an empty service": changed(base_url=""),
    "an execution that is a number": changed(identity=dataclasses.asdict(identity()) | {"execution": 1}),
    "no version": {name: value for name, value in changed().items() if name != "version"},
    "a phase that is none": changed(phase="running"),
    "submitted without a taskid": changed(taskid=None),
    "submitted with Wiro's word for none": changed(taskid="0"),
    "an intent with a taskid": changed(phase="intent"),
    "an intent with a taskid that cannot be read": intent().to_json() | {"taskid": ["2221"]},
    "submitted at no time": changed(submitted_at=None),
    "at no time": changed(at="yesterday"),
    "at NaN": changed(at=math.nan),
    "at infinity": changed(at=math.inf),
    "at a number that is no time": changed(at=1e300),
    "at an integer that no float holds": changed(at=10**400),
    "submitted at NaN": changed(submitted_at=math.nan),
    "an identity that is text": changed(identity="videos"),
    "an identity without its parts": changed(identity={}),
    "a map_index that is infinite": changed(identity=dataclasses.asdict(identity()) | {"map_index": math.inf}),
    "a dag_id that is a number": changed(identity=dataclasses.asdict(identity()) | {"dag_id": 1}),
    "inputs that are a list": changed(inputs=[]),
    "digests that are numbers": changed(inputs={"prompt": 1}),
    "a fingerprint that is missing": {name: value for name, value in changed().items() if name != "fingerprint"},
    "a fingerprint that is a number": changed(fingerprint=1),
    "a model that is null": changed(model=None),
    "a connection that is null": changed(conn_id=None),
}


@pytest.mark.parametrize("kept", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_record_is_an_error_and_never_no_record(kept: object) -> None:
    with pytest.raises(WiroJournalError, match="no record of this version") as caught:
        Record.from_json(kept)
    assert caught.value.retryable
    assert str(caught.value).isprintable()


@many
@given(anything)
def test_nothing_is_taken_for_a_record_that_is_none(kept: object) -> None:
    with pytest.raises(WiroJournalError):
        Record.from_json(kept)


@many
@given(st.sampled_from(sorted(submitted().to_json())), anything)
def test_a_record_with_one_field_spoilt_is_read_whole_or_is_an_error(name: str, value: object) -> None:
    kept = submitted().to_json() | {name: value}
    try:
        record = Record.from_json(kept)
    except WiroJournalError:
        return
    assert record.taskid
    assert all(math.isfinite(time) for time in (record.at, record.submitted_at or 0.0))
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


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


@pytest.mark.parametrize("key", ["", "  ", "None", 5, ["ride"]])
def test_an_idempotency_key_that_is_rendered_to_nothing_is_refused(key: object) -> None:
    with pytest.raises(WiroInputError, match="idempotency_key is "):
        idempotency_key(key)


def test_an_idempotency_key_is_optional() -> None:
    assert (idempotency_key(None), idempotency_key("ride-1")) == (None, "ride-1")


def test_what_to_do_about_an_unknown_run_is_fail_or_submit() -> None:
    assert [on_unknown_submission(value) for value in ("fail", "submit")] == ["fail", "submit"]
    for other in ("retry", "", None, True):
        with pytest.raises(WiroInputError, match="on_unknown_submission is "):
            on_unknown_submission(other)


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
