"""Wiro dates a task by its own clock: what may be older than the lost submission is a person's case."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

import pytest

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.protocol import Reply, Send
from airflow_provider_wiro.core.recalled import Attach, Decision, Fresh
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown
from fake_driver import START, Outcome, page
from listing import BEFORE, OTHER, absent, listed, listing, unknown
from records import identity, intent, submitted
from recovering import Script, recovered, refused


def attached(created: float) -> Decision:
    return Attach(intent().submitted("2221", START + created))


@pytest.mark.parametrize("created", [-1, 0, 1, 1200], ids=str)
def test_the_only_match_of_the_time_of_the_submission_is_its_own(created: float) -> None:
    decision, _ = recovered(listing(listed(created=START + created), BEFORE), intent())
    assert decision == attached(created)


@pytest.mark.parametrize("created", [-300, -60, -5, -2], ids=str)
def test_the_only_match_may_be_somebody_elses_if_it_is_older_than_the_submission(created: float) -> None:
    error, _ = unknown(listing(listed(created=START + created), BEFORE))
    assert "task 2221 has the same inputs, but it may be older than the submission" in str(error)


def test_the_only_match_may_be_somebody_elses_if_it_came_later_than_the_submission_can_have() -> None:
    error, _ = unknown(listing(listed(created=START + 1201), BEFORE))
    assert "it may be one of these: 2221" in str(error)


@pytest.mark.parametrize("created", [-301, 1501], ids=str)
def test_what_is_of_another_time_is_no_matter(created: float) -> None:
    absent(listing(listed(created=START + created), BEFORE))


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.4, 0.41, 0.6, 0.99])
def test_an_identical_one_of_1_4_seconds_before_is_never_taken(fraction: float) -> None:
    found = intent(at=START + fraction)
    rows = listing(listed(created=int(START + fraction - 1.4)), BEFORE)
    error, _ = refused(WiroSubmissionUnknown, rows, found)
    assert "older than the submission" in str(error)


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.5, 0.99])
@pytest.mark.parametrize("skew", [-0.3, 0.0, 0.3])
def test_clocks_that_are_kept_right_are_no_reason_to_doubt(fraction: float, skew: float) -> None:
    found = intent(at=START + fraction)
    decision, _ = recovered(listing(listed(created=int(START + fraction + 0.05 + skew)), BEFORE), found)
    assert isinstance(decision, Attach)


def other(skew: float, *, map_index: int = 1, at: float = START - 600, taskid: str = "2000") -> tuple[Record, Any]:
    """Return the record of another task instance, and its row where Wiro's clock is ahead by *skew*."""
    record = replace(
        submitted(OTHER, taskid=taskid, at=at), identity=identity(map_index=map_index), submitted_at=at + 0.3
    )
    return record, listed(taskid, created=at + 0.2 + skew, parameters=OTHER)


def test_where_others_show_that_wiro_is_ahead_a_match_that_may_be_older_is_not_taken() -> None:
    record, shown = other(60, at=START - 20)
    error, _ = unknown(listing(listed(created=START + 5), shown, BEFORE), others=[record])
    assert "older than the submission; Wiro's clock may be 61 s ahead" in str(error)
    decision, _ = recovered(listing(listed(created=START + 60), shown, BEFORE), intent(), others=[record])
    assert decision == attached(60)


def test_that_others_show_wiro_behind_makes_no_match_certain_for_the_workers_clocks_may_differ_too() -> None:
    record, shown = other(-7, at=START - 20)
    rows = listing(listed(created=START - 7), shown, BEFORE)
    unknown(rows, others=[record])
    unknown(rows, others=[])


@pytest.mark.parametrize("skew", [0.0, 5.0])
def test_each_measure_more_can_only_make_a_match_less_certain(skew: float) -> None:
    (one, its), (two, others) = other(-7, at=START - 20), other(skew, map_index=2, at=START - 10, taskid="2001")
    unknown(listing(listed(created=START - 7), its, others, BEFORE), others=[one, two])


def test_a_record_of_another_service_measures_nothing() -> None:
    record, shown = other(-7, at=START - 20)
    elsewhere = replace(record, base_url="https://staging.example/v1")
    unknown(listing(listed(created=START - 7), shown, BEFORE), others=[elsewhere])


def dated(script: Callable[[Send, float], Outcome], ahead: float) -> Script:
    """Answer with a ``Date`` that is ahead of the worker's clock."""

    def answer(step: Send, age: float) -> Outcome:
        outcome = script(step, age)
        date = formatdate(int(START + age + ahead), usegmt=True)
        return replace(outcome, date_header=date) if isinstance(outcome, Reply) else outcome

    return answer


def test_where_the_date_of_the_answers_shows_that_wiro_is_ahead_a_match_that_may_be_older_is_not_taken() -> None:
    error, _ = unknown(dated(listing(listed(created=START + 5), BEFORE), 60))
    assert "older than the submission; Wiro's clock may be 61 s ahead" in str(error)


@pytest.mark.parametrize("skew", [-0.3, 0.0, 0.3])
@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 0.75])
def test_the_date_of_a_clock_that_is_kept_right_is_no_reason_to_doubt(skew: float, fraction: float) -> None:
    found = intent(at=START + fraction)
    rows = listing(listed(created=int(START + fraction + 0.05 + skew)), BEFORE)
    for late in (40.0, 40.3, 40.6, 40.9):
        assert isinstance(recovered(dated(rows, skew), found, late=late)[0], Attach)


@pytest.mark.parametrize("ahead", [-60, -7, -1, 0, 1])
def test_the_date_alone_never_makes_a_match_certain(ahead: float) -> None:
    unknown(dated(listing(listed(created=START - 7), BEFORE), ahead))


@pytest.mark.parametrize("created", [3590.0, 3605.0, 4000.0])
def test_where_wiro_is_an_hour_ahead_the_lost_one_is_not_taken_for_one_of_another_time(created: float) -> None:
    rows, (record, shown) = [listed(created=START + created), BEFORE], other(3600, at=START - 20)
    searches: list[tuple[Script, list[Record]]] = [
        (dated(listing(*rows), 3600), []),
        (listing(rows[0], shown, rows[1]), [record]),
    ]
    for script, others in searches:
        if created < 3600:
            unknown(script, others=others)
        else:
            assert recovered(script, intent(), others=others)[0] == attached(created)


def test_where_wiro_is_an_hour_ahead_another_intent_may_still_own_the_only_match() -> None:
    sibling = intent(at=START - 5, identity=identity(task_id="sibling"))
    error, _ = unknown(dated(listing(listed(created=START + 3605), BEFORE), 3600), others=[sibling])
    assert "may belong to videos" in str(error)


def test_two_identical_ones_are_a_persons_case_whatever_the_clocks() -> None:
    record, shown = other(-7, at=START - 20)
    error, _ = unknown(
        listing(listed("2222", created=START - 6), listed(created=START - 9), shown, BEFORE), others=[record]
    )
    said = r"2 tasks of that time have the same inputs: 2222 \(\d\d:\d\d:\d\d UTC\), 2221 \(\d\d:\d\d:\d\d UTC\)"
    assert re.search(said, str(error))


# The pauses of a search.


@pytest.mark.parametrize("late", [0.0, 10.0, 29.0])
def test_a_search_soon_after_the_intent_begins_when_wiro_must_show_the_task(late: float) -> None:
    decision, driver = recovered(listing(listed(), BEFORE), intent(), late=late)
    assert isinstance(decision, Attach)
    assert driver.slept == [30.0 - late]


def test_an_intent_of_a_clock_that_is_hours_ahead_is_a_persons_case_at_once() -> None:
    error, driver = unknown(listing(listed(), BEFORE), late=-7200.0, deadline=START - 7140)
    assert "its record is dated 7200 s later than the clock of this worker" in str(error)
    assert (driver.slept, driver.calls) == ([], [])


@pytest.mark.parametrize("late", [-29.0, -5.0, 0.0, 20.0])
@pytest.mark.parametrize("left", [0.0, 1.0, 9.0])
def test_a_search_never_sleeps_past_its_deadline(late: float, left: float) -> None:
    error, driver = unknown(listing(listed(), BEFORE), late=late, deadline=START + late + left)
    assert "no time left" in str(error)
    assert sum(driver.slept) <= left
    assert driver.calls == []


def test_a_pause_of_more_than_some_seconds_stands_in_the_log() -> None:
    _, driver = recovered(listing(listed(), BEFORE), intent(), late=1.0)
    assert driver.log[0] == "looking for the lost submission in 29 s, when Wiro must show its task"


def test_a_list_that_fails_is_not_asked_for_again_after_the_deadline() -> None:
    error, driver = refused(WiroSubmissionUnknown, lambda *_: page(502), intent(), deadline=START + 3603)
    assert "Task/List brought no good answer" in str(error)
    assert driver.slept == [1.0]


def test_nothing_accepted_needs_a_second_look_with_time_in_between() -> None:
    driver = absent(listing(BEFORE))
    assert (driver.calls, driver.slept) == (["List", "List"], [30.0])
    assert [("modelName" in step.body) for step in driver.sent] == [True, False]
    error, driver = unknown(listing(BEFORE), deadline=START + 3610)
    assert "there was no time left to make sure" in str(error)
    assert sum(driver.slept) <= 10


def test_what_the_filter_by_model_hides_is_found_all_the_same() -> None:
    whole = listing(listed(), BEFORE)
    decision, _ = recovered(
        lambda step, age: listing()(step, age) if "modelName" in step.body else whole(step, age), intent()
    )
    assert decision == attached(0)


def test_pages_of_one_row_do_not_cost_thousands_of_requests() -> None:
    rows = [listed(str(20_000 - n), created=START + 5, parameters=OTHER) for n in range(10_100)]
    error, driver = unknown(listing(*rows, most=1))
    assert "does not reach back far enough within 10000 tasks and 200 pages" in str(error)
    assert len(driver.calls) == 200


def test_submitting_all_the_same_is_no_proof_that_nothing_was_accepted() -> None:
    decision, _ = recovered(listing(listed("2222"), listed(), BEFORE), intent(), on_unknown="submit")
    assert decision == Fresh(nothing_accepted=False)


DATES: list[tuple[str | None, float | None]] = [
    ("Wed, 18 Dec 2024 09:23:27 GMT", START),
    ("Wed, 18 Dec 2024 10:23:27 +0100", START),
    (None, None),
    ("", None),
    ("soon", None),
    ("Wed, 99 Dec 2024 09:23:27 GMT", None),
    ("1" * 500, None),
]


@pytest.mark.parametrize(("header", "date"), DATES, ids=str)
def test_the_date_of_an_answer_is_read_or_is_none(header: str | None, date: float | None) -> None:
    assert Reply.from_http(200, b"{}", date=header).date == date
