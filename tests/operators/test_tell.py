"""The XCom ``wiro_generation``: pushed at the submission, and again at the end, however that is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_wiro.core.verdict import Kind
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroError, WiroNoOutput, WiroTaskTimeout
from doubles import FakeTaskInstance, Lines, context_of, event, when
from operators import defer, generic, runway
from taskids import FIRST, SECOND
from tries import run_try, warnings_in

GENERATION = "wiro_generation"
SIGNED = "https://user:secret@bucket.example/a.png?X-Amz-Signature=secret"


class Remembering(FakeTaskInstance):
    """Keeps what was pushed, one after the other; some keys cannot be pushed, or not be read."""

    def __init__(self, *, unpushable: str = "", unreadable: str = "") -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []
        self._unpushable, self._unreadable = unpushable, unreadable

    def xcom_push(self, key: str, value: Any) -> None:
        if key == self._unpushable:
            raise ConnectionError("the XCom backend is away")
        json.dumps(value)
        super().xcom_push(key, value)
        if key == GENERATION:
            self.told.append(value)

    def xcom_pull(self, *, key: str, **named: Any) -> Any:
        if key == self._unreadable:
            raise ConnectionError("the XCom backend is away")
        return super().xcom_pull(key=key, **named)


@pytest.mark.parametrize("deferrable", [False, True])
def test_it_is_told_at_the_submission_and_at_the_end(wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    ti = Remembering()
    result = run_try(generic, ti, deferrable=deferrable)
    at_first, at_last = ti.told
    submitted_at = at_first.pop("submitted_at")
    assert at_first == {
        "version": 1,
        "taskid": FIRST,
        "model": "owner/video",
        "inputs": {"prompt": "x"},
        "base_url": wiro_emulator.url,
        "try_number": 1,
        "attached": False,
        "outcome": None,
        "error": None,
        "cost_usd": None,
    }
    ended = {"outcome": "success", "cost_usd": result["cost_usd"], "submitted_at": submitted_at}
    assert at_last == at_first | ended
    assert result["cost_usd"] is not None


def test_it_is_told_before_anybody_waits(all_held: WiroEmulator) -> None:
    ti = Remembering()
    defer(generic(deferrable=True), ti)
    assert [told["outcome"] for told in ti.told] == [None]


VERDICTS: list[tuple[Kind, str, str]] = [
    ("failed", "failed", "WiroTaskFailed"),
    ("flagged", "flagged", "WiroTaskFlagged"),
    ("cancelled", "cancelled", "WiroTaskCancelled"),
    ("stuck", "stuck", "WiroTaskStuck"),
    ("realtime", "failed", "WiroTaskFailed"),
    ("timeout", "timeout", "WiroTaskTimeout"),
    ("gave_up", "gave_up", "WiroTaskGaveUp"),
    ("not_found", "not_found", "WiroTaskNotFound"),
    ("elsewhere", "elsewhere", "WiroWrongService"),
]


@pytest.mark.parametrize(("kind", "outcome", "error"), VERDICTS)
def test_each_verdict_of_the_trigger_is_told(wiro_emulator: WiroEmulator, kind: Kind, outcome: str, error: str) -> None:
    ti = Remembering()
    deferred = defer(generic(deferrable=True), ti)
    given = {**(deferred.kwargs or {}), "event": event(kind)}
    with pytest.raises(WiroError):
        generic().resume_execution(deferred.method_name, given, context_of(ti))
    assert len(ti.told) == 2
    assert ti.told[1] == ti.told[0] | {"outcome": outcome, "error": error}


def test_a_failure_in_the_worker_is_told(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    ti = Remembering()
    with pytest.raises(WiroError):
        run_try(generic, ti)
    assert [(told["outcome"], told["error"]) for told in ti.told] == [(None, None), ("failed", "WiroTaskFailed")]


def test_a_timeout_in_the_worker_is_told(all_held: WiroEmulator) -> None:
    ti = Remembering()
    with pytest.raises(WiroTaskTimeout):
        run_try(generic, ti, timeout=0.3)
    assert ti.told[-1]["outcome"] == "timeout"


def test_a_task_that_somebody_cancels_is_told(all_held: WiroEmulator) -> None:
    ti = Remembering()
    when(lambda: all_held.count("Detail"), lambda: all_held.tasks[FIRST].stop())
    with pytest.raises(WiroError):
        run_try(generic, ti)
    assert ti.told[-1]["outcome"] == "cancelled"


def test_a_success_without_its_output_is_told(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(outputs=0, duration=0.0)
    ti = Remembering()
    with pytest.raises(WiroNoOutput):
        run_try(runway, ti)
    assert ti.told[-1]["outcome"] == "no_output"


@pytest.mark.usefixtures("journal_folder")
def test_what_an_earlier_try_has_submitted_is_told_as_such(wiro_emulator: WiroEmulator) -> None:
    first = Remembering()
    run_try(generic, first)
    ti = Remembering()
    ti.try_number = 2
    run_try(generic, ti)
    assert [(told["attached"], told["try_number"]) for told in ti.told] == [(True, 2)] * 2
    assert ti.told[0]["submitted_at"] == first.told[0]["submitted_at"]


def test_the_inputs_are_shown_without_secrets_and_at_most_4_kb(wiro_emulator: WiroEmulator) -> None:
    ti = Remembering()
    inputs = {
        "image": SIGNED,
        "prompt": f"Animate {SIGNED} now. " + "x" * 20_000,
        "images": [[SIGNED]],
        "callbackUrl": SIGNED,
    }
    run_try(generic, ti, inputs=inputs)
    for told in ti.told:
        shown = told["inputs"]
        assert "secret" not in json.dumps(told)
        assert len(json.dumps(shown).encode()) <= 4096
        assert shown["image"] == "https://bucket.example/a.png"
        assert shown["prompt"].startswith("Animate https://bucket.example/a.png now. xxx")
        assert "callbackUrl" not in shown
    assert SIGNED in wiro_emulator.runs[0].parameters["image"]


@pytest.mark.parametrize("deferrable", [False, True])
def test_without_do_xcom_push_only_the_taskid_is_pushed(wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    ti = Remembering()
    run_try(generic, ti, deferrable=deferrable, do_xcom_push=False)
    assert ti.xcoms == {"taskid": FIRST}


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("broken", ["unpushable", "unreadable"])
def test_what_is_for_people_only_fails_nothing(
    wiro_emulator: WiroEmulator, lines: Lines, broken: str, deferrable: bool
) -> None:
    ti = Remembering(**{broken: GENERATION})
    result = run_try(generic, ti, deferrable=deferrable)
    assert result["taskid"] == FIRST
    assert ti.xcoms["output_urls"]
    assert [line for line in warnings_in(lines) if GENERATION in line and "the XCom backend is away" in line]


def test_an_unreadable_one_changes_no_error(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(pexit="1", duration=0.0)
    with pytest.raises(WiroError, match="pexit 1"):
        run_try(generic, Remembering(unreadable=GENERATION))


@pytest.mark.parametrize(
    "other", ["text", {"version": 2}, {"version": 1, "taskid": FIRST}, {"version": 1, "taskid": SECOND}], ids=str
)
def test_what_is_no_generation_of_this_task_is_left_as_it_is(wiro_emulator: WiroEmulator, other: object) -> None:
    ti = Remembering()
    deferred = defer(generic(deferrable=True), ti)
    assert isinstance(deferred, TaskDeferred)
    ti.xcoms[GENERATION] = other
    given = {**(deferred.kwargs or {}), "event": event("failed")}
    with pytest.raises(WiroError):
        generic().resume_execution(deferred.method_name, given, context_of(ti))
    assert ti.xcoms[GENERATION] == other
