"""The hook's calls, over sockets, against the emulator."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_wiro.clients import throttle
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroConfigError,
    WiroInputError,
    WiroRefused,
    WiroSubmissionUnknown,
    WiroTaskCancelled,
    WiroTaskFailed,
    WiroTaskNotFound,
    WiroTaskTimeout,
    WiroUnreachable,
)
from airflow_provider_wiro.hooks.wiro import WiroHook
from doubles import when

MODEL = "Runway/image-to-video-gen4-turbo"
INPUTS = {
    "inputImageUrl": "Runway_image-to-video-gen4-turbo_input_2.png",
    "prompt": "A miniature steam engine train.",
    "ratio": "1280:720",
    "duration": "5",
    "contentModeration": "auto",
    "seed": 0,
}


@pytest.fixture
def hook(wiro_emulator: WiroEmulator) -> WiroHook:
    return WiroHook()


@pytest.fixture
def open_gates() -> Iterator[None]:
    """No gate stays closed for the next test."""
    yield
    throttle._opens.clear()


def bodies(emulator: WiroEmulator) -> list[tuple[str, object]]:
    return [(request.path, json.loads(request.raw)) for request in emulator.requests]


def test_run_sends_the_seeds_body_and_returns_the_submission(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    submission = hook.run(MODEL, INPUTS)
    [task] = wiro_emulator.runs
    assert (submission.taskid, submission.token) == (task.taskid, task.token)
    assert abs(submission.submitted_at - task.created_at) < 5
    assert bodies(wiro_emulator) == [("/v1/Run/Runway/image-to-video-gen4-turbo", INPUTS)]
    assert wiro_emulator.requests[0].headers["content-type"] == "application/json"


def test_each_call_sends_the_seeds_body(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0, times=2)
    one, two = hook.run(MODEL, INPUTS), hook.run(MODEL, INPUTS)
    hook.get_task(one.taskid)
    hook.get_task(token=one.token)
    hook.kill(one.taskid)
    hook.kill(token=two.token)
    with pytest.raises(WiroRefused):
        hook.cancel(one.taskid)
    assert bodies(wiro_emulator)[2:] == [
        ("/v1/Task/Detail", {"taskid": one.taskid}),
        ("/v1/Task/Detail", {"tasktoken": one.token}),
        ("/v1/Task/Kill", {"taskid": one.taskid}),
        ("/v1/Task/Kill", {"socketaccesstoken": two.token}),
        ("/v1/Task/Cancel", {"taskid": one.taskid}),
    ]


def test_get_task_reads_numbers_as_numbers(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    task = hook.get_task(hook.run(MODEL, INPUTS).taskid)
    assert (task.status, task.pexit, task.cost_usd, task.succeeded) == ("task_postprocess_end", "0", 0.25, True)
    assert task.outputs[0].content_type == "video/mp4"
    assert isinstance(task.outputs[0].size, int)


def test_get_task_of_a_stranger_is_not_found(hook: WiroHook) -> None:
    with pytest.raises(WiroTaskNotFound, match=r"999.*account") as caught:
        hook.get_task("999")
    assert caught.value.taskid == "999"


@pytest.mark.parametrize("given", [{}, {"taskid": "1", "token": "2"}, {"taskid": ""}])
def test_a_task_is_named_by_one_of_taskid_and_token(hook: WiroHook, given: dict[str, str]) -> None:
    for call in (hook.get_task, hook.kill):
        with pytest.raises(WiroInputError, match="either taskid or token"):
            call(**given)


def test_kill_stops_a_running_task_and_refuses_a_queued_one(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold="task_queue")
    wiro_emulator.outcome(hold="task_start", duration=0.0)
    queued, running = hook.run(MODEL, INPUTS), hook.run(MODEL, INPUTS)
    assert hook.kill(running.taskid).status == "task_cancel"
    with pytest.raises(WiroRefused, match="Task could not be killed: it is not running yet") as caught:
        hook.kill(queued.taskid)
    assert caught.value.code == 1
    assert hook.cancel(queued.taskid).status == "task_cancel"


@pytest.mark.parametrize("hold", ["task_queue", "task_start"])
def test_stop_stops_a_task_in_any_state(hook: WiroHook, wiro_emulator: WiroEmulator, hold: str) -> None:
    wiro_emulator.outcome(hold=hold, duration=0.0)
    taskid = hook.run(MODEL, INPUTS).taskid
    assert hook.stop(taskid).over
    assert wiro_emulator.tasks[taskid].status == "task_cancel"
    again = hook.stop(taskid)
    assert again.over
    assert "already over" in again.note


def test_stop_works_while_another_request_hangs(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = hook.run(MODEL, INPUTS).taskid
    wiro_emulator.script("Detail", "slow", seconds=4)
    stopper = when(lambda: wiro_emulator.count("Detail") == 1, lambda: hook.stop(taskid))
    assert hook.get_task(taskid).status == "task_cancel"
    stopper.join()


def test_nothing_is_waited_for_past_the_deadline_while_wiro_throttles(
    hook: WiroHook, wiro_emulator: WiroEmulator, open_gates: None
) -> None:
    wiro_emulator.script("Detail", "429", retry_after=60)
    with pytest.raises(WiroUnreachable):
        hook.get_task("2221")
    deadline = time.time() + 0.2
    with pytest.raises(WiroBusy, match="Nothing was submitted"):
        hook.run(MODEL, INPUTS, deadline=deadline)
    assert time.time() < deadline + 5
    assert (wiro_emulator.count("Run"), wiro_emulator.count("Detail")) == (0, 1)


def test_wait_returns_the_result(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    taskid = hook.run(MODEL, INPUTS).taskid
    result = hook.wait(taskid, poll_interval=0.1)
    [output] = result["outputs"]
    assert set(output) == {"url", "name", "content_type", "size", "content"}
    assert (output["name"], output["content_type"]) == ("0.mp4", "video/mp4")
    assert (result["taskid"], result["status"]) == (taskid, "task_postprocess_end")
    assert (result["cost_usd"], result["elapsed_seconds"]) == (0.25, 0.5)
    json.dumps(result)


def test_wait_raises_what_went_wrong(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="CUDA out of memory", duration=0.0)
    wiro_emulator.outcome(end="task_cancel", duration=0.0)
    with pytest.raises(WiroTaskFailed, match="CUDA out of memory"):
        hook.wait(hook.run(MODEL, INPUTS).taskid)
    with pytest.raises(WiroTaskCancelled):
        hook.wait(hook.run(MODEL, INPUTS).taskid)


def test_wait_counts_its_timeout_from_the_run(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    submission = hook.run(MODEL, INPUTS)
    with pytest.raises(WiroTaskTimeout):
        hook.wait(submission.taskid, submitted_at=submission.submitted_at - 1000, timeout=900)
    assert wiro_emulator.count("Detail") == 1


def test_wait_survives_a_rotated_key(
    hook: WiroHook, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = hook.run(MODEL, INPUTS).taskid
    wiro_emulator.rotate_key("new-key-0123", "new-secret-0123")
    monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(wiro_emulator.connection))
    wiro_emulator.release(taskid)
    assert hook.wait(taskid, poll_interval=0.1)["status"] == "task_postprocess_end"


@pytest.mark.parametrize(
    ("fault", "options", "error"),
    [
        ("code", {"code": 97, "message": "No balance"}, WiroRefused),
        ("code", {"code": 96, "message": "Too many"}, WiroBusy),
        ("no_taskid", {}, WiroSubmissionUnknown),
        ("drop_after", {}, WiroSubmissionUnknown),
        ("5xx", {"status": 502}, WiroSubmissionUnknown),
    ],
)
def test_a_run_that_is_not_accepted_raises_and_is_sent_once(
    hook: WiroHook, wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any], error: type[Exception]
) -> None:
    wiro_emulator.script("Run", fault, **options)
    with pytest.raises(error):
        hook.run(MODEL, INPUTS)
    assert wiro_emulator.count("Run") == 1


def test_a_rejected_key_is_an_auth_error(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.rotate_key("another-key", "another-secret")
    with pytest.raises(WiroAuthError, match=r"login \(API key\)"):
        hook.run(MODEL, INPUTS)


def test_a_read_without_a_good_answer_is_unreachable(hook: WiroHook, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Detail", "html")
    with pytest.raises(WiroUnreachable, match="Just a moment"):
        hook.get_task("2221")


@pytest.mark.parametrize(
    ("model", "inputs", "said"),
    [("Runway", {}, "model is 'Runway'"), (MODEL, ["x"], "inputs is"), (MODEL, {"seed": float("nan")}, "seed.*nan")],
)
def test_what_cannot_be_sent_is_refused_before_a_request(
    hook: WiroHook, wiro_emulator: WiroEmulator, model: str, inputs: dict[str, object], said: str
) -> None:
    with pytest.raises(WiroInputError, match=said):
        hook.run(model, inputs)
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("name", ["submitted_at", "timeout", "poll_interval", "outage_tolerance", "task_error_grace"])
@pytest.mark.parametrize("value", ["5", -1, float("nan"), float("inf"), True])
def test_a_wait_that_cannot_be_is_refused_before_a_request(
    hook: WiroHook, wiro_emulator: WiroEmulator, name: str, value: object
) -> None:
    arguments: dict[str, Any] = {name: value, "stop_at_timeout": True}
    with pytest.raises(WiroInputError, match=rf"{name} is .*allowed"):
        hook.wait("2221", **arguments)
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("deadline", ["5", float("nan"), True])
def test_a_submission_has_a_deadline_that_is_a_time(hook: WiroHook, wiro_emulator: WiroEmulator, deadline: Any) -> None:
    with pytest.raises(WiroInputError, match=r"deadline is .*allowed"):
        hook.run(MODEL, INPUTS, deadline=deadline)
    assert wiro_emulator.requests == []


def test_a_project_with_only_a_key_signs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with WiroEmulator(api_secret=None, duration=0.0) as emulator:
        monkeypatch.setenv("AIRFLOW_CONN_KEY_ALONE", json.dumps(emulator.connection))
        WiroHook("key_alone").run(MODEL, INPUTS)
        [request] = emulator.requests
    assert request.headers["x-api-key"] == "emulator-key"
    assert not {"x-nonce", "x-signature"} & set(request.headers)


def test_a_connection_without_a_key_says_which_field_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_EMPTY", json.dumps({"conn_type": "wiro", "password": "s3cret-s3cret"}))
    with pytest.raises(WiroConfigError, match=r"'empty'.*login \(API key\) is empty"):
        WiroHook("empty").get_task("1")


def test_a_hook_looks_its_connection_up_once(
    hook: WiroHook, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.run(MODEL, INPUTS)
    monkeypatch.delenv("AIRFLOW_CONN_WIRO_DEFAULT")  # a second look-up would fail
    taskid = hook.run(MODEL, INPUTS).taskid
    assert hook.stop(taskid).over


def test_the_hook_has_the_apis_calls_and_no_more() -> None:
    own = {name for name in vars(WiroHook) if not name.startswith("_") and callable(getattr(WiroHook, name))}
    calls = {"run", "get_task", "kill", "cancel", "stop", "wait", "delete"}
    form = {"get_ui_field_behaviour", "get_connection_form_widgets"}
    assert own - form == calls | {"test_connection"}
