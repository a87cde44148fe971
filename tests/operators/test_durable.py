"""A worker dies, and the next try goes on: one task instance pays once, with a journal in a folder."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroRequestError,
    WiroTaskError,
)
from airflow_provider_wiro.operators import wiro
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import pay, settle
from airflow_provider_wiro.stages.paid import PaidTask
from doubles import FakeTaskInstance, Lines
from operators import defer, generic, runway
from taskids import FIRST, SECOND
from tries import kept, lose_a_try, run_try, warnings_in

pytestmark = pytest.mark.usefixtures("journal_folder")


POINTS: dict[str, tuple[Any, str, bool]] = {
    "before the intent": (pay, "_begin", False),
    "before the answer comes": (PaidTask, "obtained", False),
    "before the taskid is written down": (pay, "write_down", False),
    "after the taskid is written down": (pay, "write_down", True),
    "before XCom": (FakeTaskInstance, "xcom_push", False),
    "after XCom": (FakeTaskInstance, "xcom_push", True),
    "while it waits or defers": (wiro, "wait_for_verdict", False),
    "before the result is returned": (settle, "deliver", False),
    "after all is done": (settle, "deliver", True),
}


@pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferred"])
@pytest.mark.parametrize("finished", [False, True], ids=["active", "finished"])
@pytest.mark.parametrize("point", POINTS)
def test_a_try_that_dies_is_taken_up_by_the_next_one(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, point: str, finished: bool, deferrable: bool
) -> None:
    owner, method, after = POINTS[point]
    if finished:
        wiro_emulator.outcome(duration=0.0)
    lose_a_try(monkeypatch, owner, method, after=after, deferrable=deferrable)
    ti = FakeTaskInstance()
    result = run_try(ti=ti, deferrable=deferrable)
    assert len(wiro_emulator.runs) == wiro_emulator.count("Run") == 1
    assert result["status"] == "task_postprocess_end"
    assert result["outputs"][0]["url"].endswith("/0.mp4")
    assert ti.xcoms.pop("wiro_generation")["outcome"] == "success"
    url = result["outputs"][0]["url"]
    assert ti.xcoms == {"taskid": result["taskid"], "output_urls": [url], "output_url": url}
    record = kept()
    assert record is not None
    assert record.taskid == result["taskid"]


AFTER_THE_RECORD = [point for point in POINTS if point not in list(POINTS)[:3]]


@pytest.mark.parametrize("point", AFTER_THE_RECORD)
def test_what_is_written_down_with_its_taskid_needs_no_search(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    owner, method, after = POINTS[point]
    lose_a_try(monkeypatch, owner, method, after=after)
    assert run_try()["taskid"] == FIRST
    assert (len(wiro_emulator.runs), wiro_emulator.count("List")) == (1, 0)


@pytest.mark.parametrize("deferrable", [False, True])
def test_after_a_death_between_intent_and_submission_the_list_shows_that_nothing_was_accepted(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    lose_a_try(monkeypatch, pay, "_begin", after=True, deferrable=deferrable)
    assert wiro_emulator.count("Run") == 0
    assert run_try(deferrable=deferrable)["outputs"]
    assert len(wiro_emulator.runs) == 1


def test_any_number_of_tries_after_the_first_pays_nothing(wiro_emulator: WiroEmulator) -> None:
    results = [run_try() for _ in range(4)]
    assert len(wiro_emulator.runs) == 1
    assert results == [results[0]] * 4


def test_taking_an_earlier_result_is_one_warning_that_says_how_to_force_a_new_one(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    run_try()
    lines.lines.clear()
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 3 * 86400 + 7200)
    run_try()
    [warning] = warnings_in(lines)
    assert re.search(rf"taskid {FIRST}: taking the outputs of the submission of 3 days 2 hours.* ago", warning)
    for part in ("nothing is submitted", "map_index=-1.json", "durable=False", "idempotency_key"):
        assert part in warning


def test_going_on_with_a_task_that_is_active_is_said_in_the_log(all_held: WiroEmulator, lines: Lines) -> None:
    defer(runway(deferrable=True), FakeTaskInstance())
    lines.lines.clear()
    defer(runway(deferrable=True), FakeTaskInstance())
    assert re.search(rf"taskid {FIRST}: .*(earlier|attach|going on)", lines.text)


def test_durable_false_always_submits_and_writes_nothing_down(
    wiro_emulator: WiroEmulator, journal_folder: Path
) -> None:
    for _ in range(2):
        run_try(durable=False)
    assert len(wiro_emulator.runs) == 2
    assert list(journal_folder.rglob("*.json")) == []


def test_without_a_journal_there_is_one_warning(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    monkeypatch.delenv("AIRFLOW__WIRO__JOURNAL_PATH")
    run_try(deferrable=True)
    [warning] = warnings_in(lines)
    for part in ("durable=True", "a retry may pay", "[wiro] journal_path", "all workers share", "Airflow 3.3"):
        assert part in warning


@pytest.mark.parametrize("deferrable", [False, True])
def test_changed_inputs_stop_the_old_task_before_there_is_a_new_one(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", prompt="old", deferrable=deferrable)
    all_held.clear()
    result = run_try(prompt="new", deferrable=deferrable)
    assert (all_held.tasks[FIRST].status, result["taskid"]) == ("task_cancel", SECOND)
    assert all_held.peak_active == 1


def test_changed_inputs_whose_old_task_cannot_be_stopped_submit_nothing(
    all_held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", prompt="old")
    for call in ("Kill", "Cancel"):
        all_held.script(call, "5xx", times=-1)
    with pytest.raises(WiroTaskError, match="COULD NOT BE STOPPED") as caught:
        run_try(prompt="new")
    assert not isinstance(caught.value, AirflowFailException)
    assert all_held.count("Run") == 1
    record = kept()
    assert record is not None
    assert record.taskid == FIRST


def test_a_rendered_idempotency_key_makes_inputs_that_differ_the_same_work(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signed(signature: str) -> dict[str, Any]:
        return {"input_image_url": f"https://x.example/0.png?s={signature}", "idempotency_key": "ride-1"}

    lose_a_try(monkeypatch, PaidTask, "obtained", **signed("a"))
    results = [run_try(**signed(signature)) for signature in "bc"]
    assert len(wiro_emulator.runs) == 1
    assert run_try(**signed("d") | {"idempotency_key": "ride-2"})["taskid"] != results[0]["taskid"]
    assert "idempotency_key" in WiroRunOperator.template_fields


@pytest.mark.parametrize("key", ["", "None", "  "])
def test_an_idempotency_key_that_is_rendered_to_nothing_sends_nothing(wiro_emulator: WiroEmulator, key: str) -> None:
    with pytest.raises(ValueError, match="idempotency_key is "):
        run_try(idempotency_key=key)
    assert wiro_emulator.requests == []
    assert kept() is None


def test_inputs_that_were_refused_in_between_do_not_make_one_pay_again(wiro_emulator: WiroEmulator) -> None:
    paid = run_try()
    wiro_emulator.script("Run", "code", code=0, message="Request parameters are invalid.")
    with pytest.raises(WiroRequestError, match="parameters are invalid"):
        run_try(prompt="far too long")
    assert run_try() == paid
    assert len(wiro_emulator.runs) == 1


def test_a_generation_that_failed_is_generated_anew(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="CUDA out of memory")
    with pytest.raises(WiroTaskError, match="CUDA out of memory"):
        run_try()
    assert run_try()["taskid"] == SECOND


@pytest.mark.parametrize("make", [runway, generic])
def test_a_generation_that_failed_and_was_charged_is_never_a_success(
    wiro_emulator: WiroEmulator, make: Callable[..., WiroRunOperator]
) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="CUDA out of memory", totalcost="0.25", outputs=0)
    for _ in range(2):
        with pytest.raises(WiroTaskError):
            run_try(make)
    assert len(wiro_emulator.runs) == 1


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="the task state store came with Airflow 3.3")
@pytest.mark.parametrize("deferrable", [False, True])
def test_airflows_own_state_store_serves_where_there_is_no_folder(
    run_dag: Callable[..., Any], wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    monkeypatch.delenv("AIRFLOW__WIRO__JOURNAL_PATH")
    deliver, lost = settle.deliver, [True]

    def lost_once(*arguments: Any) -> Any:
        if lost.pop() if lost else False:
            raise RuntimeError("the first try is lost")
        return deliver(*arguments)

    monkeypatch.setattr(settle, "deliver", lost_once)
    run = run_dag(lambda: runway(deferrable=deferrable, retries=1, retry_delay=timedelta(0)))
    assert (run.state, run.tries) == ("success", 2)
    assert run.xcom()["taskid"] == FIRST
    assert (len(wiro_emulator.runs), wiro_emulator.count("List")) == (1, 0)
