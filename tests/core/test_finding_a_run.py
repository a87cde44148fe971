"""What becomes of a Run of which only the intent is written down: it is looked for, and adopted where it is proven."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.core.recalled import Attach, Finished, Fresh
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown
from fake_driver import START, UNANSWERED, VIDEO, Outcome, page, refusal, reply, shown
from listing import BEFORE, OTHER, absent, listed, listing, unknown
from records import INPUTS, identity, intent
from recovering import recovered, refused

KILLED = shown("task_cancel")


ADOPTED = intent().submitted("2221", START)


def test_the_one_task_with_the_inputs_of_the_intent_is_adopted() -> None:
    others = [listed("2222", parameters={**INPUTS, "seed": 7}), listed("2220", parameters=OTHER)]
    decision, driver = recovered(listing(*others, listed(), BEFORE), intent())
    assert decision == Attach(ADOPTED)
    assert "2221: found in Task/List" in driver.warnings[0]


def test_an_adopted_task_that_has_succeeded_is_taken() -> None:
    done = listed(status="task_postprocess_end", pexit="0", outputs=[VIDEO])
    decision, _ = recovered(listing(done, BEFORE), intent())
    assert isinstance(decision, Finished)
    assert decision.record == ADOPTED
    assert decision.task.result()["outputs"][0]["url"] == VIDEO["url"]


@pytest.mark.parametrize("over", [{"status": "task_cancel"}, {"status": "task_postprocess_end", "pexit": "1"}])
def test_after_an_adopted_task_that_brought_nothing_a_new_one_is_submitted(over: dict[str, Any]) -> None:
    decision, _ = recovered(listing(listed(**over), BEFORE), intent())
    assert decision == Fresh()


def test_a_task_of_the_intent_whose_inputs_have_changed_since_is_found_by_the_old_ones_and_stopped() -> None:
    old = intent(OTHER)
    decision, driver = recovered(listing(listed(parameters=OTHER), BEFORE, then=[KILLED]), old)
    assert decision == Fresh()
    assert driver.calls == ["List", "List", "Kill"]


def test_a_task_of_the_intent_is_found_by_its_inputs_where_an_idempotency_key_names_the_work() -> None:
    found, wanted = intent(OTHER, key="ride"), intent(INPUTS, key="ride")
    decision, _ = recovered(listing(listed(parameters=OTHER), BEFORE), found, wanted)
    assert decision == Attach(found.submitted("2221", START))


@pytest.mark.parametrize(
    "echo", [{"seed": "0"}, {"seed": 0.0}, {"duration": 5}, {"callbackUrl": "", "projectid": "699"}]
)
def test_inputs_are_recognised_as_wiro_echoes_them(echo: dict[str, object]) -> None:
    decision, _ = recovered(listing(listed(parameters=INPUTS | echo), BEFORE), intent())
    assert decision == Attach(ADOPTED)


@pytest.mark.parametrize("name", list(INPUTS))
def test_a_task_that_lacks_one_of_the_inputs_is_not_adopted(name: str) -> None:
    echoed = {key: value for key, value in INPUTS.items() if key != name}
    error, _ = unknown(listing(listed(parameters=echoed), BEFORE))
    assert "no task of that time has exactly its inputs, but it may be one of these: 2221" in str(error)


SILENT: list[dict[str, Any]] = [{"parameters": {}}, {"parameters": None}, {"parameters": []}, {"parameters": "{}"}]


@pytest.mark.parametrize("fields", SILENT, ids=str)
def test_rows_that_do_not_show_their_parameters_prove_nothing(fields: dict[str, Any]) -> None:
    error, _ = unknown(listing(listed("2222", **fields), listed(), BEFORE))
    assert "1 task(s) of that time do not show their parameters" in str(error)


ODD_ROWS: list[object] = [
    None,
    "2222",
    {},
    {"id": "2222"},
    listed("0"),
    listed("2222", createtime=None),
    listed("2222", createtime="0"),
    listed("2222", createtime="soon"),
    listed("2222", createtime="nan"),
    listed("2222", createtime="inf"),
    listed("2222", createtime=10**400),
    listed("2222", createtime=-1),
]


@pytest.mark.parametrize("odd", ODD_ROWS, ids=lambda odd: str(odd)[-40:])
def test_a_row_that_cannot_be_read_proves_nothing(odd: object) -> None:
    error, _ = unknown(listing(odd, listed(), BEFORE))
    assert "cannot be read" in str(error)


def test_parameters_that_are_nested_deeply_do_no_harm() -> None:
    deep: list[Any] = []
    for _ in range(900):
        deep = [deep]
    error, _ = unknown(listing(listed(parameters=INPUTS | {"prompt": deep}), BEFORE))
    assert "it may be one of these: 2221" in str(error)


@pytest.mark.parametrize(
    "bad", [UNANSWERED, page(502), page(429), refusal(0), refusal(1), page(404), reply([]), reply({"result": True})]
)
def test_a_list_that_fails_is_asked_for_again_and_then_proves_nothing(bad: Outcome) -> None:
    error, driver = unknown([bad] * 4)
    assert "Task/List brought no good answer" in str(error)
    assert driver.slept == [1.0, 3.0, 10.0]


def test_a_later_page_that_fails_proves_nothing() -> None:
    newer = [listed(str(3000 - n), parameters=OTHER) for n in range(99)]
    first = listing(listed(), *newer)

    def script(step: Send, age: float) -> Outcome:
        return page(502) if step.body["start"] != "0" else first(step, age)

    error, _ = unknown(script)
    assert "Task/List brought no good answer" in str(error)


def test_a_list_that_fails_once_is_no_matter() -> None:
    answers: list[Outcome] = [page(502), UNANSWERED, reply({"result": True, "tasklist": [listed()]})]
    decision, _ = recovered([*answers, reply({"result": True, "tasklist": []})], intent())
    assert decision == Attach(ADOPTED)


@pytest.mark.parametrize("most", [1, 7, 20, 100])
def test_the_list_is_read_back_past_the_intent_however_short_its_pages_are(most: int) -> None:
    newer = [listed(str(9000 - n), created=START + 700, parameters=OTHER) for n in range(120)]
    decision, driver = recovered(listing(*newer, listed(), BEFORE, BEFORE | {"id": "0x"}, most=most), intent())
    assert decision == Attach(ADOPTED)
    assert len(driver.calls) <= 130


@pytest.mark.parametrize("most", [1, 20, 100])
def test_two_tasks_on_different_pages_are_two(most: int) -> None:
    between = [listed(str(9000 - n), created=START + 5, parameters=OTHER) for n in range(120)]
    rows = [listed("9999", created=START + 9), *between, listed(), BEFORE]
    error, _ = unknown(listing(*rows, most=most))
    assert "2 tasks of that time have the same inputs" in str(error)


def test_a_row_that_moves_to_the_next_page_meanwhile_is_counted_once() -> None:
    pages = iter([[listed("2222", parameters=OTHER), listed()], [listed(), BEFORE], [BEFORE]])
    decision, _ = recovered(lambda *_: reply({"result": True, "tasklist": next(pages)}), intent())
    assert decision == Attach(ADOPTED)


def test_a_list_that_never_ends_proves_nothing() -> None:
    rows = [listed(str(20_000 - n), created=START + 5, parameters=OTHER) for n in range(10_100)]
    error, driver = unknown(listing(listed("30000"), *rows))
    assert "does not reach back far enough within 10000 tasks" in str(error)
    assert len(driver.calls) == 100


def test_a_service_that_shows_the_same_page_for_ever_proves_nothing() -> None:
    error, driver = unknown(lambda *_: reply({"result": True, "tasklist": [listed(parameters=OTHER)] * 100}))
    assert "does not reach back far enough" in str(error)
    assert len(driver.calls) == 100


def test_a_list_that_is_not_sorted_newest_first_proves_nothing() -> None:
    rows = [listed(str(n), created=START - 100_000 + 600 * n, parameters=OTHER) for n in range(1, 150)]
    for order in (rows, [*rows[75:], *rows[:75]]):
        error, driver = unknown(listing(*order, listed("9999")))
        assert "not sorted newest first" in str(error)
        assert driver.calls == ["List"]


def test_an_earlier_run_of_the_same_task_instance_is_not_taken_for_the_lost_one() -> None:
    script = listing(listed("2222", created=START + 1), listed(created=START - 20), BEFORE)
    decision, _ = recovered(script, intent(earlier=("2221",)))
    assert decision == Attach(intent(earlier=("2221",)).submitted("2222", START + 1))
    absent(listing(listed(), BEFORE), intent(earlier=("2221",)))


def test_what_is_silent_outside_of_the_time_of_the_run_is_no_matter() -> None:
    later, sooner = (listed(str(n), created=START + at, parameters={}) for n, at in [(9, 1201), (8, -301)])
    decision, _ = recovered(listing(later, listed(), sooner), intent())
    assert decision == Attach(ADOPTED)


def test_two_tasks_with_the_same_inputs_prove_nothing() -> None:
    error, driver = unknown(listing(listed("2222"), listed(), BEFORE))
    assert "2 tasks of that time have the same inputs" in str(error)
    assert driver.slept == []


def test_an_intent_without_inputs_proves_nothing() -> None:
    found = intent({"callbackUrl": "https://x.example"})
    error, _ = unknown(listing(listed(parameters={"prompt": "x"}), BEFORE), found)
    assert "it has no inputs" in str(error)


def test_a_task_that_is_shown_late_is_adopted() -> None:
    def script(step: Send, age: float) -> Outcome:
        return listing(*([listed()] if age >= 25 else []), BEFORE)(step, age)

    decision, _ = recovered(script, intent(), late=1.0)
    assert decision == Attach(ADOPTED)


def test_another_one_with_the_same_inputs_is_not_adopted_before_wiro_must_show_our_own() -> None:
    def script(step: Send, age: float) -> Outcome:
        ours = [listed("2222", created=START + 1)] if age >= 25 else []
        return listing(*ours, listed("2221", created=START - 60), BEFORE)(step, age)

    error, _ = refused(WiroSubmissionUnknown, script, intent(), late=1.0)
    assert "2 tasks of that time have the same inputs" in str(error)


def test_a_mapped_task_is_not_told_from_siblings_whose_records_cannot_be_listed() -> None:
    error, _ = unknown(listing(listed(), BEFORE), intent(identity=identity(map_index=0)), others=None)
    assert "a mapped task cannot be told from its siblings" in str(error)


def test_each_page_carries_the_deadline() -> None:
    script = listing(listed(), BEFORE, most=1)
    _, driver = recovered(script, intent(), deadline=START + 4000)
    assert driver.calls == ["List", "List"]
    assert [step.deadline for step in driver.sent] == [START + 4000] * 2
