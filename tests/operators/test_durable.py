"""A worker dies, and the next try goes on: one task instance pays once, with a journal in a folder."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_wiro.core import calls, recovery
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.protocol import send
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroInterrupted,
    WiroJournalError,
    WiroOutputsGone,
    WiroRequestError,
    WiroSubmissionUnknown,
    WiroTaskCancelled,
    WiroTaskError,
)
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journal_store import FolderJournal, open_journal
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, Lines, context_of, wait_until, when
from driving import DriveSync, credentials_of
from operators import defer, generic, runway
from triggerer import fire


def warnings_in(lines: Lines) -> list[str]:
    """Return the warnings, but for what Airflow says of an operator that a test executes by hand."""
    return [line for line in lines.lines if line.startswith("WARNING") and "outside of the Task Runner" not in line]


class Died(BaseException):
    """The worker is no more: whatever comes next does not happen."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the journal is; and no pause takes long."""
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    monkeypatch.setattr(recovery, "SETTLED_AFTER", 0.5)
    for module, name in [(recovery, "READ_PAUSES"), (calls, "RUN_PAUSES"), (calls, "STOP_PAUSES")]:
        monkeypatch.setattr(module, name, (0.01, 0.01))
    return tmp_path


@pytest.fixture
def held(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """Every task runs until it is released or stopped."""
    wiro_emulator.outcome(hold=True, duration=0.0, times=-1)
    return wiro_emulator


def kept() -> Record | None:
    """What the journal holds."""
    journal = open_journal(context_of(FakeTaskInstance()))
    assert journal is not None
    return journal.read()


def run_try(make: Callable[..., WiroRunOperator] = runway, ti: FakeTaskInstance | None = None, **arguments: Any) -> Any:
    """Do one try as Airflow does: with a new operator in every process, and its triggers in between."""
    context = context_of(ti or FakeTaskInstance())
    operator = make(**arguments)
    step: Callable[[], Any] = lambda: operator.execute(context)  # noqa: E731
    while True:
        try:
            return step()
        except TaskDeferred as deferred:
            kwargs = (deferred.kwargs or {}) | {"event": fire(deferred.trigger)}  # type: ignore[arg-type]
            again, method = make(**arguments), deferred.method_name
            step = lambda: again.resume_execution(method, kwargs, context)  # noqa: B023, E731


def die(patch: pytest.MonkeyPatch, owner: type, method: str, *, after: bool = False) -> None:
    """Let the worker die when it comes to *method*, or when *method* has done its work."""
    real = getattr(owner, method)

    def dying(*arguments: Any, **named: Any) -> Any:
        if after:
            real(*arguments, **named)
        raise Died

    patch.setattr(owner, method, dying)


def lose_a_try(patch: pytest.MonkeyPatch, owner: type, method: str, *, after: bool = False, **arguments: Any) -> None:
    with patch.context() as patched:
        die(patched, owner, method, after=after)
        with pytest.raises(Died):
            run_try(**arguments)


POINTS: dict[str, tuple[type, str, bool]] = {
    "before the intent": (FolderJournal, "begin", False),
    "before the answer comes": (WiroHook, "run", True),
    "before the taskid is written down": (FolderJournal, "submitted", False),
    "after the taskid is written down": (FolderJournal, "submitted", True),
    "before XCom": (FakeTaskInstance, "xcom_push", False),
    "after XCom": (FakeTaskInstance, "xcom_push", True),
    "while it waits or defers": (WiroRunOperator, "_deadline", True),
    "before the result is returned": (WiroRunOperator, "_finish", False),
    "after all is done": (WiroRunOperator, "_finish", True),
}


@pytest.mark.parametrize("deferrable", [False, True], ids=["sync", "deferred"])
@pytest.mark.parametrize("finished", [False, True], ids=["active", "finished"])
@pytest.mark.parametrize("point", POINTS)
def test_a_try_that_dies_is_taken_up_by_the_next_one(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, point: str, finished: bool, deferrable: bool
) -> None:
    owner, method, after = POINTS[point]
    if method == "_deadline":  # it is asked once before the Run, and once after it
        with monkeypatch.context() as patched:
            die(patched, WiroHook, "wait")
            die(patched, WiroRunOperator, "_defer")
            with pytest.raises(Died):
                run_try(deferrable=deferrable)
    else:
        lose_a_try(monkeypatch, owner, method, after=after, deferrable=deferrable)
    if finished:
        wiro_emulator.advance(60)
    ti = FakeTaskInstance()
    result = run_try(ti=ti, deferrable=deferrable)
    assert len(wiro_emulator.runs) == wiro_emulator.count("Run") == 1
    assert result["status"] == "task_postprocess_end"
    assert result["outputs"][0]["url"].endswith("/0.mp4")
    assert ti.xcoms == {"taskid": result["taskid"], "output_urls": [result["outputs"][0]["url"]]}
    record = kept()
    assert record is not None
    assert record.taskid == result["taskid"]


AFTER_THE_RECORD = [point for point in POINTS if point not in list(POINTS)[:3]]


@pytest.mark.parametrize("point", AFTER_THE_RECORD)
def test_what_is_written_down_with_its_taskid_needs_no_search(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    owner, method, after = POINTS[point]
    lose_a_try(monkeypatch, *((WiroHook, "wait") if method == "_deadline" else (owner, method)), after=after)
    assert run_try()["taskid"] == "2221"
    assert (len(wiro_emulator.runs), wiro_emulator.count("List")) == (1, 0)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_death_between_intent_and_run_leaves_it_to_a_person(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    lose_a_try(monkeypatch, WiroHook, "run", deferrable=deferrable)
    with pytest.raises(WiroSubmissionUnknown, match="no task of that time has its inputs") as caught:
        run_try(deferrable=deferrable)
    assert isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 0
    record = kept()
    assert record is not None
    assert record.taskid is None
    assert run_try(deferrable=deferrable, on_unknown_submission="submit")["outputs"]
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
    assert re.search(r"taskid 2221: taking the outputs of the Run of 3 days 2 hours.* ago", warning)
    for part in ("nothing is submitted", "map_index=-1.json", "durable=False", "idempotency_key"):
        assert part in warning


def test_going_on_with_a_task_that_is_active_is_said_in_the_log(held: WiroEmulator, lines: Lines) -> None:
    defer(runway(deferrable=True), FakeTaskInstance())
    lines.lines.clear()
    defer(runway(deferrable=True), FakeTaskInstance())
    assert re.search(r"taskid 2221: .*(earlier|attach|going on)", lines.text)


# --- what makes it a new generation ---


def test_durable_false_always_submits_and_writes_nothing_down(wiro_emulator: WiroEmulator, folder: Path) -> None:
    for _ in range(2):
        run_try(durable=False)
    assert len(wiro_emulator.runs) == 2
    assert list(folder.iterdir()) == []


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
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", prompt="old", deferrable=deferrable)
    held.clear()
    result = run_try(prompt="new", deferrable=deferrable)
    assert (held.tasks["2221"].status, result["taskid"]) == ("task_cancel", "2222")
    assert held.peak_active == 1


def test_changed_inputs_whose_old_task_cannot_be_stopped_submit_nothing(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", prompt="old")
    for call in ("Kill", "Cancel"):
        held.script(call, "5xx", times=-1)
    with pytest.raises(WiroTaskError, match="COULD NOT BE STOPPED") as caught:
        run_try(prompt="new")
    assert not isinstance(caught.value, AirflowFailException)
    assert held.count("Run") == 1
    record = kept()
    assert record is not None
    assert record.taskid == "2221"


def test_a_rendered_idempotency_key_makes_inputs_that_differ_the_same_work(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signed(signature: str) -> dict[str, Any]:
        return {"input_image_url": f"https://x.example/0.png?s={signature}", "idempotency_key": "ride-1"}

    lose_a_try(monkeypatch, WiroHook, "run", after=True, **signed("a"))
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
    wiro_emulator.script("Run", "code", code=0, message="prompt is too long")
    with pytest.raises(WiroRequestError, match="prompt is too long"):
        run_try(prompt="far too long")
    assert run_try() == paid
    assert len(wiro_emulator.runs) == 1


def test_a_generation_that_failed_is_generated_anew(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="CUDA out of memory")
    with pytest.raises(WiroTaskError, match="CUDA out of memory"):
        run_try()
    assert run_try()["taskid"] == "2222"


@pytest.mark.parametrize("make", [runway, generic])
def test_a_generation_that_failed_and_was_charged_is_never_a_success(
    wiro_emulator: WiroEmulator, make: Callable[..., WiroRunOperator]
) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="CUDA out of memory", totalcost="0.25", outputs=0)
    for _ in range(2):
        with pytest.raises(WiroTaskError):
            run_try(make)
    assert len(wiro_emulator.runs) == 1


# --- outputs that are there no more ---


def test_outputs_that_were_deleted_are_an_error_of_their_own(wiro_emulator: WiroEmulator) -> None:
    run_try()
    token = wiro_emulator.runs[0].token
    DriveSync()(send("/Task/InputOutputDelete", {"tasktoken": token}), credentials_of(wiro_emulator))
    with pytest.raises(WiroOutputsGone, match="2221 succeeded in an earlier try and was paid") as caught:
        run_try()
    assert isinstance(caught.value, AirflowFailException)
    assert caught.value.taskid == "2221"
    for part in ("Nothing was submitted", "durable=False", "map_index=-1.json"):
        assert part in str(caught.value)
    assert len(wiro_emulator.runs) == 1
    assert run_try(durable=False)["taskid"] == "2222"


def test_an_output_that_is_not_found_is_named(wiro_emulator: WiroEmulator) -> None:
    url = f"{wiro_emulator.url}/Output/gone/0.mp4"
    wiro_emulator.outcome(outputs=[{"url": url, "name": "0.mp4"}])
    run_try()
    with pytest.raises(WiroOutputsGone, match=re.escape(url)):
        run_try()
    assert wiro_emulator.count("Output") == 1


@pytest.mark.parametrize("fault", ["5xx", "429", "drop_before", "redirect"])
def test_an_output_that_cannot_be_looked_at_is_not_taken_for_gone(wiro_emulator: WiroEmulator, fault: str) -> None:
    paid = run_try()
    wiro_emulator.script("Output", fault, times=-1)
    assert run_try() == paid


def test_no_key_is_sent_where_the_outputs_are(wiro_emulator: WiroEmulator) -> None:
    run_try()
    run_try()
    [look] = [request for request in wiro_emulator.requests if request.call == "Output"]
    assert not [name for name in look.headers if name.startswith("x-")]


@pytest.mark.parametrize(
    "url",
    ["http://" + "a" * 70 + ".com/", "http://[::1/0.mp4", "http://a..b/0.mp4", "https://%/", "http://127.0.0.1:99999/"],
)
def test_an_address_that_nothing_can_be_asked_of_proves_nothing(wiro_emulator: WiroEmulator, url: str) -> None:
    assert WiroHook().lost_outputs([url]) == []


# --- a Run without an answer ---


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("fault", ["drop_after", "no_taskid", "broken_json", "truncated"])
def test_a_run_whose_answer_is_lost_is_found_in_the_same_try(
    wiro_emulator: WiroEmulator, lines: Lines, fault: str, deferrable: bool
) -> None:
    wiro_emulator.script("Run", fault)
    assert run_try(deferrable=deferrable)["taskid"] == "2221"
    assert wiro_emulator.count("Run") == 1
    assert "taskid 2221: found in Task/List" in lines.text
    record = kept()
    assert record is not None
    assert record.taskid == "2221"


LIST_FAULTS: list[tuple[str, dict[str, Any]]] = [("5xx", {}), ("code", {"code": 1}), ("html", {})]


@pytest.mark.parametrize(("fault", "options"), LIST_FAULTS)
def test_a_run_that_cannot_be_looked_for_is_left_to_a_person(
    wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Run", "drop_after")
    wiro_emulator.script("List", fault, times=-1, **options)
    for _ in range(2):
        with pytest.raises(WiroSubmissionUnknown, match="Task/List brought no good answer") as caught:
            run_try()
        assert isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 1


def test_a_run_without_echoed_parameters_is_left_to_a_person(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(parameters="empty")
    wiro_emulator.script("Run", "drop_after")
    for _ in range(2):
        with pytest.raises(WiroSubmissionUnknown, match="do not show their parameters"):
            run_try()
    assert wiro_emulator.count("Run") == 1


def test_a_mapped_task_whose_answer_is_lost_is_left_to_a_person(wiro_emulator: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    ti.map_index = 3
    wiro_emulator.script("Run", "drop_after")
    for _ in range(2):
        with pytest.raises(WiroSubmissionUnknown, match="a mapped task cannot be told from its siblings"):
            run_try(ti=ti)
    assert (wiro_emulator.count("Run"), wiro_emulator.count("List")) == (1, 0)


def test_a_task_of_another_model_with_the_same_inputs_is_not_adopted(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    WiroHook().run("owner/another-video", {"prompt": "x"})
    lose_a_try(monkeypatch, WiroHook, "run", make=generic)
    with pytest.raises(WiroSubmissionUnknown):
        run_try(generic)


@pytest.mark.parametrize("lost", [1, 2])
def test_after_two_lost_answers_the_same_try_asks_no_third_time(wiro_emulator: WiroEmulator, lost: int) -> None:
    wiro_emulator.script("Run", "drop_before", times=lost)
    if lost == 1:
        assert run_try(on_unknown_submission="submit")["taskid"] == "2221"
    else:
        with pytest.raises(WiroSubmissionUnknown):
            run_try(on_unknown_submission="submit")
    assert wiro_emulator.count("Run") == 2


def test_a_lost_answer_without_a_journal_is_not_retried(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.script("Run", "drop_after")
    with pytest.raises(WiroSubmissionUnknown) as caught:
        run_try(durable=False)
    assert isinstance(caught.value, AirflowFailException)
    assert (wiro_emulator.count("Run"), wiro_emulator.count("List")) == (1, 0)


# --- a journal that fails ---


def _fail(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def test_where_the_intent_cannot_be_written_nothing_is_sent(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.journal_store.os.fsync", _fail)
    with pytest.raises(WiroJournalError, match="No space left on device") as caught:
        run_try()
    assert not isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 0
    monkeypatch.undo()


def test_a_journal_that_cannot_be_read_sends_nothing(wiro_emulator: WiroEmulator, folder: Path) -> None:
    run_try()
    [path] = folder.rglob("*.json")
    path.write_text('{"version": 1')
    with pytest.raises(WiroJournalError, match=re.escape(str(path))) as caught:
        run_try()
    assert not isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 1


def test_a_taskid_that_cannot_be_written_down_ends_nothing(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(FolderJournal, "_replace", _fail)
        paid = run_try()
    assert re.search(r"ERROR taskid 2221: .*No space left on device.*going on", lines.text)
    assert run_try() == paid
    assert len(wiro_emulator.runs) == 1


REFUSALS: list[tuple[str, dict[str, Any]]] = [
    ("code", {"code": 0, "message": "prompt is too long"}),
    ("code", {"code": 97, "message": "Insufficient balance"}),
    ("code", {"code": 98, "message": "Sign in"}),
    ("string_errors", {}),
]


@pytest.mark.parametrize(("fault", "options"), REFUSALS)
def test_a_run_that_is_refused_leaves_no_intent(
    wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Run", fault, **options)
    with pytest.raises(WiroRequestError):
        run_try()
    assert kept() is None
    assert run_try()["taskid"] == "2221"


def test_a_rejected_key_leaves_no_intent(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.rotate_key("another", None)
    with pytest.raises(WiroRequestError):
        run_try()
    assert kept() is None


def test_a_service_that_cannot_be_reached_leaves_no_intent(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.stop()
    with pytest.raises(WiroRequestError, match="nothing was submitted"):
        run_try()
    assert kept() is None


def test_an_intent_that_cannot_be_cleared_is_said_in_the_log_and_never_submitted_over(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    wiro_emulator.script("Run", "code", code=97, message="Insufficient balance")
    with monkeypatch.context() as patched:
        patched.setattr(FolderJournal, "_delete", _fail)
        with pytest.raises(WiroRequestError, match="Insufficient balance"):
            run_try()
    assert re.search(r"ERROR nothing was submitted, but .*delete it", lines.text)
    with pytest.raises(WiroSubmissionUnknown):
        run_try()


# --- a task that somebody else has stopped ---


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_task_that_was_only_attached_to_and_is_cancelled_is_submitted_once_more(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", after=True, deferrable=deferrable)
    looks = held.count("Detail")

    def stop_it() -> None:
        held.clear()
        held.tasks["2221"].stop()

    when(lambda: held.count("Detail") > looks + 1, stop_it)
    result = run_try(deferrable=deferrable)
    assert result["taskid"] == "2222"
    assert len(held.runs) == 2
    assert held.peak_active == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_it_is_submitted_only_once_more(held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, deferrable: bool) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", after=True, deferrable=deferrable)
    for taskid in ("2221", "2222"):
        when(
            lambda taskid=taskid: taskid in held.tasks and held.count("Detail") > 1,
            lambda taskid=taskid: (time.sleep(0.3), held.tasks[taskid].stop()),
        )
    with pytest.raises(WiroTaskCancelled):
        run_try(deferrable=deferrable)
    assert len(held.runs) == 2


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_task_of_this_very_try_that_is_cancelled_is_not_submitted_again(held: WiroEmulator, deferrable: bool) -> None:
    when(lambda: held.count("Detail"), lambda: held.tasks["2221"].stop())
    with pytest.raises(WiroTaskCancelled):
        run_try(deferrable=deferrable)
    assert len(held.runs) == 1


def test_nor_is_it_where_its_answer_was_lost(held: WiroEmulator) -> None:
    held.script("Run", "drop_after")
    when(lambda: held.count("Detail"), lambda: held.tasks["2221"].stop())
    with pytest.raises(WiroTaskCancelled):
        run_try(timeout=5)
    assert len(held.runs) == 1


# --- a kill in every phase ---


def killed(operator: WiroRunOperator, ti: FakeTaskInstance | None = None) -> WiroInterrupted:
    with pytest.raises(WiroInterrupted) as caught:
        operator.execute(context_of(ti or FakeTaskInstance()))
    return caught.value


def test_a_kill_while_waiting_for_an_attached_task_stops_it_and_submits_nothing(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push")
    operator, looks = runway(), held.count("Detail")
    when(lambda: held.count("Detail") > looks + 2, operator.on_kill)
    killed(operator)
    wait_until(lambda: held.tasks["2221"].status == "task_cancel")
    assert len(held.runs) == 1


@pytest.mark.parametrize("prompt", ["same", "changed"])
def test_a_kill_while_the_earlier_task_is_being_looked_at_stops_it(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, prompt: str
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push", prompt="same")
    held.script("Detail", "5xx", times=1)
    monkeypatch.setattr(recovery, "READ_PAUSES", (1.0, 1.0))
    operator = runway(prompt=prompt)
    when(lambda: held.count("Detail"), operator.on_kill)
    killed(operator)
    wait_until(lambda: held.tasks["2221"].status == "task_cancel", within=3)
    assert len(held.runs) == 1


def test_a_kill_while_the_earlier_run_is_being_looked_for_submits_nothing_and_keeps_the_intent(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, WiroHook, "run", after=True)
    held.script("List", "slow", seconds=0.5)
    operator = runway(on_unknown_submission="submit")
    when(lambda: held.count("List"), operator.on_kill)
    killed(operator)
    assert len(held.runs) == 1
    record = kept()
    assert record is not None
    held.tasks["2221"].release()
    assert run_try()["taskid"] == "2221"


def test_a_kill_while_the_intent_is_written_sends_nothing_and_leaves_none(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, begin = runway(), FolderJournal.begin

    def killed_meanwhile(*arguments: Any, **named: Any) -> None:
        operator.on_kill()
        begin(*arguments, **named)

    monkeypatch.setattr(FolderJournal, "begin", killed_meanwhile)
    killed(operator)
    assert held.count("Run") == 0
    assert kept() is None


def test_a_signal_that_raises_right_after_the_intent_leaves_none_either(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = FolderJournal.begin

    def too_late(*_: object) -> None:
        raise Died

    def signalled(*arguments: Any, **named: Any) -> None:
        begin(*arguments, **named)
        signal.raise_signal(signal.SIGALRM)

    monkeypatch.setattr(FolderJournal, "begin", signalled)
    before = signal.signal(signal.SIGALRM, too_late)
    try:
        with pytest.raises(Died):
            runway().execute(context_of(FakeTaskInstance()))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert held.count("Run") == 0
    assert kept() is None


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_kill_while_the_run_is_in_flight_stops_what_it_started(held: WiroEmulator, deferrable: bool) -> None:
    held.script("Run", "slow", seconds=0.5)
    operator = runway(deferrable=deferrable)
    when(lambda: held.count("Run"), operator.on_kill)
    assert killed(operator).retryable
    assert held.tasks["2221"].status == "task_cancel"


def test_a_kill_while_the_run_is_in_flight_whose_answer_is_lost_keeps_the_intent(held: WiroEmulator) -> None:
    held.script("Run", "hang", after=True, seconds=0.5)
    operator = runway()
    when(lambda: held.count("Run"), operator.on_kill)
    killed(operator)
    record = kept()
    assert record is not None
    assert len(held.runs) == 1
    held.tasks["2221"].release()
    assert run_try()["taskid"] == "2221"


def test_a_kill_while_the_taskid_is_written_down_stops_the_task(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator, submitted = runway(), FolderJournal.submitted

    def killed_meanwhile(*arguments: Any) -> None:
        operator.on_kill()
        submitted(*arguments)

    monkeypatch.setattr(FolderJournal, "submitted", killed_meanwhile)
    killed(operator)
    assert held.tasks["2221"].status == "task_cancel"
    record = kept()
    assert record is not None
    assert record.taskid == "2221"


def test_a_kill_before_the_replacement_of_a_cancelled_task_submits_none(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push")
    operator, instead = runway(), WiroRunOperator._generate_instead

    def killed_meanwhile(self: WiroRunOperator, *arguments: Any) -> Any:
        operator.on_kill()
        return instead(self, *arguments)

    monkeypatch.setattr(WiroRunOperator, "_generate_instead", killed_meanwhile)
    looks = held.count("Detail")
    when(lambda: held.count("Detail") > looks + 1, lambda: held.tasks["2221"].stop())
    killed(operator)
    assert len(held.runs) == 1


def test_a_kill_after_which_the_task_is_cancelled_is_not_taken_for_somebody_elses(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, FakeTaskInstance, "xcom_push")
    operator, wait = runway(), WiroHook.wait

    def killed_meanwhile(self: WiroHook, *arguments: Any, **named: Any) -> Any:
        operator.on_kill()
        self._interrupted = False
        assert self._client is not None
        self._client._interrupted = False
        return wait(self, *arguments, **named)

    monkeypatch.setattr(WiroHook, "wait", killed_meanwhile)
    with pytest.raises((WiroTaskCancelled, WiroInterrupted)):
        operator.execute(context_of(FakeTaskInstance()))
    assert len(held.runs) == 1
