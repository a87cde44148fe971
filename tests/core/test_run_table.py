"""What each reply to a Run means: one example a row of the table, and whatever it does not list is unknown."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.protocol import RUN_TABLE, Reply, RunMeaning, run_meaning
from fake_driver import UNANSWERED, UNSENT, Outcome, accepted, page, refusal, reply

EXAMPLES: dict[str, tuple[RunMeaning, list[Reply]]] = {
    "a readable taskid": (
        RunMeaning.ACCEPTED,
        [accepted(), accepted(2221), reply({"taskid": "2221"}), reply({"taskid": "7", "result": False}, 500)],
    ),
    "HTTP 429": (RunMeaning.TRY_LATER, [page(429), refusal(97, status=429)]),
    "code 96, concurrency limit": (RunMeaning.TRY_LATER, [refusal(96), refusal("96"), refusal(96, status=403)]),
    "HTTP 401 or 403": (RunMeaning.REFUSED, [page(401), refusal(98, status=401), page(403)]),
    "code 98 or 99, sign-in": (RunMeaning.REFUSED, [refusal(98), refusal("99")]),
    "code 97, balance": (RunMeaning.REFUSED, [refusal(97)]),
    "code 0 or 1, validation or not found": (RunMeaning.REFUSED, [refusal(0), refusal(1)]),
    "result false without a code": (
        RunMeaning.REFUSED,
        [reply({"result": False}), reply({"result": False, "errors": ["no"]}), reply({"errors": ["no"]})],
    ),
    "HTTP 400, 404, 405, 411, 413, 414, 415 or 422": (
        RunMeaning.REFUSED,
        [page(status) for status in (400, 404, 405, 411, 413, 414, 415, 422)],
    ),
    "HTTP 301, 307 or 308, a redirect that is not followed": (
        RunMeaning.REFUSED,
        [page(status) for status in (301, 307, 308)],
    ),
}


@pytest.mark.parametrize("number", range(len(RUN_TABLE)), ids=[name for name, _, _ in RUN_TABLE])
def test_each_row_decides_the_replies_that_are_its_own(number: int) -> None:
    name, matches, meaning = RUN_TABLE[number]
    expected, replies = EXAMPLES[name]
    assert meaning is expected
    for example in replies:
        assert matches(example)
        assert not any(earlier(example) for _, earlier, _ in RUN_TABLE[:number])
        assert run_meaning(example) is expected


def test_no_example_is_of_a_row_that_is_gone() -> None:
    assert set(EXAMPLES) == {name for name, _, _ in RUN_TABLE}


@pytest.mark.parametrize(
    "outcome",
    [
        UNANSWERED,
        page(200),
        page(202),
        page(302),
        page(303),
        page(402),
        page(408),
        page(409),
        page(500),
        page(502),
        page(503),
        page(504),
        page(524),
        refusal(0, status=500),
        refusal(96, status=503),
        refusal(97, status=502),
        refusal(50),
        reply({"result": True}),
        reply({"result": True, "taskid": None}),
        reply({"result": True, "taskid": ""}),
        reply({"result": True, "taskid": True}),
        reply({"result": True, "taskid": 2221.0}),
        reply({"result": True, "taskid": ["2221"]}),
        reply({"result": True, "taskid": "2221\n2222"}),
        reply({"result": True, "errors": [{"code": 97, "message": "no"}]}),
        reply({}),
        reply(None),
        reply([]),
        reply("2221"),
    ],
    ids=repr,
)
def test_whatever_the_table_does_not_list_is_unknown(outcome: Outcome) -> None:
    assert run_meaning(outcome) is RunMeaning.UNKNOWN


def test_a_request_that_surely_did_not_reach_wiro_may_be_tried_later() -> None:
    assert run_meaning(UNSENT) is RunMeaning.TRY_LATER
