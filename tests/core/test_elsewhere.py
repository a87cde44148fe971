"""Where record and connection disagree about the service, nothing is sent; and records of version 1 do not name it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.recalled import Attach, Finished, Fresh
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown, WiroUnreachable, WiroWrongService
from fake_driver import DONE, NOT_FOUND, UNANSWERED, FakeDriver, page, reply, row, shown
from listing import BEFORE, OTHER, listed, listing
from records import BASE_URL, INPUTS, intent, of_0_1_0, submitted, work
from recovering import PLACE, recovered, refused

STAGING = "https://staging.example/v1"
RUNNING, KILLED = shown("task_start"), shown("task_cancel")


@pytest.mark.parametrize("found", [intent(), submitted(), submitted(OTHER)], ids=["intent", "submitted", "changed"])
@pytest.mark.parametrize("on_unknown", ["fail", "submit"])
def test_nothing_is_sent_to_another_service_and_a_person_is_told(found: Record, on_unknown: Any) -> None:
    error, driver = refused(WiroWrongService, [], found, services=lambda _: STAGING, on_unknown=on_unknown)
    assert not error.retryable
    assert (driver.calls, sum(driver.slept)) == ([], 600.0)
    assert len([line for line in driver.warnings if "nothing is sent; waiting 600 s at most" in line]) == 1
    for part in (BASE_URL, STAGING, "wiro_default", "may run on at", "set the connection's host back", PLACE):
        assert part in str(error)


def test_it_does_not_wait_past_the_deadline() -> None:
    _, driver = refused(WiroWrongService, [], submitted(), services=lambda _: STAGING, deadline=4.0)
    assert driver.slept == []


def test_a_connection_that_leads_back_in_time_is_no_matter() -> None:
    decision, driver = recovered([RUNNING], submitted(), services=lambda age: STAGING if age < 3650 else BASE_URL)
    assert decision == Attach(submitted())
    assert (driver.calls, sum(driver.slept)) == (["Detail"], 50.0)


def test_a_clock_that_is_put_forward_shortens_no_wait_for_it_to_lead_back() -> None:
    drivers: list[FakeDriver] = []

    def services(age: float) -> str:
        drivers[0].put = 3600.0 if age > 3610 else 0.0
        return STAGING if age < 3650 else BASE_URL

    decision, _ = recovered([RUNNING], submitted(), services=services, drivers=drivers)
    assert decision == Attach(submitted())


def test_a_lost_submission_is_looked_for_where_it_was_sent() -> None:
    def services(age: float) -> str:
        return STAGING if age < 3650 else BASE_URL

    decision, _ = recovered(listing(listed(), BEFORE), intent(), services=services)
    assert isinstance(decision, Attach)


# Version 1.


def at(base_url: str, inputs: dict[str, object] = INPUTS, key: str | None = None) -> Record:
    """Return the record of version 0.1.0 of what was submitted there."""
    done = Record.of(
        work(inputs, base_url=base_url, key=key), intent().identity, at=intent().at, conn_id="wiro_default"
    )
    return of_0_1_0(done).submitted("2221", intent().at + 1)


def test_a_record_of_version_1_of_the_same_work_is_of_this_service_and_says_so_from_now_on() -> None:
    decision, _ = recovered([RUNNING], at(BASE_URL))
    assert decision == Attach(submitted(account=None))
    decision, _ = recovered([DONE], at(BASE_URL))
    assert isinstance(decision, Finished)
    assert decision.record == submitted(account=None)


def test_the_same_work_at_another_service_is_not_killed_here() -> None:
    error, driver = refused(WiroWrongService, [], at(STAGING))
    assert driver.calls == []
    assert not error.retryable
    why = "the host or the idempotency_key was different"
    for part in ("2221", "0.1.0", why, BASE_URL, "nothing new was submitted", PLACE):
        assert part in str(error)


def test_another_idempotency_key_of_the_author_is_a_new_generation_as_ever() -> None:
    wanted = intent(key="another")
    decision, driver = recovered([RUNNING, RUNNING, KILLED], at(BASE_URL), wanted)
    assert (decision, driver.calls) == (Fresh(), ["Detail", "Detail", "Kill"])


@pytest.mark.parametrize(
    "parameters", [None, {}, OTHER, OTHER | {"prompt": "https://cdn1.wiro.ai/x.txt"}, OTHER | {"seed": "0.0"}], ids=str
)
def test_a_task_that_may_be_that_of_the_record_is_stopped_for_changed_work(parameters: Any) -> None:
    running = shown("task_start", parameters=parameters)
    decision, driver = recovered([running, running, KILLED], at(BASE_URL, OTHER))
    assert (decision, driver.calls) == (Fresh(), ["Detail", "Detail", "Kill"])


def test_a_task_that_surely_is_another_one_is_a_persons_case() -> None:
    running = shown("task_start", parameters=OTHER | {"prompt": "Somebody else's"})
    error, driver = refused(WiroWrongService, [running, running], at(STAGING, OTHER))
    assert driver.calls == ["Detail", "Detail"]
    assert "has another prompt" in str(error)


def test_a_look_that_fails_stops_nothing_that_may_be_somebody_elses() -> None:
    running = shown("task_start", parameters=OTHER)
    for bad in (UNANSWERED, page(502), NOT_FOUND, reply({"result": True, "tasklist": []})):
        _, driver = refused(WiroUnreachable, [running, bad], at(STAGING, OTHER), services=lambda _: BASE_URL)
        assert driver.calls == ["Detail", "Detail"]


def test_what_another_row_shows_proves_nothing_of_the_task() -> None:
    rows = [row("task_start", parameters=OTHER) | {"id": "2220"}]
    rows.append(row("task_start", parameters=OTHER | {"prompt": "Somebody else's"}))
    answer = reply({"result": True, "tasklist": rows})
    error, _ = refused(WiroWrongService, [answer, answer], at(STAGING, OTHER))
    assert "has another prompt" in str(error)


def test_a_taskid_of_the_same_service_is_stopped_and_taken_without_comparing_anything() -> None:
    running = shown("task_start", parameters={"prompt": "rewritten"})
    decision, driver = recovered([running, KILLED], submitted(OTHER))
    assert (decision, driver.calls) == (Fresh(), ["Detail", "Kill"])
    assert isinstance(recovered([shown("task_start", parameters={"prompt": "rewritten"})], submitted())[0], Attach)


@pytest.mark.parametrize("status", ["task_start", "task_postprocess_end"])
def test_where_the_work_is_not_known_any_more_a_strangers_task_is_not_gone_on_with(status: str) -> None:
    """The arguments cannot be read any more, so the record of 0.1.0 stands for what is wanted."""
    strange = shown(status, parameters=INPUTS | {"prompt": "Somebody else's"})
    found = at(STAGING)
    error, _ = refused(WiroWrongService, [strange, strange], found, wanted=found)
    assert "has another prompt" in str(error)
    own = shown("task_start", parameters=INPUTS)
    assert isinstance(recovered([own, own], found, found)[0], Attach)


# The upgrade itself.

UPGRADED: dict[str, tuple[str, dict[str, object], str | None]] = {
    "an odd slug": ("google/veo3.1", INPUTS, None),
    "a slug with spaces": ("wiro/Virtual Try-On", INPUTS, None),
    "a native number": ("owner/any-model", {"duration": 5}, None),
    "a prompt that is a number": ("owner/any-model", {"prompt": "1.50"}, None),
    "an idempotency_key": ("owner/any-model", INPUTS, "ride-1"),
}


@pytest.mark.parametrize(("model", "inputs", "key"), UPGRADED.values(), ids=UPGRADED)
@pytest.mark.parametrize("answer", [RUNNING, DONE, NOT_FOUND], ids=["running", "finished", "young"])
def test_the_upgrade_neither_stops_nor_pays(
    model: str, inputs: dict[str, object], key: str | None, answer: Any
) -> None:
    made = work(inputs, model=model, key=key)
    wanted = Record.of(made, intent().identity, at=intent().at + 5, conn_id="wiro_default")
    found = of_0_1_0(replace(wanted, at=intent().at)).submitted("2221", intent().at + 1)
    assert Record.from_json(found.to_json()) == found
    decision, driver = recovered([answer], found, wanted, late=30.0)
    assert isinstance(decision, Attach | Finished)
    assert decision.record.base_url == BASE_URL
    assert driver.calls == ["Detail"]


def test_a_lost_submission_of_version_0_1_0_is_found_too() -> None:
    found = of_0_1_0(intent())
    decision, _ = recovered(listing(listed(), BEFORE), found)
    assert decision == Attach(intent(account=None).submitted("2221", intent().at))


@pytest.mark.parametrize(
    "found",
    [of_0_1_0(intent()), of_0_1_0(intent(OTHER)), intent(account="another")],
    ids=["0.1.0", "0.1.0, other work", "another key"],
)
def test_what_may_have_been_sent_with_another_key_is_not_proven_to_be_nothing(found: Record) -> None:
    error, driver = refused(WiroSubmissionUnknown, listing(BEFORE), found)
    assert "it was sent with another key, or by version 0.1.0" in str(error)
    assert driver.calls == ["List"]


def test_the_same_lost_submission_at_another_service_or_with_another_key_is_not_even_looked_for() -> None:
    found = replace(at(STAGING), taskid=None, submitted_at=None)
    error, driver = refused(WiroSubmissionUnknown, [], found)
    assert driver.calls == []
    assert "the host or the idempotency_key was different" in str(error)
