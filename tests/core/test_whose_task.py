"""Whose a listed task is: equal is equal, and what stands in the records of others is theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.recalled import Attach
from airflow_provider_wiro.exceptions import WiroJournalError, WiroSubmissionUnknown
from fake_driver import START
from listing import BEFORE, OTHER, absent, listed, listing, unknown
from records import INPUTS, identity, intent, of_0_1_0, submitted
from recovering import recovered, refused

PROMPT: dict[str, object] = {"prompt": "x"}
RUNWAY = {"modelslugowner": "runway", "modelslugproject": "image-to-video-gen4-turbo"}
IMAGE: dict[str, object] = INPUTS | {"inputImageUrl": "https://x.example/lighthouse.jpg"}


def is_adopted(row: Any, found: Record, **options: Any) -> bool:
    decision, _ = recovered(listing(row, BEFORE), found, found, **options)
    assert isinstance(decision, Attach)
    return decision.record == found.submitted("2221", START)


EXTRAS: dict[str, dict[str, object]] = {
    "others of the same model": {"ratio": "720:1280", "seed": 99},
    "one more that nobody knows": {"style": "noir"},
    "one more that is empty": {"style": ""},
    "a default with another value": {"duration": "10"},
}


@pytest.mark.parametrize("extra", EXTRAS.values(), ids=EXTRAS)
def test_a_task_with_more_inputs_is_not_the_lost_one(extra: dict[str, object]) -> None:
    error, _ = unknown(listing(listed(parameters=PROMPT | extra), BEFORE), intent(PROMPT))
    assert "no task of that time has exactly its inputs, but it may be one of these: 2221" in str(error)


def test_a_task_with_more_inputs_does_not_hide_the_lost_one() -> None:
    rows = [listed("2222", parameters=PROMPT | {"seed": 99}), listed(parameters=PROMPT), BEFORE]
    decision, _ = recovered(listing(*rows), intent(PROMPT), intent(PROMPT))
    assert decision == Attach(intent(PROMPT).submitted("2221", START))


DEFAULTS: list[dict[str, object]] = [
    {"ratio": "1280:720", "duration": 5, "contentModeration": "auto", "seed": "0"},
    {"callbackUrl": "https://x.example", "projectid": "699"},
    {},
]


@pytest.mark.parametrize("extra", DEFAULTS, ids=str)
def test_the_defaults_that_the_model_is_known_to_take_are_no_difference(extra: dict[str, object]) -> None:
    assert is_adopted(listed(parameters=PROMPT | extra), intent(PROMPT))


def test_the_defaults_of_one_model_are_not_those_of_another() -> None:
    found = replace(intent(PROMPT), model="owner/any-model")
    error, _ = refused(WiroSubmissionUnknown, listing(listed(parameters=PROMPT | {"seed": "0"}), BEFORE), found)
    assert "may be one of these: 2221" in str(error)


OUR_MODEL: list[dict[str, object]] = [
    RUNWAY,
    {"modelslugowner": "Runway", "modelslugproject": "Image to Video.gen4 turbo"},
    {"modelslugowner": "Runway"},
    {"modelslugproject": None, "modelslugowner": ""},
]


@pytest.mark.parametrize("shown", OUR_MODEL, ids=str)
def test_the_model_is_compared_as_wiro_compares_it(shown: dict[str, object]) -> None:
    assert is_adopted(listed(**shown), intent())


OTHER_MODEL: list[dict[str, object]] = [
    {"modelslugowner": "runway", "modelslugproject": "image-to-video-gen3"},
    {"modelslugowner": "somebody", "modelslugproject": "image-to-video-gen4-turbo"},
    {"modelslugproject": "image-to-video-gen3"},
]


@pytest.mark.parametrize("shown", OTHER_MODEL, ids=str)
def test_a_task_of_another_model_is_no_matter(shown: dict[str, object]) -> None:
    absent(listing(listed(**shown), BEFORE))
    decision, _ = recovered(listing(listed("2222", parameters={}, **shown), listed(), BEFORE), intent())
    assert decision == Attach(intent().submitted("2221", START))


def test_a_url_that_wiro_has_rewritten_is_not_equal_and_no_proof_of_the_contrary_either() -> None:
    row = listed(parameters=IMAGE | {"inputImageUrl": "https://cdn1.wiro.ai/1/lighthouse.jpg"})
    error, _ = unknown(listing(row, BEFORE), intent(IMAGE))
    assert "may be one of these: 2221" in str(error)


SURELY_OTHERS: list[dict[str, object]] = [{"prompt": "A windmill"}, {"duration": "10"}]


@pytest.mark.parametrize("differing", SURELY_OTHERS, ids=str)
@pytest.mark.parametrize("map_index", [-1, 3])
def test_where_no_task_of_that_time_can_be_it_nothing_was_accepted(
    differing: dict[str, object], map_index: int
) -> None:
    found = intent(identity=identity(map_index=map_index))
    absent(listing(listed(parameters=INPUTS | differing), BEFORE), found, others=None)
    absent(listing(BEFORE), found, others=None)
    absent(listing(), found)


NOT_SURELY_OTHERS: list[dict[str, object]] = [
    {"prompt": "A lighthouse "},
    {"prompt": ""},
    {"prompt": None},
    {"prompt": ["A lighthouse"]},
    {"prompt": "https://cdn1.wiro.ai/prompt.txt"},
    {"seed": "0.000"},
    {"seed": 7},  # the one that it has drawn
    {"prompt": "a  Lighthouse\r\n"},
    {"seed": False},
]


SENT_AND_SHOWN: list[tuple[object, object]] = [
    ("1.50", 1.5),
    ("1.50", "1.5"),
    ("5.0", "5"),
    ("caf\u00e9", "cafe\u0301"),
    ("cafe\u0301", "caf\u00e9"),
    ("a < b", "a &lt; b"),
    ("one\ntwo", "one\r\ntwo"),
]


@pytest.mark.parametrize(("sent", "shown"), SENT_AND_SHOWN, ids=str)
def test_what_was_written_another_way_when_it_was_sent_may_be_it(sent: object, shown: object) -> None:
    found = intent({"prompt": sent})
    unknown(listing(listed(parameters={"prompt": shown}), BEFORE), found)


@pytest.mark.parametrize("shown", ["nan", "inf", 10**400, 1e308, float("1e-9")], ids=str)
def test_numbers_that_are_none_do_no_harm(shown: object) -> None:
    absent(listing(listed(parameters={"prompt": shown}), BEFORE), intent({"prompt": "x"}))


@pytest.mark.parametrize("written", NOT_SURELY_OTHERS, ids=str)
def test_what_wiro_may_have_written_another_way_may_be_it(written: dict[str, object]) -> None:
    unknown(listing(listed(parameters=INPUTS | written), BEFORE))


# The records of others.


def of_another(**fields: Any) -> Record:
    return replace(submitted(taskid="2221"), identity=identity(task_id="sibling"), **fields)


def test_a_task_that_stands_in_another_record_is_never_adopted() -> None:
    absent(listing(listed(), BEFORE), others=[of_another()])
    absent(listing(listed(), BEFORE), others=[of_another(taskid="2230", earlier=("2221",))])


SPELLINGS = ["https://API.wiro.ai/v1", "https://api.wiro.ai:443/v1"]


@pytest.mark.parametrize("base_url", SPELLINGS)
def test_the_base_url_of_the_record_of_another_may_be_spelled_otherwise(base_url: str) -> None:
    other = submitted(identity=identity(task_id="another"), base_url=base_url)
    absent(listing(listed(), BEFORE), others=[other])
    unknown(listing(listed(), BEFORE), others=[replace(other, taskid=None, submitted_at=None)])


def test_what_another_one_had_before_the_submission_it_has_lost_is_its_own_too() -> None:
    lost = intent(OTHER, at=START + 1000, identity=identity(task_id="another"), earlier=("2221",))
    absent(listing(listed(), BEFORE), others=[lost])
    unsaid = replace(lost, base_url=None)
    error, _ = unknown(listing(listed(), BEFORE), others=[unsaid])
    assert "may belong to videos" in str(error)


def test_the_lost_one_is_found_by_elimination() -> None:
    rows = listing(listed("2222"), listed(), BEFORE)
    decision, _ = recovered(rows, intent(), others=[of_another(submitted_at=START + 0.9, at=START)])
    assert decision == Attach(intent().submitted("2222", START))
    unknown(rows, others=[])


def test_a_mapped_task_is_found_where_the_records_of_its_siblings_can_be_listed() -> None:
    found = intent(identity=identity(map_index=0))
    sibling = replace(submitted(taskid="2222"), identity=identity(map_index=1))
    decision, _ = recovered(listing(listed("2222"), listed(), BEFORE), found, others=[sibling])
    assert decision == Attach(found.submitted("2221", START))


UNCLEAR: dict[str, Any] = {
    "an intent of the same inputs": replace(intent(), identity=identity(task_id="sibling")),
    "a record that does not say of which service it is": of_0_1_0(replace(of_another(), work=intent().work)),
}


@pytest.mark.parametrize("other", UNCLEAR.values(), ids=UNCLEAR)
def test_what_may_be_somebody_elses_is_a_persons_case(other: Record) -> None:
    error, _ = unknown(listing(listed(), BEFORE), others=[other])
    assert "2221, may belong to videos, manual__2026-01-01, sibling, -1" in str(error)


def test_a_record_that_cannot_be_read_may_be_the_owners() -> None:
    error, _ = unknown(listing(listed(), BEFORE), others=[WiroJournalError("no")])
    assert "may belong to a task whose record cannot be read" in str(error)


NO_MATTER: dict[str, Record] = {
    "the same taskid at another service": of_another(base_url="https://staging.example/v1"),
    "an intent of other inputs": replace(intent({"prompt": "A windmill"}), identity=identity(task_id="sibling")),
    "an intent of another day": replace(intent(at=START - 86400), identity=identity(task_id="sibling")),
}


@pytest.mark.parametrize("other", NO_MATTER.values(), ids=NO_MATTER)
def test_the_record_of_another_that_cannot_own_it_is_no_matter(other: Record) -> None:
    assert is_adopted(listed(), intent(), others=[other])


def test_where_the_records_of_others_cannot_be_listed_a_doubt_says_so() -> None:
    error, _ = unknown(listing(listed("2222"), listed(), BEFORE), others=None)
    assert "the records of other tasks cannot be looked at from here" in str(error)
    assert "[wiro] journal_path" in str(error)
    _, driver = recovered(listing(listed(), BEFORE), intent(), others=None)
    assert "the records of other tasks cannot be looked at from here" in driver.warnings[0]
    assert is_adopted(listed(), intent(), others=None)


@pytest.mark.parametrize("sent", [True, False])
def test_a_sibling_that_has_only_uploaded_owns_none_of_the_tasks(sent: bool) -> None:
    sibling = intent(PROMPT, identity=identity(task_id="sibling"), sent=sent)
    if sent:
        error, _ = unknown(listing(listed(parameters=PROMPT), BEFORE), intent(PROMPT), others=[sibling])
        assert "is or may be that of videos" in str(error)
        return
    assert is_adopted(listed(parameters=PROMPT), intent(PROMPT), others=[sibling])


def test_what_wiro_shows_instead_of_a_file_proves_no_other_task() -> None:
    """The fields of a file are not among those by which a task surely is another one."""
    sent: dict[str, object] = PROMPT | {"image": "", "imageUrl": "https://cdn.wiro.ai/1.png"}
    lost = replace(intent(PROMPT), inputs=intent(sent).inputs)
    for shown in ("image-3.png", "https://cdn.wiro.ai/2.png", ["https://cdn.wiro.ai/2.png"], ""):
        unknown(listing(listed(parameters=PROMPT | {"image": shown, "imageUrl": shown}), BEFORE), lost)
