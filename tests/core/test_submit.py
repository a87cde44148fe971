"""Sending a Run: never twice by accident."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.calls import submit
from airflow_provider_wiro.core.protocol import NoReply
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroRefused,
    WiroRequestError,
    WiroSubmissionUnknown,
    WiroUnreachable,
)
from fake_driver import START, UNANSWERED, UNSENT, FakeDriver, Outcome, accepted, page, refusal, reply

MODEL = "Runway/image-to-video-gen4-turbo"
INPUTS = {"prompt": "A lighthouse", "seed": 0}


def failed(*script: Outcome) -> tuple[WiroRequestError, FakeDriver]:
    driver = FakeDriver(script)
    with pytest.raises(WiroRequestError) as caught:
        driver.drive(submit(MODEL, INPUTS))
    return caught.value, driver


def test_a_run_is_sent_to_its_model_with_its_inputs_and_nothing_else() -> None:
    driver = FakeDriver([accepted()], latency=0.5)
    submission = driver.drive(submit(MODEL, INPUTS))
    assert [(step.path, dict(step.body), step.timeout) for step in driver.sent] == [(f"/Run/{MODEL}", INPUTS, None)]
    assert (submission.taskid, submission.submitted_at) == ("2221", START + 0.5)
    assert submission.token == "eDcCm5yyUfIvMFspTwww49OUfgXkQt"
    assert submission.token not in repr(submission)
    assert submission.result() == {
        "taskid": "2221",
        "status": None,
        "outputs": [],
        "text": None,
        "cost_usd": None,
        "elapsed_seconds": None,
    }


def test_a_taskid_counts_even_where_all_else_of_the_answer_is_odd() -> None:
    submission = FakeDriver([reply({"taskid": 2221, "socketaccesstoken": 5, "result": "?"})]).drive(submit(MODEL, {}))
    assert (submission.taskid, submission.token) == ("2221", None)


@pytest.mark.parametrize(
    "outcome",
    [
        UNANSWERED,
        page(200),
        page(502),
        page(504),
        reply({"result": True}),
        refusal(0, "Internal server error, please retry later"),
        refusal(0, "Something went wrong"),
        refusal("E_BUSY", "Something went wrong"),
    ],
    ids=repr,
)
def test_a_run_whose_outcome_is_unknown_is_never_sent_again(outcome: Outcome) -> None:
    error, driver = failed(outcome)
    assert type(error) is WiroSubmissionUnknown
    assert not error.retryable
    assert (driver.calls, driver.slept) == (["image-to-video-gen4-turbo"], [])
    assert "may be running and be paid" in str(error)
    assert "dashboard before you run this task again" in str(error)


@pytest.mark.parametrize("outcome", [UNSENT, page(429)], ids=["surely not sent", "HTTP 429"])
def test_a_run_that_was_surely_not_accepted_is_sent_again_after_growing_pauses(outcome: Outcome) -> None:
    driver = FakeDriver([outcome, outcome, outcome, accepted()])
    assert driver.drive(submit(MODEL, INPUTS)).taskid == "2221"
    assert driver.slept == [2.0, 5.0, 10.0]
    assert len(driver.warnings) == 3
    assert driver.warnings[0].endswith("; sending it again in 2 s")


@pytest.mark.parametrize(
    ("outcome", "kind"), [(UNSENT, WiroUnreachable), (page(429), WiroBusy)], ids=["surely not sent", "HTTP 429"]
)
def test_a_run_is_sent_again_three_times_at_most(outcome: Outcome, kind: type[WiroRequestError]) -> None:
    error, driver = failed(*[outcome] * 4)
    assert type(error) is kind
    assert error.retryable
    assert len(driver.sent) == 4
    assert "Nothing was submitted" in str(error)


@pytest.mark.parametrize("outcome", [UNSENT, page(429), refusal(97), refusal(96)], ids=repr)
def test_where_nothing_was_submitted_the_error_says_so(outcome: Outcome) -> None:
    error, _ = failed(*[outcome] * 4)
    assert "Nothing was submitted: " in str(error)


def test_a_submission_whose_connection_leads_elsewhere_is_not_sent_again_by_itself() -> None:
    error, driver = failed(NoReply(sent=False, reason="the connection leads to B, but this is for A", elsewhere=True))
    assert (type(error), error.retryable, len(driver.sent)) == (WiroUnreachable, True, 1)
    assert "leads to B, but this is for A.\nNothing was submitted: check the connection's host" in str(error)


def test_a_run_is_not_sent_again_once_it_may_have_been_accepted() -> None:
    error, driver = failed(UNSENT, page(429), UNANSWERED)
    assert type(error) is WiroSubmissionUnknown
    assert len(driver.sent) == 3


def test_retry_after_is_respected_where_it_is_longer_than_our_own_pause() -> None:
    driver = FakeDriver([reply({}, 429, "9"), reply({}, 429, "1"), reply({}, 429, "10"), accepted()])
    driver.drive(submit(MODEL, INPUTS))
    assert driver.slept == [9.0, 5.0, 10.0]


def test_a_run_carries_its_deadline() -> None:
    driver = FakeDriver([UNSENT, accepted()])
    driver.drive(submit(MODEL, INPUTS, deadline=START + 60))
    assert [step.deadline for step in driver.sent] == [START + 60] * 2


@pytest.mark.parametrize(
    ("outcome", "kind"), [(UNSENT, WiroUnreachable), (reply({}, 429, "9"), WiroBusy)], ids=["not sent", "HTTP 429"]
)
def test_a_run_is_not_sent_again_after_its_deadline(outcome: Outcome, kind: type[WiroRequestError]) -> None:
    driver = FakeDriver([outcome])
    with pytest.raises(kind, match="othing was submitted"):
        driver.drive(submit(MODEL, INPUTS, deadline=START + 2))
    assert driver.slept == []


def test_a_long_retry_after_is_the_callers_to_wait_for() -> None:
    error, driver = failed(reply({}, 429, "11"))
    assert isinstance(error, WiroBusy)
    assert (error.retry_after, error.retryable, len(driver.sent)) == (11.0, True, 1)


@pytest.mark.parametrize("status", [200, 429])
def test_the_concurrency_limit_is_raised_at_once(status: int) -> None:
    error, driver = failed(refusal(96, "Limit reached", status))
    assert type(error) is WiroBusy
    assert (error.code, error.retryable, len(driver.sent)) == (96, True, 1)
    assert "code 96: Limit reached" in str(error)
    assert "set max_active" in str(error)


@pytest.mark.parametrize(
    ("outcome", "kind", "code", "words", "next_step"),
    [
        (refusal(98, "Sign in", 401), WiroAuthError, 98, "code 98: Sign in", "check login (API key) and password"),
        (page(401), WiroAuthError, None, "HTTP 401", "check login (API key) and password (API secret)"),
        (refusal(99, "Token"), WiroAuthError, 99, "code 99: Token", "check login (API key)"),
        (refusal(97, "No money"), WiroRefused, 97, "code 97: No money", "top up the account's balance"),
        (
            refusal(0, "Request parameter [prompt] required"),
            WiroRefused,
            0,
            "code 0: Request parameter [prompt] required",
            "check the model's name, the inputs",
        ),
        (
            refusal(0, "Project authorization is not valid."),
            WiroAuthError,
            0,
            "code 0: Project authorization is not valid.",
            "check login (API key) and password (API secret), and what the project and the account may do",
        ),
        (
            refusal(0, "Please try again later", 403),
            WiroRefused,
            0,
            "code 0: Please try again later",
            "check the model's name, the inputs",
        ),
        (refusal(1, "No model"), WiroRefused, 1, "code 1: No model", "check the model's name"),
        (page(403), WiroRefused, None, "HTTP 403", "the connection's host"),
        (page(404), WiroRefused, None, "HTTP 404", "the connection's host"),
        (page(308), WiroRefused, None, "HTTP 308", "the connection's host"),
    ],
)
def test_a_refusal_for_good_is_raised_at_once_and_says_what_to_do(
    outcome: Outcome, kind: type[WiroRequestError], code: int | None, words: str, next_step: str
) -> None:
    error, driver = failed(outcome)
    assert type(error) is kind
    assert (error.code, error.retryable, len(driver.sent)) == (code, False, 1)
    assert words in str(error)
    assert next_step in str(error)
