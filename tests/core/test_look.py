"""One look at how a task stands, which waits out only what is no answer to that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_wiro.core.polling import WaitPlan, look
from airflow_provider_wiro.core.verdict import Verdict
from fake_driver import DONE, NOT_FOUND, START, FakeDriver, Outcome, page, reply, shown

RUNNING, ERROR, CANCELLED = shown("task_start"), shown("task_error", debugerror="CUDA error"), shown("task_cancel")
STREAMING, ODD = shown("task_stream_ready"), shown("task_of_tomorrow")


def looked(script: Callable[[float], Outcome], timeout: float = 3600.0) -> tuple[Verdict | None, FakeDriver]:
    driver = FakeDriver(lambda _, age: script(age))
    plan = WaitPlan("2221", START, START + timeout, outage_tolerance=50, task_error_grace=40, stop_at_timeout=False)
    return driver.drive(look(plan)), driver


@pytest.mark.parametrize(("shows", "kind"), [(RUNNING, None), (ODD, None), (DONE, "success"), (CANCELLED, "cancelled")])
def test_what_wiro_shows_is_the_answer_at_once(shows: Outcome, kind: str | None) -> None:
    verdict, driver = looked(lambda _: shows)
    assert (verdict and verdict.kind, driver.calls, driver.slept) == (kind, ["Detail"], [])


@pytest.mark.parametrize("trouble", [page(502), reply({}, 429), NOT_FOUND, ERROR])
@pytest.mark.parametrize(("then", "kind"), [(RUNNING, None), (DONE, "success")])
def test_what_is_no_answer_is_waited_out(trouble: Outcome, then: Outcome, kind: str | None) -> None:
    verdict, driver = looked(lambda age: trouble if age < 20 else then)
    assert (verdict and verdict.kind, set(driver.calls)) == (kind, {"Detail"})
    assert 20 <= driver.time - START < 40


@pytest.mark.parametrize(
    ("trouble", "kind"), [(page(502), "gave_up"), (NOT_FOUND, "not_found"), (ERROR, "stuck"), (STREAMING, "realtime")]
)
def test_its_patience_ends_as_that_of_a_wait_and_stops_nothing(trouble: Outcome, kind: str) -> None:
    verdict, driver = looked(lambda _: trouble)
    assert verdict is not None
    assert (verdict.kind, verdict.stopped, set(driver.calls)) == (kind, None, {"Detail"})


def test_it_takes_no_longer_than_its_deadline() -> None:
    verdict, driver = looked(lambda _: reply({}, 429), timeout=30)
    assert (verdict and verdict.kind, driver.time) == ("timeout", START + 30)
