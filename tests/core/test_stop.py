"""Stopping a task, whatever its state."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.calls import STOP_LOOKS, STOP_PAUSES, STOP_TIMEOUT, Stop, stop
from airflow_provider_wiro.core.protocol import NoReply, Send
from fake_driver import DONE, NOT_FOUND, START, UNANSWERED, UNSENT, FakeDriver, Outcome, page, refusal, reply, shown

REFUSED = refusal(1, "not in a state for this call")
RUNNING = shown("task_start")
KILLED = shown("task_cancel", pexit="0", outputs=[{"url": "https://cdn1.wiro.ai/0.png"}])


def stopped(*script: Outcome) -> tuple[Stop, FakeDriver]:
    driver = FakeDriver(script)
    return driver.drive(stop("2221")), driver


def test_a_running_task_is_killed() -> None:
    result, driver = stopped(KILLED)
    assert (result.over, result.note) == (True, "stopped by Kill")
    assert result.task is not None
    assert result.task.status == "task_cancel"
    assert driver.sent == [Send("/Task/Kill", {"taskid": "2221"}, STOP_TIMEOUT, urgent=True)]


def test_a_queued_task_is_cancelled() -> None:
    result, driver = stopped(REFUSED, KILLED)
    assert (result.over, result.note, driver.calls) == (True, "stopped by Cancel", ["Kill", "Cancel"])


def test_a_task_that_leaves_the_queue_between_kill_and_cancel_is_killed() -> None:
    result, driver = stopped(REFUSED, REFUSED, KILLED)
    assert (result.over, result.note, driver.calls) == (True, "stopped by Kill", ["Kill", "Cancel", "Kill"])


def test_every_request_names_the_task_by_its_taskid() -> None:
    _, driver = stopped(REFUSED, REFUSED, REFUSED, DONE)
    assert [dict(step.body) for step in driver.sent] == [{"taskid": "2221"}] * 4


@pytest.mark.parametrize("last", [DONE, shown("task_cancel"), shown("task_postprocess_end", pexit="1")])
def test_a_task_that_is_already_over_is_fine(last: Outcome) -> None:
    result, driver = stopped(REFUSED, REFUSED, REFUSED, last)
    assert result.over
    assert result.note.startswith("it was already over (task_")
    assert result.task is not None
    assert result.task.terminal
    assert driver.slept == []


def test_a_task_that_wiro_does_not_know_may_still_appear_and_is_not_taken_for_stopped() -> None:
    result, driver = stopped(*[NOT_FOUND] * 12)
    assert result == Stop(False, "Wiro does not know it")
    assert driver.slept == [1.0, 3.0]
    result, _ = stopped(*[NOT_FOUND] * 4, KILLED)
    assert result.over


def test_it_is_tried_again_while_answers_fail_to_come() -> None:
    result, driver = stopped(*[UNANSWERED] * 4, UNSENT, page(502), page(401), UNSENT, KILLED)
    assert (result.over, driver.slept, len(driver.warnings)) == (True, [1.0, 3.0], 2)


ELSEWHERE = NoReply(sent=False, reason="the connection leads to B, but this is for A", elsewhere=True)


@pytest.mark.parametrize("before", [[], [REFUSED], [REFUSED, REFUSED]])
def test_where_the_connection_leads_elsewhere_it_says_so_at_once(before: list[Outcome]) -> None:
    result, driver = stopped(*before, ELSEWHERE)
    assert result == Stop(False, f"nothing was sent: {ELSEWHERE.reason}", elsewhere=True)
    assert driver.slept == []
    assert result.story("2221") == (
        f"taskid 2221 COULD NOT BE STOPPED (nothing was sent: {ELSEWHERE.reason}) "
        "and may still run and be paid: stop it in the Wiro dashboard"
    )


@pytest.mark.parametrize(
    "outcome", [UNANSWERED, UNSENT, page(502), page(200), refusal(98, status=401), refusal(0), reply({})], ids=repr
)
def test_where_nothing_works_it_says_so_after_three_rounds(outcome: Outcome) -> None:
    result, driver = stopped(*[outcome] * 12)
    assert result.over is False
    assert result.task is None
    assert driver.calls == ["Kill", "Cancel", "Kill", "Detail"] * 3
    assert driver.slept == [1.0, 3.0]


def test_a_task_that_cannot_be_stopped_is_named_with_its_status() -> None:
    result, _ = stopped(*[REFUSED, REFUSED, refusal(0, "Server error"), shown("task_start")] * 3)
    assert (result.over, result.note) == (False, "code 0: Server error (HTTP 200), still task_start")
    assert result.task is not None
    assert result.task.status == "task_start"


YES = [
    reply({"result": True}),
    reply({"result": True, "tasklist": "odd"}),
    reply({"result": True, "tasklist": []}),
    shown("task_start"),
    shown("task_cancel", id="2222"),
]


@pytest.mark.parametrize("answer", YES)
@pytest.mark.parametrize("call", [0, 1, 2])
def test_a_yes_that_does_not_show_the_tasks_end_is_looked_after(answer: Outcome, call: int) -> None:
    result, driver = stopped(*[REFUSED] * call, answer, RUNNING, RUNNING, KILLED)
    name = ("Kill", "Cancel", "Kill")[call]
    assert (result.over, result.note) == (True, f"stopped by {name}")
    assert driver.calls[-4:] == [name, "Detail", "Detail", "Detail"]
    assert driver.slept == [0.2, 0.5]


@pytest.mark.parametrize("answer", YES)
def test_a_task_that_runs_on_after_a_yes_is_not_over(answer: Outcome) -> None:
    driver = FakeDriver(lambda step, _: RUNNING if "Detail" in step.path else answer)
    result = driver.drive(stop("2221"))
    assert (result.over, result.note) == (False, "Kill was accepted, still task_start")
    assert "COULD NOT BE STOPPED" in result.story("2221")
    assert len(driver.sent) <= 28
    assert driver.time - START == pytest.approx(sum(STOP_LOOKS) + sum(STOP_PAUSES))


def test_a_yes_of_kill_that_did_nothing_to_a_queued_task_is_followed_by_cancel() -> None:
    def wiro(step: Send, _: float) -> Outcome:
        if step.path == "/Task/Cancel":
            return KILLED
        return shown("task_queue") if "Detail" in step.path else reply({"result": True, "tasklist": []})

    driver = FakeDriver(wiro)
    assert driver.drive(stop("2221")).note == "stopped by Cancel"
    assert driver.time - START < 4


def test_a_stop_that_wiro_shows_late_is_seen_within_the_time_of_a_worker() -> None:
    driver = FakeDriver(
        lambda step, age: (
            reply({"result": True, "tasklist": []}) if step.path == "/Task/Kill" else (KILLED if age > 2.5 else RUNNING)
        ),
        latency=0.1,
    )
    assert driver.drive(stop("2221")).over
    assert driver.time - START < 5


def test_a_task_that_has_finished_when_it_is_stopped_was_not_stopped() -> None:
    result, _ = stopped(reply({"result": True, "tasklist": []}), DONE)
    assert (result.over, result.note) == (True, "it was already over (task_postprocess_end)")
    assert result.task is not None
    assert result.task.succeeded


def test_a_yes_with_an_error_status_does_not_count() -> None:
    result, driver = stopped(reply({"result": True}, 502), KILLED)
    assert (result.note, driver.calls) == ("stopped by Cancel", ["Kill", "Cancel"])
