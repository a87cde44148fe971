"""No reply, however odd, crashes anything or counts as what it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from airflow_provider_wiro.core.body import parse_json
from airflow_provider_wiro.core.calls import Stop, cancel, detail, kill, stop, submit
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import Missing, NoReply, Reply, describe, task_in
from airflow_provider_wiro.core.rules.replies import REPLIES, rule_of
from airflow_provider_wiro.core.task import Submission, Task
from airflow_provider_wiro.core.verdict import EVENT_LIMIT, Verdict, error_of
from airflow_provider_wiro.exceptions import WiroError, WiroRequestError, WiroSubmissionUnknown, WiroTaskError
from fake_driver import START, FakeDriver, Outcome
from odd_payloads import TOKEN, anything, bodies, events, outcomes, statuses, words

odd = settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Almost HTTP dates.
dates = st.lists(
    st.sampled_from(["Wed,", "21", "Oct", "2026", "07:28:00", "GMT", "-9999", "24:61", "99999", "0", "-0000", ";"]),
    max_size=7,
).map(" ".join)
some = st.lists(outcomes, min_size=1, max_size=4)


# Whole JSON, most of it broken in a place or two.
broken = st.tuples(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(),
        lambda one: st.lists(one) | st.dictionaries(st.text(), one),
    ),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 2), st.binary(max_size=3)), max_size=2),
)


def in_turn(script: Sequence[Outcome]) -> FakeDriver:
    """Return a driver that begins the script anew when it is at its end."""
    turn = iter(range(10**6))
    return FakeDriver(lambda _step, _age: script[next(turn) % len(script)])


# How the lines of a message begin that are not its first: with the money, and what to do.
OWN_LINES = re.compile(r"(Nothing|It|Wiro (shows|does)|Whether|Use|Increase|What to do:|\d\. [a-z]| {3}\S)")


def assert_fit_for_a_log(*messages: str) -> None:
    for message in messages:
        for line in message.split("\n"):
            assert line.isprintable()
        assert all(OWN_LINES.match(line) for line in message.split("\n")[1:])
        assert len(line) < 1500
        assert TOKEN not in line
        line.encode()


def may_be_a_success(outcome: Outcome) -> bool:
    """Say, from the JSON alone, whether any row may count as a success."""
    body = outcome.body if isinstance(outcome, Reply) else None
    rows = body.get("tasklist") if isinstance(body, dict) else None
    return any(_succeeded(row) for row in rows) if isinstance(rows, list) else False


def _succeeded(row: object) -> bool:
    if not isinstance(row, dict) or row.get("status") != "task_postprocess_end":
        return False
    pexit, outputs = row.get("pexit"), row.get("outputs")
    if pexit is None or (isinstance(pexit, str) and not pexit.strip()):
        return any(_is_real(output) for output in (outputs if isinstance(outputs, list) else [outputs]))
    return pexit == "0" or (type(pexit) is int and pexit == 0)


def _is_real(output: object) -> bool:
    if isinstance(output, dict):
        return "//" in str(output.get("url")) or bool(output.get("content") or output.get("text"))
    return "//" in str(output)


@odd
@given(statuses, bodies, st.one_of(st.none(), words, dates))
@example(200, b"[]," * 200_000, None)
def test_reading_a_reply_never_fails(status: int, raw: bytes, retry_after: str | None) -> None:
    reply = Reply.from_http(status, raw, retry_after, START)
    assert reply.retry_after is None or 0 <= reply.retry_after <= 300
    assert rule_of(reply) in REPLIES
    assert_fit_for_a_log(reply.excerpt, describe(reply))
    task = task_in(reply, "2221")
    assert task is None or isinstance(task, Missing) or task.taskid == "2221"
    if isinstance(task, Task):
        assert_fit_for_a_log(repr(task)[:1000], task.status, task.error or "")
        assert not task.succeeded or may_be_a_success(reply)


@odd
@given(some)
def test_a_run_ends_in_a_taskid_or_in_an_error_of_ours(script: list[Outcome]) -> None:
    driver = in_turn(script)
    result: Submission | WiroRequestError
    try:
        result = driver.drive(submit("owner/model", {}))
    except WiroRequestError as error:
        result = error
    last = script[(len(driver.sent) - 1) % len(script)]
    if isinstance(result, Submission):
        assert isinstance(last, Reply)
        assert result.taskid.isprintable()
        json.dumps(result.result(), ensure_ascii=False).encode()
    else:
        assert_fit_for_a_log(str(result))
        if isinstance(last, NoReply):
            assert isinstance(result, WiroSubmissionUnknown) is last.sent
    for earlier in range(len(driver.sent) - 1):
        outcome = script[earlier % len(script)]
        assert not outcome.sent if isinstance(outcome, NoReply) else outcome.status == 429
    assert_fit_for_a_log(*driver.log)


@odd
@given(some)
@example([Reply(200, {"result": False, "errors": [[[[]]]]})])
def test_single_calls_end_in_a_task_or_in_an_error_of_ours(script: list[Outcome]) -> None:
    for flow in (detail(taskid="2221"), kill(taskid="2221"), cancel("2221")):
        driver = FakeDriver(script[:1])
        try:
            task = driver.drive(flow)
        except WiroError as error:
            assert_fit_for_a_log(str(error))
        else:
            assert task.taskid == "2221"


@odd
@given(some)
def test_stopping_never_raises(script: list[Outcome]) -> None:
    driver = in_turn(script)
    result = driver.drive(stop("2221"))
    assert isinstance(result, Stop)
    assert len(driver.sent) <= 28
    assert_fit_for_a_log(result.note, *driver.log)


@odd
@given(some)
def test_waiting_ends_in_one_verdict_that_is_a_success_only_if_it_is(script: list[Outcome]) -> None:
    driver = in_turn(script)
    verdict = driver.drive(wait(WaitPlan("2221", START, START + 120, outage_tolerance=60, task_error_grace=60)))
    if verdict.kind == "success":
        assert any(may_be_a_success(outcome) for outcome in script)
    else:
        assert verdict.result is None
        error = error_of(verdict)
        assert isinstance(error, WiroTaskError)
        assert_fit_for_a_log(str(error))
    assert_fit_for_a_log(*driver.log)
    event = verdict.to_event()
    text = json.dumps(event, ensure_ascii=False)
    assert len(json.dumps(event).encode()) <= EVENT_LIMIT
    assert TOKEN not in text
    assert json.loads(text.encode()) == event
    again = Verdict.from_event(event)
    assert (again.kind, again.taskid, again.status) == (verdict.kind, "2221", verdict.status)


@odd
@given(st.one_of(events, anything))
def test_an_event_is_read_or_refused(event: object) -> None:
    try:
        verdict = Verdict.from_event(event)
    except WiroTaskError as error:
        assert_fit_for_a_log(str(error))
        return
    assert isinstance(event, dict)
    assert event["version"] == 1
    assert verdict.kind == event["verdict"]
    if verdict.kind != "success":
        assert_fit_for_a_log(str(error_of(verdict)))
    if verdict.result is not None:
        assert all("url" in output for output in verdict.result["outputs"])


def test_an_event_nested_too_deeply_to_show_is_refused() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(WiroTaskError, match="cannot be read: <list>"):
        Verdict.from_event(nested)


@settings(odd, max_examples=1_000)
@given(broken)
def test_a_quick_parser_reads_nothing_else_than_a_tolerant_one(
    made: tuple[object, bool, list[tuple[int, int, bytes]]],
) -> None:
    value, ascii_only, changes = made
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    for at, removed, added in changes:
        raw = raw[:at] + added + raw[at + removed :]
    assert repr(parse_json(raw)) == repr(tolerated(raw))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"NaN", b"-Infinity", b"1e400", b"-0", b"-0.0", b"1E2", b"01", b"1.", b".5", b"tru", b"", b"[1,]", b"{}x"),
        *(b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\xff"', b'"\xed\xa0\x80"', b'"\x00"', b'"\t"', b'"\\x"', b"\xc2\xa01"),
        *(
            b'{"a": 1, "a": 2}',
            b"18446744073709551616",
            b"19446744073709551617",
            b"9" * 5_000,
            b"0.1e-400",
            b"[" * 2_000 + b"]" * 2_000,
        ),
    ],
)
def test_what_a_quick_parser_refuses_is_read_by_a_tolerant_one(raw: bytes) -> None:
    assert repr(parse_json(raw)) == repr(tolerated(raw))


def tolerated(raw: bytes) -> object:
    """Read JSON as Python does, with None for what is no number, and for what cannot be read."""
    try:
        return json.loads(raw.decode("utf-8", "replace"), parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
