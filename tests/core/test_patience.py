"""Waiting for a task: when it loses patience, and what it does then."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import NoReply, Send
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.exceptions import WiroWrongService
from fake_driver import DONE, NOT_FOUND, START, UNANSWERED, UNSENT, FakeDriver, Outcome, page, refusal, reply, shown

REFUSED = refusal(1, "not in a state for this call")
RUNNING = shown("task_start")
KILLED = shown("task_cancel")
ERROR = shown("task_error", debugerror="CUDA error")
THROTTLED = reply({}, 429, "300")


def by_age(look: Callable[[float], Outcome], stopping: Outcome = KILLED) -> Callable[[Send, float], Outcome]:
    return lambda step, age: look(age) if step.path == "/Task/Detail" else stopping


def waited(
    script: list[Outcome] | Callable[[Send, float], Outcome],
    *,
    timeout: float = 3600.0,
    late: float = 0.0,
    **options: float,
) -> tuple[Verdict, FakeDriver]:
    driver = FakeDriver(script, time=START + late)
    return driver.drive(wait(WaitPlan("2221", START, START + timeout, **options))), driver


def test_a_task_that_is_not_finished_in_time_is_stopped() -> None:
    verdict, driver = waited(by_age(lambda _: RUNNING), timeout=100)
    assert verdict == Verdict("timeout", "2221", "task_cancel", "not finished within 100 s", stopped=True)
    assert driver.time == START + 100
    assert driver.calls[-2:] == ["Detail", "Kill"]
    assert driver.warnings == ["taskid 2221: not finished within 100 s; stopping it"]
    assert driver.log[-1] == "taskid 2221: stopped by Kill"


def test_one_look_comes_first_even_when_the_deadline_has_passed() -> None:
    verdict, driver = waited([DONE], timeout=100, late=500)
    assert (verdict.kind, driver.calls, driver.slept) == ("success", ["Detail"], [])
    verdict, driver = waited([RUNNING, KILLED], timeout=100, late=500)
    assert (verdict.kind, driver.calls, driver.slept) == ("timeout", ["Detail", "Kill"], [])


@pytest.mark.parametrize(
    ("last", "kind"), [(DONE, "success"), (shown("task_postprocess_end", pexit="1", debugerror="OOM"), "failed")]
)
def test_a_task_that_turns_out_finished_while_it_is_being_stopped_is_judged_by_its_end(
    last: Outcome, kind: str
) -> None:
    verdict, driver = waited([RUNNING, REFUSED, REFUSED, REFUSED, last], timeout=100, late=500)
    assert verdict.kind == kind
    assert (verdict.result is not None) is (kind == "success")
    assert driver.calls == ["Detail", "Kill", "Cancel", "Kill", "Detail"]


def test_a_task_that_turns_out_finished_after_giving_up_is_a_success() -> None:
    def script(step: Send, age: float) -> Outcome:
        return page(502) if age < 56 else DONE if step.path == "/Task/Detail" else REFUSED

    verdict, _ = waited(script, outage_tolerance=50)
    assert verdict.kind == "success"


def test_a_task_that_cannot_be_stopped_is_said_to_run_on() -> None:
    verdict, driver = waited(by_age(lambda _: RUNNING, page(502)), timeout=100)
    assert (verdict.kind, verdict.stopped, verdict.status) == ("timeout", False, "task_start")
    assert driver.warnings[-1].startswith("taskid 2221 COULD NOT BE STOPPED (")
    assert driver.warnings[-1].endswith(" and may still run and be paid: stop it in the Wiro dashboard")
    assert "(HTTP 502" in driver.warnings[-1]


@pytest.mark.parametrize(
    "trouble", [UNANSWERED, UNSENT, page(502), page(200), page(401), refusal(98), refusal(0)], ids=repr
)
def test_an_outage_is_outlived(trouble: Outcome) -> None:
    verdict, driver = waited(by_age(lambda age: trouble if 20 < age < 600 else RUNNING if age < 700 else DONE))
    assert verdict.kind == "success"
    assert len(driver.warnings) == 1
    assert "no good answer from Wiro" in driver.warnings[0]
    assert any("Wiro answers again after 5" in line for line in driver.log)


@pytest.mark.parametrize("trouble", [UNANSWERED, page(401), shown("task_start", id="7")], ids=repr)
def test_it_gives_up_after_outage_tolerance_and_stops_the_task(trouble: Outcome) -> None:
    verdict, driver = waited(by_age(lambda age: RUNNING if age < 50 else trouble), outage_tolerance=200)
    assert (verdict.kind, verdict.stopped) == ("gave_up", True)
    assert "no good answer for 2" in verdict.reason
    assert 250 - 6 <= driver.time - START <= 200 + 50 + 30 * 1.1
    assert driver.calls[-1] == "Kill"


def test_a_short_good_answer_starts_the_outage_anew() -> None:
    verdict, _ = waited(
        by_age(lambda age: DONE if age > 900 else UNANSWERED if age % 100 > 40 else RUNNING), outage_tolerance=120
    )
    assert verdict.kind == "success"


def test_throttling_is_no_outage_however_long_it_lasts() -> None:
    verdict, driver = waited(by_age(lambda age: THROTTLED if age < 3000 else DONE))
    assert (verdict.kind, set(driver.calls)) == ("success", {"Detail"})
    assert len(driver.warnings) == 1
    assert "HTTP 429" in driver.warnings[0]


def test_throttling_ends_at_the_deadline() -> None:
    verdict, driver = waited(by_age(lambda _: THROTTLED), timeout=1000)
    assert (verdict.kind, verdict.stopped, driver.time) == ("timeout", True, START + 1000)


def test_an_outage_begins_anew_after_an_answer_that_throttles() -> None:
    verdict, _ = waited(
        by_age(lambda age: DONE if age > 900 else THROTTLED if 100 < age < 140 else page(502)), outage_tolerance=500
    )
    assert verdict.kind == "success"


def test_an_outage_after_throttling_is_given_up_after_outage_tolerance() -> None:
    verdict, driver = waited(by_age(lambda age: THROTTLED if age < 250 else page(502)), outage_tolerance=200)
    assert (verdict.kind, driver.calls[-1]) == ("gave_up", "Kill")
    assert verdict.reason.startswith("no good answer for 2")
    assert 300 + 200 <= driver.time - START < 300 + 200 + 33


@pytest.mark.parametrize("last_missing", [10, 59])
def test_a_task_that_is_not_found_within_a_minute_after_its_run_may_still_appear(last_missing: float) -> None:
    verdict, driver = waited(by_age(lambda age: NOT_FOUND if age <= last_missing else DONE))
    assert verdict.kind == "success"
    assert driver.warnings == []


def test_a_task_that_is_not_found_for_more_than_a_minute_is_not_found() -> None:
    verdict, driver = waited(by_age(lambda _: NOT_FOUND))
    assert (verdict.kind, verdict.status, verdict.stopped) == ("not_found", None, None)
    assert set(driver.calls) == {"Detail"}
    assert 60 < driver.time - START < 60 + 7


def test_one_look_that_finds_no_task_long_after_the_run_is_not_enough() -> None:
    verdict, _ = waited([NOT_FOUND, DONE], late=900)
    assert verdict.kind == "success"


def test_a_task_that_is_not_found_for_a_blip_is_looked_at_again() -> None:
    verdict, driver = waited(by_age(lambda age: NOT_FOUND if 200 < age < 255 else DONE if age > 400 else RUNNING))
    assert verdict.kind == "success"
    assert len(driver.log) == 2


def test_a_task_that_vanishes_is_not_found_a_minute_later() -> None:
    verdict, driver = waited(by_age(lambda age: RUNNING if age < 200 else NOT_FOUND))
    assert (verdict.kind, verdict.status) == ("not_found", "task_start")
    assert 260 < driver.time - START < 330


def test_an_outage_after_a_blip_of_not_found_does_not_make_a_paid_task_unknown() -> None:
    verdict, _ = waited(by_age(lambda age: NOT_FOUND if age < 5 else UNANSWERED if age < 300 else DONE))
    assert verdict.kind == "success"


def test_task_error_that_passes_is_no_failure() -> None:
    verdict, driver = waited(
        by_age(lambda age: RUNNING if age < 10 or 120 < age < 200 else DONE if age > 250 else ERROR)
    )
    assert verdict.kind == "success"
    assert driver.warnings == []


def test_a_task_that_stays_in_task_error_is_stopped_and_fails_with_its_words() -> None:
    verdict, driver = waited(by_age(lambda age: RUNNING if age < 100 else ERROR))
    assert (verdict.kind, verdict.stopped) == ("stuck", True)
    assert verdict.reason.startswith("task_error for 1")
    assert verdict.reason.endswith(" s: CUDA error")
    assert 220 <= driver.time - START <= 120 + 112 + 26
    assert driver.calls[-1] == "Kill"


def test_the_grace_for_task_error_can_be_set() -> None:
    verdict, driver = waited(by_age(lambda _: shown("task_error")), task_error_grace=0)
    assert (verdict.kind, verdict.reason, len(driver.sent)) == ("stuck", "task_error for 0 s: no message", 2)


def test_an_outage_does_not_use_up_the_grace_for_task_error() -> None:
    verdict, _ = waited(by_age(lambda age: ERROR if age < 5 else UNANSWERED if age < 300 else DONE))
    assert verdict.kind == "success"


def test_a_pause_that_is_longer_than_outage_tolerance_is_no_outage() -> None:
    verdict, _ = waited(
        by_age(lambda age: page(502) if 800 < age < 1200 else DONE if age > 1200 else RUNNING), poll_interval=900
    )
    assert verdict.kind == "success"


def test_a_task_that_is_reached_late_does_not_count_the_time_before_as_an_outage() -> None:
    verdict, driver = waited([UNANSWERED, DONE], late=3000)
    assert (verdict.kind, len(driver.sent)) == ("success", 2)


ELSEWHERE = NoReply(sent=False, reason="the connection leads to https://b, but this is for https://a", elsewhere=True)


def test_a_connection_that_leads_elsewhere_is_looked_at_again_and_told_once() -> None:
    verdict, driver = waited(by_age(lambda age: ELSEWHERE if 20 < age < 500 else RUNNING if age < 600 else DONE))
    assert verdict.kind == "success"
    assert driver.warnings == [f"taskid 2221: nothing is sent ({ELSEWHERE.reason}); looking again, for 600 s at most"]


@pytest.mark.parametrize("before", [RUNNING, UNANSWERED], ids=["well", "in an outage"])
def test_a_connection_that_stays_elsewhere_ends_the_wait_and_stops_nothing(before: Outcome) -> None:
    verdict, driver = waited(by_age(lambda age: before if age < 50 else ELSEWHERE), outage_tolerance=200)
    assert (verdict.kind, verdict.stopped, verdict.reason) == ("elsewhere", None, ELSEWHERE.reason)
    assert set(driver.calls) == {"Detail"}
    assert driver.time - START >= 200
    error = error_of(Verdict.from_event(verdict.to_event()))
    assert (type(error), error.retryable) == (WiroWrongService, False)
    for words in ("https://a", "https://b", "It was not stopped: it runs on there", "Set the connection's host back"):
        assert words in str(error)
    assert sum(ELSEWHERE.reason in line for line in driver.warnings) == 1


def test_the_time_in_which_a_connection_led_elsewhere_is_no_outage_of_the_service() -> None:
    verdict, driver = waited(
        by_age(lambda age: RUNNING if age < 50 else ELSEWHERE if age < 640 else page(502) if age < 700 else DONE)
    )
    assert (verdict.kind, set(driver.calls)) == ("success", {"Detail"})
    verdict, _ = waited(by_age(lambda age: RUNNING if age < 50 else ELSEWHERE if age < 640 else page(502)))
    assert verdict.kind == "gave_up"


def test_a_connection_that_leads_elsewhere_at_the_deadline_says_so() -> None:
    verdict, driver = waited(by_age(lambda age: RUNNING if age < 50 else ELSEWHERE), timeout=100)
    assert (verdict.kind, set(driver.calls)) == ("elsewhere", {"Detail"})


@pytest.mark.parametrize(
    ("look", "kind"),
    [
        (lambda _: RUNNING, "timeout"),
        (lambda _: THROTTLED, "timeout"),
        (lambda _: page(502), "gave_up"),
        (lambda _: ERROR, "stuck"),
        (lambda age: RUNNING if age < 90 else NOT_FOUND, "not_found"),
    ],
)
def test_a_task_is_not_stopped_where_nobody_asked_for_it(look: Callable[[float], Outcome], kind: str) -> None:
    script = by_age(look)
    driver = FakeDriver(script)
    plan = WaitPlan("2221", START, START + 100, outage_tolerance=50, task_error_grace=50, stop_at_timeout=False)
    verdict = driver.drive(wait(plan))
    assert (verdict.kind, verdict.stopped, set(driver.calls)) == (kind, None, {"Detail"})
    error = error_of(verdict, resubmits=False)
    assert not error.retryable
    assert "retry" not in str(error)


def test_a_task_that_wiro_does_not_know_when_its_time_is_over_is_not_found() -> None:
    verdict, driver = waited(by_age(lambda _: NOT_FOUND, NOT_FOUND), timeout=10)
    assert (verdict.kind, verdict.stopped) == ("not_found", None)
    assert "Kill" in driver.calls


def test_a_task_that_appears_while_it_is_stopped_at_its_deadline_was_not_finished_in_time() -> None:
    verdict, _ = waited(by_age(lambda _: NOT_FOUND, KILLED), timeout=10)
    assert (verdict.kind, verdict.stopped, verdict.status) == ("timeout", True, "task_cancel")


@pytest.mark.parametrize("put", [3600.0, -3600.0], ids=["forward", "back"])
@pytest.mark.parametrize("trouble", [UNANSWERED, page(502), NOT_FOUND, ERROR], ids=["mute", "502", "missing", "error"])
def test_a_clock_that_is_set_ends_no_wait(trouble: Outcome, put: float) -> None:
    def looked(step: Send, age: float) -> Outcome:
        driver.put = put if age > 20 else 0.0
        return DONE if age > 60 else trouble if 15 < age < 24 else RUNNING

    driver = FakeDriver(looked)
    verdict = driver.drive(wait(WaitPlan("2221", START, START + 90_000, poll_interval=1.0)))
    assert (verdict.kind, set(driver.calls)) == ("success", {"Detail"})
    assert all(0 <= float(told) < 120 for told in re.findall(r"after (\S+) s", " ".join(driver.log)))
