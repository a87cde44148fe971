"""What each reply to a submission means: one example a row, and the whole product of what a reply can be."""

from __future__ import annotations

from itertools import product

import pytest

from airflow_provider_wiro.core.protocol import NoReply, describe
from airflow_provider_wiro.core.rules.replies import REPLIES, Meaning, ReplyRule, rule_of
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown
from fake_driver import UNANSWERED, UNSENT, Outcome, accepted, page, refusal, reply

ELSEWHERE = NoReply(sent=False, reason="the connection leads to https://b, but this is for https://a", elsewhere=True)
PROMPT = "Request parameter [prompt] required"
SIGNED = "Project requires signature authentication, send x-signature."
SUSPENDED = "Your account has been suspended: ask the support"

EXAMPLES: dict[str, tuple[Meaning, list[Outcome]]] = {
    "not sent: the connection leads to another service": (Meaning.TRY_LATER, [ELSEWHERE]),
    "surely not sent": (Meaning.TRY_LATER, [UNSENT]),
    "a readable taskid": (
        Meaning.ACCEPTED,
        [accepted(), accepted(2221), reply({"taskid": "2221"}), reply({"taskid": "7", "result": False}, 500)],
    ),
    "code 96, concurrency limit": (Meaning.TRY_LATER, [refusal(96), refusal("96"), refusal(96, status=429)]),
    "HTTP 429, throttled": (Meaning.TRY_LATER, [page(429), refusal(97, status=429)]),
    "code 0 or none, the documented words about a missing signature": (
        Meaning.REFUSED,
        [
            refusal(0, SIGNED),
            refusal(0, SIGNED, 401),
            reply({"result": False, "errors": [SIGNED]}),
        ],
    ),
    "HTTP 401, or code 98 or 99, sign-in": (
        Meaning.REFUSED,
        [page(401), refusal(98, status=401), refusal(98), refusal("99")],
    ),
    "code 97, balance": (Meaning.REFUSED, [refusal(97), reply({"result": False, "code": 97, "message": "Balance"})]),
    "HTTP 404 or 405, no such address, whatever the words": (
        Meaning.REFUSED,
        [page(404), page(405), refusal(0, "Internal server error, please retry later", 404)],
    ),
    "HTTP 400, 403, 411, 413, 414, 415 or 422, whatever the words": (
        Meaning.REFUSED,
        [
            *(page(status) for status in (400, 403, 411, 413, 414, 415, 422)),
            *(refusal(0, "Internal server error, please retry later", status) for status in (400, 403, 422)),
        ],
    ),
    "code 1, not found": (Meaning.REFUSED, [refusal(1, "There is no task yet."), refusal("1", "later")]),
    "code 0 or none, the documented words about inputs or model": (
        Meaning.REFUSED,
        [
            refusal(0, PROMPT),
            refusal(0, "REQUEST PARAMETER [prompt] REQUIRED."),
            refusal(0, "Request parameter [retry] required"),
            refusal(0, "Request parameter [seed] must be integer or float"),
            refusal(0, "seed must be between 0 and 4294967295"),
            refusal(0, "Request files [inputImage] required"),
            refusal(0, "Request parameters are invalid."),
            refusal(0, "Request parameters are invalid. ratio must be one of 1280:720, 720:1280"),
            reply({"result": False, "errors": [PROMPT]}),
            reply({"result": False, "errors": PROMPT}),
            reply({"result": False, "errors": {"code": 0, "message": PROMPT}}),
            reply({"result": False, "message": PROMPT}),
            refusal("tool-not-accessible"),
            refusal("slug-owner-project-not-exist"),
        ],
    ),
    "code 0 or none, the documented words about project or account": (
        Meaning.REFUSED,
        [
            refusal(0, "Project authorization is not valid."),
            refusal(0, "Project authorization is not founded."),
            refusal(0, SUSPENDED),
            refusal(0, "Requested ip 10.0.0.1 is not allowed."),
            refusal(0, "You don't have any permission for this action."),
        ],
    ),
    "HTTP 301, 307 or 308, a redirect that is not followed": (
        Meaning.REFUSED,
        [page(status) for status in (301, 307, 308)],
    ),
    "any other no: another code, other words, a server error": (
        Meaning.UNKNOWN,
        [
            refusal(0, "Internal server error, please retry later"),
            refusal(0, "Request parameters are invalid. Internal server error"),
            refusal(0, "Your account has been suspended for a moment, try again"),
            refusal(0, "Something went wrong"),
            refusal(50, PROMPT),
            refusal("validation", PROMPT),
            refusal("E_PROMPT", PROMPT),
            refusal(0, PROMPT, 500),
            refusal(96, status=503),
            refusal(97, status=502),
            reply({"result": False}),
            reply({"result": False, "errors": ["no"]}),
            reply({"errors": ["no"]}),
            reply({"errors": {"prompt": "no"}}),
            reply({"message": "conflict"}, 409),
        ],
    ),
    "no answer, or one that says nothing": (
        Meaning.UNKNOWN,
        [
            UNANSWERED,
            *(page(status) for status in (200, 202, 302, 303, 402, 408, 409, 500, 502, 503, 504, 524)),
            reply({"result": True}),
            *(
                reply({"result": True, "taskid": taskid})
                for taskid in (None, "", "0", True, 2221.0, ["2221"], "2221\n2222")
            ),
            reply({"result": True, "errors": [{"code": 97, "message": "no"}]}),
            reply({}),
            reply(None),
            reply([]),
            reply("2221"),
        ],
    ),
}


@pytest.mark.parametrize("number", range(len(REPLIES)), ids=[rule.name for rule in REPLIES])
def test_each_row_decides_the_replies_that_are_its_own(number: int) -> None:
    rule = REPLIES[number]
    meaning, outcomes = EXAMPLES[rule.name]
    assert rule.meaning is meaning
    for outcome in outcomes:
        assert rule_of(outcome) is rule, describe(outcome)


def test_no_example_is_of_a_row_that_is_gone() -> None:
    assert list(EXAMPLES) == [rule.name for rule in REPLIES]


@pytest.mark.parametrize("rule", REPLIES, ids=lambda rule: rule.name)
def test_each_row_says_what_happens_to_the_money_and_what_to_do(rule: ReplyRule) -> None:
    assert (rule.error is None) is (rule.meaning is Meaning.ACCEPTED)
    assert bool(rule.advice) is (rule.meaning is not Meaning.ACCEPTED)
    assert (rule.error is WiroSubmissionUnknown) is (rule.meaning is Meaning.UNKNOWN)
    submitted = {Meaning.ACCEPTED: "is paid if", Meaning.UNKNOWN: "may be running and be paid"}
    assert submitted.get(rule.meaning, "Nothing was submitted") in rule.money
    assert not rule.at_once or rule.meaning is Meaning.TRY_LATER


REFUSING = (400, 403, 404, 405, 411, 413, 414, 415, 422)
STATUSES = (
    200,
    202,
    301,
    302,
    307,
    400,
    401,
    402,
    403,
    404,
    405,
    408,
    409,
    411,
    413,
    414,
    415,
    422,
    429,
    500,
    502,
    599,
)
CODES = (None, 0, 1, 50, 96, 97, 98, 99, "validation")
MESSAGES = {
    "inputs": PROMPT,
    "account": SUSPENDED,
    "server error": "Internal server error, please retry later",
    "unlisted": "prompt is too long",
    "none": "",
}
TASKIDS = (None, "0", "2221")


def expected(status: int, code: object, words: str, taskid: str | None) -> Meaning:
    """Say it once more, in plain words."""
    if taskid == "2221":
        return Meaning.ACCEPTED
    if status >= 500:
        return Meaning.UNKNOWN
    if code == 96 or status == 429:
        return Meaning.TRY_LATER
    documented = code in (1, 97, 98, 99) or (code in (0, None) and words in ("inputs", "account"))
    if documented or status in (301, 307, 401, *REFUSING):
        return Meaning.REFUSED
    return Meaning.UNKNOWN


@pytest.mark.parametrize("status", STATUSES)
def test_every_combination_is_decided_by_one_first_row(status: int) -> None:
    for code, words, taskid in product(CODES, MESSAGES, TASKIDS):
        error = {"code": code} | ({"message": MESSAGES[words]} if words != "none" else {})
        outcome = reply({"result": False, "errors": [error], "taskid": taskid}, status)
        first = next(rule for rule in REPLIES if rule.matches(outcome))
        assert rule_of(outcome) is first
        assert first.meaning is expected(status, code, words, taskid), (code, words, taskid, first.name)


@pytest.mark.parametrize("text", MESSAGES.values())
def test_an_error_is_read_the_same_however_it_is_wrapped(text: str) -> None:
    error = {"code": 0, "message": text}
    shapes = [{"errors": [error]}, {"errors": error}, error]
    assert len({rule_of(reply({"result": False} | shape)).name for shape in shapes}) == 1


@pytest.mark.parametrize(("sent", "elsewhere"), [(True, False), (False, False), (False, True)])
@pytest.mark.parametrize("tls", [True, False])
def test_without_an_answer_nothing_was_submitted_only_where_nothing_was_sent(
    sent: bool, elsewhere: bool, tls: bool
) -> None:
    meaning = rule_of(NoReply(sent, "reset", tls, elsewhere)).meaning
    assert meaning is (Meaning.UNKNOWN if sent else Meaning.TRY_LATER)
