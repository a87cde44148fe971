"""Reading what came over the wire."""

from __future__ import annotations

import json

import pytest

from airflow_provider_wiro.core.calls import detail
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import (
    Missing,
    Reply,
    complaint,
    describe,
    is_auth_failure,
    task_in,
)
from airflow_provider_wiro.core.task import Task
from fake_driver import (
    DONE,
    NOT_FOUND,
    START,
    UNANSWERED,
    UNSENT,
    FakeDriver,
    Outcome,
    page,
    refusal,
    reply,
    row,
    shown,
)


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"a": NaN, "b": -Infinity}', {"a": None, "b": None}),
        (b"", None),
        (b'{"a": ', None),
        (b"<html>", None),
        (b"\xff\xfe\x00", None),
        (b"[" * 100_000, None),
        (b"9" * 10_000, None),
    ],
)
def test_a_body_is_json_or_nothing(raw: bytes, body: object) -> None:
    assert Reply.from_http(200, raw).body == body


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("3600", 300.0),
        ("999999999", 300.0),
        ("9" * 5000, None),
        ("1.5", None),
        ("-1", None),
        ("٧", None),
        ("", None),
        (None, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60.0),
        ("Wednesday, 21-Oct-26 07:28:00 GMT", 60.0),
        ("Wed Oct 21 07:28:00 2026", 60.0),
        ("Wed, 21 Oct 2026 09:28:30 +0200", 90.0),
        ("Wed, 21 Oct 2026 07:28:00 -0000", 60.0),
        ("Wed, 21 Oct 2026 08:27:00 GMT", 300.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("Thu, 01 Jan 1000 00:00:00 +2359", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 300.0),
        ("Wed, 32 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT" + " " * 100 + "x", None),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", None),
        ("Wed, 21 Oct 2026 07:28:00 +999999999999", None),
        (", , , ,", None),
        ("-", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_at_most_five_minutes(header: str | None, seconds: float | None) -> None:
    now = 1_792_567_620.0  # Wed, 21 Oct 2026 07:27:00 GMT
    assert Reply.from_http(429, b"", header, now).retry_after == seconds


def test_a_date_to_try_again_at_is_not_used_where_nobody_says_what_time_it_is() -> None:
    assert Reply.from_http(429, b"", "Wed, 21 Oct 2026 07:28:00 GMT").retry_after is None
    assert Reply.from_http(429, b"", "7").retry_after == 7.0


def test_an_excerpt_is_one_printable_line() -> None:
    excerpt = Reply.from_http(502, b"<html>\r\n\t<h1>Bad\x1b[31m \x00Gateway</h1>" + b"x" * 1000).excerpt
    assert excerpt.startswith("<html> <h1>Bad [31m Gateway</h1>xxx")
    assert excerpt.isprintable()
    assert len(excerpt) == 200


@pytest.mark.parametrize("answer", [DONE, shown("task_start"), NOT_FOUND], ids=["over", "running", "unknown"])
def test_a_look_that_tells_makes_neither_an_excerpt_nor_a_date(answer: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("excerpt", "date"):
        monkeypatch.setattr(Reply, name, property(lambda _, name=name: pytest.fail(f"{name} was made")))
    plan = WaitPlan("2221", START, START + 10, task_error_grace=1)
    FakeDriver(lambda step, age: answer if age < 5 else DONE).drive(wait(plan))
    if answer is not NOT_FOUND:
        assert FakeDriver([answer]).drive(detail(taskid="2221")).taskid == "2221"


def test_a_reply_hides_its_beginning() -> None:
    assert "eDcC" not in repr(Reply(502, beginning='"socketaccesstoken":"eDcCm5yyUfIvMFspTwww49OUfgXkQt"'))


@pytest.mark.parametrize("cut", [10_000, 150, 110], ids=["whole", "cut behind the token", "cut within the token"])
def test_an_excerpt_shows_no_token(cut: int) -> None:
    whole = json.dumps({"errors": [], "tasklist": [row("task_start")], "accesskey": "dFKlMApa", "result": True})
    answer = Reply.from_http(200, whole.encode()[:cut])
    assert '"socketaccesstoken": "…' in answer.excerpt
    for secret in ("eDcC", "dFKl"):
        assert secret not in answer.excerpt
        assert secret not in describe(answer)
    assert "eDcC" not in repr(Task.from_payload(row("task_start")))


def test_a_reply_does_not_show_its_token_when_a_run_has_no_taskid() -> None:
    assert "eDcC" not in describe(reply({"result": True, "socketaccesstoken": "eDcCm5yyUfIvMFspTwww49OUfgXkQt"}))


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"result": False, "errors": [{"code": 97, "message": "Balance"}]}, 97, "Balance"),
        ({"result": False, "errors": [{"code": "97", "message": "Balance"}]}, 97, "Balance"),
        ({"errors": [{"code": 1, "message": "Gone"}, {"code": 2}]}, 1, "Gone"),
        ({"result": False, "errors": ["plain words"]}, None, "plain words"),
        ({"result": False, "errors": [{}]}, None, "no message"),
        ({"result": False, "errors": [{"code": True, "message": 5}]}, None, "5"),
        ({"result": False, "errors": [{"code": "9" * 5000}]}, None, "no message"),
        ({"result": False, "errors": [None]}, None, "no message"),
        ({"result": False, "errors": "odd"}, None, "odd"),
        ({"errors": "odd"}, None, "odd"),
        ({"result": False, "errors": {"code": 97, "message": "Balance"}}, 97, "Balance"),
        ({"result": False, "errors": {"code": "0", "message": "Balance"}}, 0, "Balance"),
        ({"errors": {"code": 1, "message": "Gone"}}, 1, "Gone"),
        ({"result": False, "message": "Balance"}, None, "Balance"),
        ({"result": False, "code": 97, "message": "Balance"}, 97, "Balance"),
        ({"result": False, "errors": [], "code": "97", "message": "Balance"}, 97, "Balance"),
        ({"result": False, "errors": [{"code": 97}], "message": "Balance"}, 97, "Balance"),
        ({"result": False, "errors": [{"message": "Balance"}], "code": 97}, 97, "Balance"),
        ({"result": False}, None, "no message"),
        ({"result": "no", "errors": [7]}, None, "7"),
    ],
)
def test_a_complaint_is_in_the_words_of_the_api(body: object, code: int | None, message: str) -> None:
    said = complaint(Reply(200, body))
    assert said is not None
    assert (said.code, said.message) == (code, message)


@pytest.mark.parametrize(
    "body", [{"result": True, "errors": ["x"]}, {}, {"errors": []}, {"errors": ""}, {"message": "x"}, [], None, "x"]
)
def test_there_is_no_complaint_where_the_api_does_not_say_no(body: object) -> None:
    assert complaint(Reply(200, body)) is None


def test_where_an_answer_has_no_message_its_beginning_stands_for_it() -> None:
    answer = reply({"result": False, "errors": {"prompt": ["too long"]}})
    assert describe(answer) == '{"result": false, "errors": {"prompt": ["too long"]}} (HTTP 200)'


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (reply({"message": "Forbidden"}, 403), "Forbidden (HTTP 403)"),
        (refusal("validation", "too long"), "code validation: too long (HTTP 200)"),
        (refusal("9" * 5000, "too long"), f"code {'9' * 49}…: too long (HTTP 200)"),
        (refusal(97, "Insufficient\nbalance"), "code 97: Insufficient balance (HTTP 200)"),
        (reply({"result": False, "errors": ["Oh"]}, 500), "Oh (HTTP 500)"),
        (page(502), "HTTP 502: <html><h1>Bad Gateway</h1></html>"),
        (Reply(204), "HTTP 204: empty body"),
        (UNANSWERED, "TimeoutError: no answer in time"),
    ],
)
def test_an_outcome_is_described_in_one_line(outcome: Outcome, said: str) -> None:
    assert describe(outcome) == said


@pytest.mark.parametrize(
    ("outcome", "failed"),
    [
        (page(401), True),
        (refusal(98), True),
        (refusal(99), True),
        (page(403), False),
        (refusal(1), False),
        (UNSENT, False),
    ],
)
def test_rejected_credentials_are_told_apart(outcome: Outcome, failed: bool) -> None:
    assert is_auth_failure(outcome) is failed


def test_the_row_of_the_right_task_is_read() -> None:
    both = reply({"result": True, "tasklist": [row("task_queue", id="1"), "odd", row("task_start")]})
    wanted, first = task_in(both, "2221"), task_in(both)
    assert isinstance(wanted, Task)
    assert wanted.status == "task_start"
    assert isinstance(first, Task)
    assert first.taskid == "1"


def test_the_first_thousand_rows_are_looked_at() -> None:
    for others, found in ((999, True), (1000, False)):
        answer = reply({"result": True, "tasklist": [row("task_queue", id="1")] * others + [row("task_start")]})
        assert isinstance(task_in(answer, "2221"), Task) is found


@pytest.mark.parametrize("outcome", [NOT_FOUND, refusal("1"), reply({"result": True, "tasklist": []})])
def test_wiro_can_say_that_it_does_not_know_a_task(outcome: Reply) -> None:
    assert task_in(outcome, "2221") is Missing.NOT_FOUND


@pytest.mark.parametrize(
    "outcome",
    [
        UNSENT,
        UNANSWERED,
        page(200),
        page(404),
        refusal(1, status=404),
        refusal(1, status=500),
        refusal(0),
        refusal(98),
        shown("task_start", id="1"),
        shown("task_start", id=None),
        shown(""),
        shown("  "),
        Reply(500, DONE.body),
        Reply(302, DONE.body),
        reply({"result": True}),
        reply({"result": True, "tasklist": {}}),
        reply({"result": True, "tasklist": [None]}),
        reply([]),
    ],
    ids=repr,
)
def test_any_other_answer_says_nothing_about_the_task(outcome: Outcome) -> None:
    assert task_in(outcome, "2221") is None
