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

from airflow_provider_wiro.core.fields import idempotency_key, on_unknown_submission
from airflow_provider_wiro.core.forgetting import forget
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.exceptions import WiroInputError, WiroJournalError
from odd_payloads import anything
from records import BASE_URL, identity, intent, of_0_1_0, submitted

many = settings(max_examples=300, deadline=None, derandomize=True, database=None)
FILE = Landed("s3://media/7/0.mp4", "0.mp4", 9, "cd" * 32, "video/mp4", "https://cdn.wiro.ai/0.mp4")
RECORDS = {
    "intent": intent(),
    "submitted": submitted(),
    "mapped": intent(identity=identity(map_index=3)),
    "no inputs": submitted({}, stop_when_ended=False),
    "in a loop": submitted(identity=identity(execution="region-1")),
    "uploaded": dataclasses.replace(intent(), sent=False, uploads={"ab" * 32: "https://cdn.wiro.ai/1.png"}),
    "landed": dataclasses.replace(submitted(), landed=(FILE, dataclasses.replace(FILE, url=None, content_type=None))),
    "landed, and deleted at Wiro": dataclasses.replace(submitted(), landed=(FILE,), deleted=True),
    "landed with no files": dataclasses.replace(submitted(), landed=()),
    "of version 1": of_0_1_0(intent()),
    "of version 1, submitted": of_0_1_0(intent()).submitted("2221", 5.0),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_comes_back_from_json_as_it_was(record: Record) -> None:
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_a_record_says_which_version_and_phase_it_is_of() -> None:
    assert (intent().to_json()["version"], intent().to_json()["phase"]) == (2, "intent")
    assert submitted().to_json()["phase"] == "submitted"
    assert dataclasses.replace(intent(), sent=False).to_json()["phase"] == "uploaded"
    assert dataclasses.replace(submitted(), landed=()).to_json()["phase"] == "landed"
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
    "landed, without its files": changed(phase="landed"),
    "submitted, with files": changed(landed=[FILE.to_json()]),
    "uploaded, with a taskid": changed(phase="uploaded"),
    "files that are no list": changed(phase="landed", landed={}),
    "a file that is none": changed(phase="landed", landed=["0.mp4"]),
    "a file without its size": changed(phase="landed", landed=[FILE.to_json() | {"size": None}]),
    "a size that is a truth": changed(phase="landed", landed=[FILE.to_json() | {"size": True}]),
    "uploads that are a list": changed(uploads=[]),
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
    ("fields", "typed"),
    [
        ({}, "videos manual__2026-01-01 video"),
        ({"map_index": 3}, "videos manual__2026-01-01 video --map-index 3"),
        ({"run_id": "by hand; rm"}, "videos 'by hand; rm' video"),
        ({"execution": "r1"}, "videos manual__2026-01-01 video --execution r1"),
    ],
)
def test_how_to_forget_names_the_whole_command(fields: dict[str, Any], typed: str) -> None:
    first, _ = forget("the key wiro_journal", identity(**fields))
    assert f"(the key wiro_journal) with\n   python -m airflow_provider_wiro journal forget {typed}\n" in first
