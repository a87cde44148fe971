"""Whether Task/List is read, how far back, and what its rows are worth."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_wiro.core.lookout import (
    ABREAST,
    FIRST_REST,
    GOOD_PAGES,
    LONGEST_REST,
    MOST_PAGES,
    PROOF,
    TIMEOUT,
    WORTH,
    WRONG,
    Book,
    Reading,
    running,
)
from airflow_provider_wiro.core.protocol import Reply
from airflow_provider_wiro.core.search import PAGE
from airflow_provider_wiro.core.task import KNOWN, RUNNING, TERMINAL, Task
from fake_driver import START, UNANSWERED, UNSENT, Outcome, page, refusal, reply, row


def task(status: str) -> Task:
    made = Task.from_payload(row(status))
    assert made is not None
    return made


def proven() -> Book:
    book = Book()
    for _ in range(PROOF):
        assert not book.proven
        book.compare("task_start", task("task_start"))
    return book


def listing(count: int, created: float = START) -> Reply:
    rows = [{"id": str(number), "status": "task_start", "createtime": str(int(created))} for number in range(count)]
    return reply({"result": True, "errors": [], "tasklist": rows})


def test_a_list_is_believed_once_enough_of_its_rows_are_confirmed() -> None:
    assert proven().proven


@pytest.mark.parametrize(("wrong", "believed"), [(4, True), (5, False)])
def test_a_list_of_which_too_many_rows_are_not_confirmed_is_not_read_again(wrong: int, believed: bool) -> None:
    book = Book()
    for number in range(PROOF):
        book.compare("task_queue" if number < wrong else "task_start", task("task_start"))
    assert (book.proven, book.usable) == (believed, believed)


@pytest.mark.parametrize(("said", "shown"), [("task_start", "task_cancel"), ("task_cancel", "task_start")])
def test_a_list_that_hides_or_invents_ends_is_not_read_again(said: str, shown: str) -> None:
    book = proven()
    for _ in range(WRONG):
        assert book.usable
        book.compare(said, task(shown))
    assert not book.usable


def test_ends_that_it_has_shown_speak_for_it() -> None:
    book = proven()
    for _ in range(20):
        book.compare("task_cancel", task("task_cancel"))
        book.compare("task_error", task("task_error"))
    for _ in range(20):
        book.compare("task_start", task("task_postprocess_end"))
    assert book.usable


@pytest.mark.parametrize(
    ("outcome", "usable"),
    [
        (page(404), False),
        (page(403), False),
        (refusal(0, "no such endpoint"), False),
        (refusal(98, "sign in"), True),
        (refusal(1, "no", status=401), True),
        (page(429), True),
        (page(502), True),
        (page(200), True),
        (UNANSWERED, True),
    ],
)
def test_a_list_that_is_refused_is_not_read_again(outcome: Outcome, usable: bool) -> None:
    book = proven()
    reading = Reading(book, 50, 50, START)
    assert reading.next_page() is not None
    assert reading.rows_of(outcome) == []
    assert reading.next_page() is None
    assert book.usable is usable


@pytest.mark.parametrize(("outcome", "rows"), [(UNANSWERED, 50), (page(503), 50), (page(429), 100)])
def test_after_a_page_that_was_too_long_or_too_slow_the_next_one_is_smaller(outcome: Outcome, rows: int) -> None:
    book = proven()
    Reading(book, 50, 50, START).rows_of(outcome)
    assert book.rows == rows


def test_pages_become_as_long_again_as_they_were() -> None:
    book = proven()
    for _ in range(2):
        Reading(book, 50, 50, START).rows_of(page(503))
    small = Reading(book, 50, 50, START)
    assert book.rows == 25
    for rows in (50, PAGE):
        for _ in range(4 * GOOD_PAGES - 1):
            small.rows_of(listing(25))
        assert book.rows == rows // 2
        small.rows_of(listing(25))
        assert book.rows == rows
    for _ in range(4 * GOOD_PAGES):  # all is well for as long again
        small.rows_of(listing(25))
    Reading(book, 50, 50, START).rows_of(page(503))
    for _ in range(4 * GOOD_PAGES):
        small.rows_of(listing(25))
    assert book.rows == PAGE


def test_pages_that_are_always_too_long_are_tried_ever_more_seldom() -> None:
    book, tried = proven(), 0
    for _ in range(5_000):
        reading = Reading(book, 50, 50, START)
        tried += book.rows > 50
        reading.rows_of(page(503) if book.rows > 50 else listing(50))
    assert tried < 10


def test_pages_that_were_on_their_way_together_make_the_next_ones_smaller_once() -> None:
    book = proven()
    reading = Reading(book, 500, 500, START)
    for _ in range(ABREAST):
        reading.rows_of(page(503))
    assert book.rows == 50


def test_where_nothing_was_sent_the_pages_stay_as_long() -> None:
    book = proven()
    Reading(book, 50, 50, START).rows_of(UNSENT)
    assert book.rows == PAGE


@pytest.mark.parametrize("outcome", [UNSENT, UNANSWERED, page(503), page(429)])
def test_one_page_that_fails_costs_a_rest_and_no_more(outcome: Outcome) -> None:
    book = proven()
    for _ in range(20):
        book.over(pages=1, found=60, named=60)
    reading = Reading(book, 60, 60, START)
    reading.next_page()
    reading.rows_of(outcome)
    reading.close()
    for _ in range(FIRST_REST):
        assert not book.is_worth(60, 60)
        book.detail_asked()
    assert book.is_worth(60, 60)


def test_it_is_read_where_it_answers_more_looks_than_a_page_costs() -> None:
    book = proven()
    assert not book.is_worth(WORTH - 1, 1000)
    assert book.is_worth(WORTH, 1000)  # nothing is known yet
    book.over(pages=10, found=900, named=1000)
    assert not book.is_worth(79, 1000)
    assert book.is_worth(80, 1000)
    for _ in range(LONGEST_REST):
        book.detail_asked()
    assert book.is_worth(WORTH, 1000)  # who knows


def test_where_it_has_answered_too_little_it_is_left_alone_for_longer_each_time() -> None:
    book, rests = proven(), []
    for _ in range(8):
        book.over(pages=1, found=1, named=20)
        rests.append(0)
        while not book.is_worth(1000, 1000):
            book.detail_asked()
            rests[-1] += 1
    assert rests == [200, 400, 800, 1600, 3200, 6400, 6400, 6400]
    for _ in range(3):
        book.over(pages=3, found=300, named=300)
    assert book.is_worth(1000, 1000)
    for _ in range(30):
        book.over(pages=1, found=0, named=20)
        if not book.is_worth(1000, 1000):
            break
    rest = 0
    while not book.is_worth(1000, 1000):
        book.detail_asked()
        rest += 1
    assert rest == FIRST_REST


def test_what_a_reading_has_shown_that_was_not_worth_it_is_forgotten_after_the_rest() -> None:
    book = proven()
    book.over(pages=1, found=0, named=0)
    for _ in range(FIRST_REST - 1):
        book.detail_asked()
    assert not book.is_worth(1000, 1000)
    book.detail_asked()
    assert book.is_worth(WORTH, 1000)
    assert not book.is_worth(WORTH - 1, 1000)


def asked_pages(reading: Reading) -> list[int]:
    pages = []
    while (step := reading.next_page()) is not None:
        assert (step.path, step.timeout) == ("/Task/List", TIMEOUT)
        assert step.body == {
            "type": "model", "sort": "id", "order": "DESC", "start": step.body["start"], "limit": "100",
        }  # fmt: skip
        pages.append(int(str(step.body["start"])))
    return pages


def test_as_many_pages_are_on_their_way_as_will_surely_be_needed() -> None:
    assert asked_pages(Reading(proven(), 100, 10_000, START)) == [0]
    assert asked_pages(Reading(proven(), 101, 10_000, START)) == [0, 100]
    assert asked_pages(Reading(proven(), 10_000, 10_000, START)) == [start * 100 for start in range(ABREAST)]
    assert asked_pages(Reading(Book(), 10_000, 10_000, START)) == [0]


@pytest.mark.parametrize(("density", "pages"), [(100, 100), (50, 200), (10, MOST_PAGES)])
def test_how_many_pages_name_all_is_known_from_the_last_reading(density: int, pages: int) -> None:
    book = proven()
    assert book.pages(10_000) == 1  # nothing is known yet
    book.over(pages=10, found=900, named=10 * density)
    assert book.pages(10_000) == pages


@pytest.mark.parametrize(
    ("outcome", "found", "more", "complete"),
    [
        (listing(100), 50, True, False),
        (listing(100), 0, True, False),  # the others are due
        (listing(100), 150, True, False),
        (listing(100), 151, False, False),  # 35 of 900 are due: fewer than four on a page
        (listing(99), 50, False, True),
        (listing(100, START - 301), 50, False, True),
        (listing(100, START - 299), 50, True, False),
        (listing(0), 0, False, True),
    ],
)
def test_a_reading_goes_on_while_it_is_worth_it_and_to_the_oldest(
    outcome: Reply, found: int, more: bool, complete: bool
) -> None:
    reading = Reading(proven(), 186, 1000, START)
    reading.next_page()
    reading.rows_of(outcome)
    reading.answered(found, 100)
    assert bool(asked_pages(reading)) is more
    assert reading.complete is complete


@pytest.mark.parametrize(("named", "more"), [(WORTH, True), (3, False)])
def test_it_ends_where_a_page_names_few_of_those_that_wait(named: int, more: bool) -> None:
    reading = Reading(proven(), 1000, 1000, START)
    reading.next_page()
    reading.rows_of(listing(100))
    reading.answered(named, named)
    assert bool(asked_pages(reading)) is more


def test_it_ends_where_all_are_named_though_not_all_are_answered() -> None:
    reading = Reading(proven(), 100, 50, START)
    reading.next_page()
    reading.rows_of(listing(100))
    reading.answered(50, 50)
    assert asked_pages(reading) == []


def test_only_a_plain_running_status_is_taken_from_a_row() -> None:
    assert KNOWN - TERMINAL - {"task_error", "task_stream_ready"} == RUNNING
    for status in RUNNING:
        assert repr(running("2221", row(status))) == repr(task(status))


odd: list[Any] = [None, 5, "", "task_napping", ["task_start"], {}, " task_start", "TASK_START", True]


@pytest.mark.parametrize("status", [*sorted(TERMINAL), "task_error", "task_stream_ready", *odd], ids=repr)
def test_whatever_else_a_row_says_detail_is_asked(status: object) -> None:
    assert running("2221", row(status)) is None
    assert running("2221", {}) is None
