"""What becomes of the Run that an earlier try has written down with its taskid."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.core.recalled import Attach, Finished, Fresh
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroError,
    WiroNotStopped,
    WiroRefused,
    WiroTaskFailed,
    WiroTaskNotFound,
    WiroUnreachable,
)
from fake_driver import DONE, NOT_FOUND, START, UNANSWERED, VIDEO, Outcome, page, refusal, reply, shown
from records import INPUTS, intent, submitted
from recovering import PLACE, recovered, refused

RUNNING = shown("task_start")
KILLED = shown("task_cancel")
OTHER = INPUTS | {"prompt": "A windmill"}


@pytest.mark.parametrize("status", ["task_queue", "task_start", "task_end", "task_error", "task_brand_new"])
def test_a_task_that_is_still_active_is_attached_to(status: str) -> None:
    decision, driver = recovered([shown(status)], submitted())
    assert decision == Attach(submitted())
    assert driver.calls == ["Detail"]


@pytest.mark.parametrize("inputs", [INPUTS, {}])
def test_a_task_that_has_succeeded_is_taken(inputs: dict[str, object]) -> None:
    decision, driver = recovered([DONE], submitted(inputs), intent(inputs))
    assert isinstance(decision, Finished)
    assert decision.record == submitted(inputs)
    assert decision.task.outputs[0].url == VIDEO["url"]
    assert driver.calls == ["Detail"]


OVER = [
    shown("task_postprocess_end", pexit="1", outputs=[]),
    shown("task_postprocess_end", pexit="1", totalcost="0.0000"),
    shown("task_postprocess_end", outputs=[]),
    shown("task_cancel", pexit="0", outputs=[VIDEO], totalcost="0.003510000000"),
]


@pytest.mark.parametrize("over", OVER, ids=["failed", "failed at no cost", "brought nothing", "cancelled"])
def test_after_a_task_that_has_failed_or_was_cancelled_a_new_one_is_submitted(over: Outcome) -> None:
    decision, driver = recovered([over], submitted())
    assert decision == Fresh()
    assert "submitting a new one" in driver.log[-1]


def test_a_task_that_ended_badly_and_was_charged_all_the_same_is_not_paid_twice() -> None:
    charged = shown("task_postprocess_end", pexit="1", outputs=[VIDEO], totalcost="0.25")
    error, _ = refused(WiroTaskFailed, [charged], submitted())
    assert not error.retryable
    assert "was charged 0.25 USD" in str(error)


@pytest.mark.parametrize("bad", [UNANSWERED, page(502), page(429), refusal(0), refusal(96), reply({"result": True})])
def test_a_task_that_cannot_be_read_is_looked_at_again_and_then_is_a_retryable_error(bad: Outcome) -> None:
    error, driver = refused(WiroUnreachable, [bad] * 4, submitted())
    assert error.retryable
    assert driver.slept == [1.0, 3.0, 10.0]
    assert driver.calls == ["Detail"] * 4


def test_a_task_that_can_be_read_in_the_end_is_attached_to() -> None:
    decision, _ = recovered([UNANSWERED, page(502), page(502), RUNNING], submitted())
    assert decision == Attach(submitted())


@pytest.mark.parametrize(
    ("bad", "kind"), [(refusal(98, status=401), WiroAuthError), (page(401), WiroAuthError), (refusal(97), WiroRefused)]
)
def test_a_refusal_to_show_the_task_is_an_error_at_once(bad: Outcome, kind: type[WiroError]) -> None:
    error, driver = refused(kind, [bad], submitted())
    assert not error.retryable
    assert driver.calls == ["Detail"]


@pytest.mark.parametrize("missing", [NOT_FOUND, reply({"result": True, "errors": [], "tasklist": []})])
@pytest.mark.parametrize("late", [-100.0, 1.0, 60.9])
def test_a_young_task_that_wiro_does_not_show_yet_is_attached_to(missing: Outcome, late: float) -> None:
    decision, _ = recovered([missing], submitted(), late=late)
    assert decision == Attach(submitted())


def test_a_task_that_wiro_does_not_know_any_more_is_an_error_that_says_how_to_go_on() -> None:
    error, driver = refused(WiroTaskNotFound, [NOT_FOUND], submitted(), late=61.1)
    assert (error.taskid, error.retryable) == ("2221", False)
    assert driver.calls == ["Detail"]
    for part in ("2221", "Nothing new was submitted", "another account", PLACE, "durable=False", "idempotency_key"):
        assert part in str(error)


def test_an_active_task_with_other_inputs_is_stopped() -> None:
    decision, driver = recovered([RUNNING, KILLED], submitted(OTHER))
    assert decision == Fresh()
    assert driver.calls == ["Detail", "Kill"]
    assert driver.warnings == ["taskid 2221: the inputs have changed since it was submitted; stopping it"]


def test_an_active_task_with_other_inputs_that_cannot_be_stopped_is_an_error_that_may_be_retried() -> None:
    def script(step: Send, _: float) -> Outcome:
        return RUNNING if step.path == "/Task/Detail" else page(502)

    error, driver = refused(WiroNotStopped, script, submitted(OTHER))
    assert error.retryable
    assert driver.calls.count("Kill") == 6
    for part in ("2221", "other inputs", "COULD NOT BE STOPPED", "Nothing new was submitted"):
        assert part in str(error)


@pytest.mark.parametrize("over", [*OVER, DONE], ids=["failed", "no cost", "nothing", "cancelled", "succeeded"])
def test_a_task_with_other_inputs_that_is_over_is_left_alone(over: Outcome) -> None:
    decision, driver = recovered([over], submitted(OTHER))
    assert (decision, driver.calls) == (Fresh(), ["Detail"])


@pytest.mark.parametrize("late", [1.0, 3600.0])
def test_a_task_with_other_inputs_that_wiro_does_not_know_is_an_error(late: float) -> None:
    refused(WiroTaskNotFound, [NOT_FOUND], submitted(OTHER), late=late)


def test_a_task_with_other_inputs_that_cannot_be_read_is_an_error() -> None:
    error, _ = refused(WiroUnreachable, [page(502)] * 4, submitted(OTHER))
    assert error.retryable


def test_each_look_carries_the_deadline() -> None:
    _, driver = recovered([UNANSWERED, shown("task_start")], submitted(), deadline=START + 4000)
    assert [step.deadline for step in driver.sent] == [START + 4000] * 2
