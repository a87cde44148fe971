"""What travels from the trigger to the worker, and the exception that comes of it."""

from __future__ import annotations

import json

import pytest

from airflow_provider_wiro.core.task import ResultDict, Task
from airflow_provider_wiro.core.verdict import EVENT_LIMIT, Kind, Verdict, error_of, no_output
from airflow_provider_wiro.exceptions import (
    WiroNoOutput,
    WiroTaskCancelled,
    WiroTaskError,
    WiroTaskFailed,
    WiroTaskGaveUp,
    WiroTaskNotFound,
    WiroTaskStuck,
    WiroTaskTimeout,
    WiroWrongService,
)
from fake_driver import VIDEO, row


def ended(status: str = "task_postprocess_end", **fields: object) -> Task:
    task = Task.from_payload(row(status, **fields))
    assert task is not None
    return task


def success(outputs: list[dict[str, str]] | None = None) -> Verdict:
    return Verdict.of(ended(pexit="0", outputs=[VIDEO] if outputs is None else outputs))


VERDICTS = [
    success(),
    success([]),
    Verdict.of(ended(pexit="1", debugerror="OOM")),
    Verdict.of(ended("task_cancel")),
    Verdict.of(ended("task_cancel", outputs=[VIDEO])),
    Verdict.of(ended(pexit="1", totalcost="0.25", outputs=[VIDEO])),
    Verdict("stuck", "2221", "task_error", "task_error for 121 s: CUDA error", True),
    Verdict("timeout", "2221", None, "not finished", False),
    Verdict("gave_up", "2221", "task_start", "HTTP 502", True),
    Verdict("not_found", "2221", None, "not found for 61 s"),
    Verdict("elsewhere", "2221", None, "the connection leads to B, but this is for A"),
    Verdict.of(ended(pexit="0", outputs=[{"name": "0.mp4"}])),
]


def test_outputs_of_a_failure_travel_only_where_they_fit() -> None:
    many = [VIDEO | {"url": f"https://x.example/{number}{'x' * 500}.mp4"} for number in range(60)]
    verdict = Verdict.of(ended(pexit="1", outputs=many))
    event = verdict.to_event()
    assert len(error_of(verdict).outputs) == 60
    assert len(json.dumps(event)) < 16_000
    assert Verdict.from_event(event).outputs == ()


@pytest.mark.parametrize("odd", [None, "x", {}, [5, "x"], [[]]])
def test_odd_outputs_in_an_event_are_none(odd: object) -> None:
    event = Verdict.of(ended(pexit="1")).to_event() | {"outputs": odd}
    assert error_of(Verdict.from_event(event)).outputs == []


@pytest.mark.parametrize("verdict", VERDICTS, ids=lambda verdict: verdict.kind)
def test_a_verdict_survives_the_way_through_json(verdict: Verdict) -> None:
    event = verdict.to_event()
    always = {"version", "taskid", "verdict", "status", "reason", "stopped", "result"}
    assert always <= set(event) <= always | {"cost_usd", "outputs"}
    assert Verdict.from_event(json.loads(json.dumps(event))) == verdict


def test_an_event_is_the_public_shape() -> None:
    assert Verdict.of(ended(pexit="1", debugerror="OOM")).to_event() == {
        "version": 1,
        "taskid": "2221",
        "verdict": "failed",
        "status": "task_postprocess_end",
        "reason": "pexit 1: OOM",
        "stopped": None,
        "result": None,
    }


def test_an_event_carries_no_token_and_no_debug_text_beyond_a_line() -> None:
    debug = {"debugoutput": "line\n" * 10_000, "debugerror": "Traceback\n\x1b[31m" + "y" * 10_000}
    for task in (ended(pexit="1", **debug), ended(pexit="0", outputs=[VIDEO], **debug), ended("task_cancel", **debug)):
        event = Verdict.of(task).to_event()
        assert "eDcC" not in json.dumps(event)
        assert len(str(event["reason"])) <= 500
        assert str(event["reason"]).isprintable()
        assert "line" not in json.dumps(event)


@pytest.mark.parametrize(
    ("count", "length", "fits"),
    [(20, 200, True), (1000, 20, False), (3, 7900, False), (1, 7900, True), (50_000, 90, False)],
)
def test_an_event_is_at_most_16_kb_and_leaves_out_a_result_that_does_not_fit(
    count: int, length: int, fits: bool
) -> None:
    verdict = success([{"url": "https://cdn1.wiro.ai/" + "x" * length}] * count)
    event = verdict.to_event()
    assert len(json.dumps(event).encode()) <= EVENT_LIMIT
    assert (event["result"] is not None) is fits
    assert Verdict.from_event(event).kind == "success"


def test_the_longest_words_that_are_not_ascii_fit() -> None:
    task = Task.from_payload({"id": "𝕏" * 100, "status": "task_cancel", "debugerror": "𝕏" * 5000})
    assert task is not None
    event = Verdict.of(task).to_event()
    assert len(json.dumps(event)) <= EVENT_LIMIT
    assert Verdict.from_event(event).taskid == "𝕏" * 100


GOOD = success().to_event()


@pytest.mark.parametrize(
    "event",
    [
        None,
        "success",
        [],
        {},
        {"status": "success"},
        GOOD | {"version": 2},
        GOOD | {"version": "1"},
        GOOD | {"version": None},
        GOOD | {"verdict": "succeeded"},
        GOOD | {"verdict": None},
        GOOD | {"verdict": ["success"]},
        GOOD | {"taskid": None},
        GOOD | {"taskid": ""},
        GOOD | {"result": "odd"},
        GOOD | {"result": {}},
        GOOD | {"result": {"taskid": "2221"}},
        GOOD | {"result": dict.fromkeys(ResultDict.__required_keys__)},
        GOOD | {"result": dict.fromkeys(ResultDict.__required_keys__) | {"outputs": [{}]}},
        {name: value for name, value in GOOD.items() if name != "version"},
    ],
)
def test_an_event_that_is_none_of_ours_is_refused(event: object) -> None:
    with pytest.raises(
        WiroTaskError, match=r"event cannot be read: .*Install the same version of this package in the triggerer"
    ) as caught:
        Verdict.from_event(event)
    assert type(caught.value) is WiroTaskError
    assert not caught.value.retryable


def test_an_event_may_have_more_than_this_version_knows() -> None:
    result = GOOD["result"]
    assert isinstance(result, dict)
    assert Verdict.from_event(GOOD | {"new": 1, "result": result | {"new": 1}}).kind == "success"


@pytest.mark.parametrize(
    ("verdict", "kind", "message"),
    [
        (
            Verdict.of(ended(pexit="1", debugerror="OOM")),
            WiroTaskFailed,
            "Wiro task 2221 failed, status task_postprocess_end: pexit 1: OOM.\nWiro shows no cost for it. "
            "An Airflow retry submits it again",
        ),
        (
            Verdict.of(ended("task_cancel")),
            WiroTaskCancelled,
            "Wiro task 2221 was cancelled, status task_cancel.\nWiro does not charge for a cancelled task. It was not "
            "cancelled by this Airflow task. An Airflow retry submits it again",
        ),
        (
            Verdict("stuck", "2221", "task_error", "task_error for 121 s: CUDA error", True),
            WiroTaskStuck,
            "Wiro task 2221 stayed in error, status task_error: task_error for 121 s: CUDA error; it was stopped.\n"
            "Wiro does not charge for a stopped task. An Airflow retry submits it again",
        ),
        (
            Verdict("timeout", "2221", "task_start", "not finished within 3600 s", True),
            WiroTaskTimeout,
            "Wiro task 2221 was not finished in time, status task_start: not finished within 3600 s; "
            "it was stopped.\nWiro does not charge for a stopped task. Increase timeout or execution_timeout. "
            "An Airflow retry submits it again",
        ),
        (
            Verdict("gave_up", "2221", None, "no good answer for 600 s, the last one: HTTP 502", True),
            WiroTaskGaveUp,
            "Wiro task 2221 got no good answer from Wiro for too long: no good answer for 600 s, the last one: HTTP "
            "502; it was stopped.\nWiro does not charge for a stopped task. Increase outage_tolerance. An Airflow "
            "retry submits it again",
        ),
        (
            Verdict("not_found", "2221", None, "not found for 61 s"),
            WiroTaskNotFound,
            "Wiro task 2221 is not known to Wiro: not found for 61 s.\nWhether it was paid is not known. It is not "
            "submitted again by itself.\nWhat to do:\n1. check that the connection is of the account that ran it, and "
            "look for it in the Wiro dashboard\n2. delete it\n3. clear",
        ),
        (
            Verdict("elsewhere", "2221", "task_start", "the connection leads to B, but this is for A"),
            WiroWrongService,
            "Wiro task 2221 cannot be looked at, status task_start: the connection leads to B, but this is for A.\n"
            "It was not stopped: it runs on there, and may be paid. Set the connection's host back, then clear this "
            "task: its record is kept",
        ),
    ],
)
def test_each_failure_is_an_exception_of_its_own_that_says_what_to_do(
    verdict: Verdict, kind: type[WiroTaskError], message: str
) -> None:
    error = error_of(verdict, again=("delete it", "clear"))
    assert type(error) is kind
    assert str(error) == message
    assert (error.taskid, error.status) == (verdict.taskid, verdict.status)
    assert error.retryable is (kind not in (WiroTaskNotFound, WiroWrongService))


@pytest.mark.parametrize("kind", ["stuck", "timeout", "gave_up"])
def test_a_task_that_could_not_be_stopped_is_not_retried_for_it_may_still_be_paid(kind: str) -> None:
    event = Verdict("timeout", "2221", "task_start", "late", False).to_event() | {"verdict": kind}
    error = error_of(Verdict.from_event(event))
    assert error.retryable is False
    assert "COULD NOT BE STOPPED and may still run and be paid: stop it in the Wiro dashboard" in str(error)
    assert "submits it again" not in str(error)


@pytest.mark.parametrize(("pexit", "why"), [("1", "pexit 1: no GPU left"), (None, "it ended without outputs: no GPU")])
def test_a_failed_task_that_shows_a_cost_is_not_submitted_again_by_itself(pexit: str | None, why: str) -> None:
    said = {"pexit": pexit, "debugerror": "no GPU left"}
    verdict = Verdict.of(Task("2221", "task_postprocess_end", {**said, "totalcost": "0.25"}))
    error = error_of(verdict)
    assert (type(error), error.retryable) == (WiroTaskFailed, False)
    assert f"failed, but was charged, status task_postprocess_end: 0.25 USD; {why}" in str(error)
    assert "submits it again" not in str(error)
    free = Verdict.of(Task("2221", "task_postprocess_end", {**said, "totalcost": "0.00"}))
    assert error_of(free).retryable


def test_a_success_without_output_is_an_error_that_is_not_retried() -> None:
    result = success([]).result
    assert result is not None
    error = no_output(result, ("delete it", "clear"))
    assert type(error) is WiroNoOutput
    assert (error.taskid, error.status, error.retryable) == ("2221", "task_postprocess_end", False)
    assert "may have been charged" in str(error)
    assert str(error).endswith("1. look at it in the Wiro dashboard\n2. delete it\n3. clear")


@pytest.mark.parametrize("kind", ["charged", "unreadable", "not_found"])
def test_what_is_paid_is_made_again_only_once_its_record_is_deleted(kind: Kind) -> None:
    """A clear alone finds the record, and fails again."""
    steps = ("for a new generation, delete the record", "then clear this task")
    said = str(error_of(Verdict(kind, "2221", None), again=steps))
    assert said.endswith("\n2. for a new generation, delete the record\n3. then clear this task")
    assert "record" not in str(error_of(Verdict(kind, "2221", None), again=steps, watches=True))
