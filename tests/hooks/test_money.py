"""What the hook says about money, over sockets, where Wiro answers oddly."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_wiro.core import calls
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroInputError,
    WiroNoOutput,
    WiroRefused,
    WiroRequestError,
    WiroSubmissionUnknown,
    WiroTaskError,
    WiroTaskGaveUp,
    WiroTaskNotFound,
    WiroTaskStuck,
    WiroTaskTimeout,
    WiroWrongService,
)
from airflow_provider_wiro.hooks.wiro import WiroHook
from fake_driver import row
from scripted_api import scripted_api

MODEL = "owner/model"
RETRY_LATER = "Internal server error, please retry later"


def says(code: object, message: str) -> dict[str, object]:
    return {"result": False, "errors": [{"code": code, "message": message}]}


def shows(*rows: dict[str, object]) -> dict[str, object]:
    return {"result": True, "errors": [], "tasklist": list(rows)}


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says(0, RETRY_LATER), WiroSubmissionUnknown, f"code 0: {RETRY_LATER}"),
        (says(0, "prompt is too long"), WiroSubmissionUnknown, "code 0: prompt is too long"),
        (says("E_BUSY", "try"), WiroSubmissionUnknown, "code E_BUSY: try"),
        (says(50, "Request parameter [prompt] required"), WiroSubmissionUnknown, "code 50: Request parameter"),
        (says(0, "Request parameter [prompt] required"), WiroRefused, "Nothing was submitted: check the model's name"),
        (says(0, "request PARAMETERS are invalid."), WiroRefused, "Nothing was submitted"),
        (says(0, "Project authorization is not valid."), WiroAuthError, "check login"),
        (says(0, "Requested ip 10.1.2.3 is not allowed."), WiroAuthError, "Nothing was submitted"),
        ({"result": False, "errors": {"code": 97, "message": "No balance"}}, WiroRefused, "code 97: No balance"),
        ({"result": False, "code": 97, "message": "No balance"}, WiroRefused, "code 97: No balance"),
        ({"result": False, "message": "Not today"}, WiroSubmissionUnknown, "Not today"),
        *((status, WiroRefused, RETRY_LATER) for status in (400, 403, 404, 422)),
        (401, WiroAuthError, RETRY_LATER),
    ],
)
def test_a_submission_is_refused_only_where_wiro_surely_did_not_accept_it(
    monkeypatch: pytest.MonkeyPatch, answer: object, error: type[WiroRequestError], words: str
) -> None:
    answer = (answer, says(0, RETRY_LATER)) if isinstance(answer, int) else answer
    with scripted_api(monkeypatch, model=[answer]) as api, pytest.raises(WiroRequestError) as caught:
        WiroHook().run(MODEL, {"prompt": "x"})
    assert type(caught.value) is error
    assert words in str(caught.value)
    assert api.calls == ["model"]


RUNNING, KILLED = row("task_start"), row("task_cancel")


@pytest.mark.parametrize(
    "yes", [shows(), shows(RUNNING), shows(KILLED | {"id": "2222"})], ids=["no row", "still running", "another task"]
)
def test_a_yes_that_does_not_show_the_end_is_not_taken_for_a_stop(
    monkeypatch: pytest.MonkeyPatch, yes: dict[str, object]
) -> None:
    monkeypatch.setattr(calls, "STOP_LOOKS", (0.01, 0.01))
    monkeypatch.setattr(calls, "STOP_PAUSES", (0.01, 0.01))
    no = says(1, "Task is not in a cancellable state.")
    with scripted_api(monkeypatch, Kill=[yes], Cancel=[no], Detail=[shows(RUNNING)]) as api:
        stopped = WiroHook().stop("2221")
    assert (stopped.over, stopped.task and stopped.task.status) == (False, "task_start")
    assert "COULD NOT BE STOPPED" in stopped.story("2221")
    assert api.calls.count("Kill") == 6


@pytest.mark.parametrize("late", [1, 3])
def test_a_stop_that_wiro_shows_a_moment_later_is_over(monkeypatch: pytest.MonkeyPatch, late: int) -> None:
    looks = [shows(RUNNING)] * late + [shows(KILLED)]
    began = time.monotonic()
    with scripted_api(monkeypatch, Kill=[shows()], Detail=looks) as api:
        stopped = WiroHook().stop("2221")
    assert (stopped.over, stopped.note, api.calls.count("Kill")) == (True, "stopped by Kill", 1)
    assert time.monotonic() - began < 5


DURATIONS = ["timeout", "poll_interval", "outage_tolerance", "task_error_grace"]


@pytest.mark.parametrize("name", DURATIONS)
@pytest.mark.parametrize("value", [0, -1, "3", None, timedelta(0)])
def test_a_bad_duration_is_refused_before_anything_is_sent(wiro_emulator: WiroEmulator, name: str, value: Any) -> None:
    with pytest.raises(WiroInputError, match=f"^{name} is .*; allowed: seconds above 0"):
        WiroHook().wait("2221", **{name: value})
    assert wiro_emulator.requests == []


def test_text_is_no_bool(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(WiroInputError, match=r"^stop_at_timeout is 'false'; allowed: True or False"):
        WiroHook().wait("2221", stop_at_timeout="false")  # type: ignore[arg-type]
    assert wiro_emulator.requests == []


def test_a_duration_may_be_a_timedelta(wiro_emulator: WiroEmulator) -> None:
    hook = WiroHook()
    wiro_emulator.outcome(hold=True, duration=0.0)
    short: Any = dict.fromkeys(DURATIONS, timedelta(seconds=0.2))
    with pytest.raises(WiroTaskTimeout):
        hook.wait(hook.run(MODEL, {}).taskid, **short)


def test_a_strangers_task_runs_on_after_the_timeout_of_who_waited_for_it(wiro_emulator: WiroEmulator) -> None:
    hook = WiroHook()
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = hook.run(MODEL, {}).taskid
    with pytest.raises(WiroTaskTimeout) as caught:
        hook.wait(taskid, timeout=0.2, poll_interval=0.1)
    assert wiro_emulator.tasks[taskid].status == "task_start"
    assert (caught.value.retryable, wiro_emulator.count("Kill")) == (False, 0)
    assert "it was not stopped.\nIt runs on, and is paid if it succeeds" in str(caught.value)
    assert "retry" not in str(caught.value)


@pytest.mark.parametrize("act", ["stop", "wait"])
def test_the_same_taskid_at_the_service_to_which_the_connection_leads_meanwhile_is_not_touched(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(calls, "STOP_PAUSES", (0.01, 0.01))
    hook, elsewhere = WiroHook(), WiroEmulator(first_taskid=wiro_emulator.first_taskid)
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = hook.run(MODEL, {}).taskid
    wiro_emulator.rotate_key("new-key", "new-secret")
    with elsewhere as there:
        there.outcome(hold=True, duration=0.0)
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(there.connection))
        assert WiroHook().run(MODEL, {}).taskid == taskid
        sent = len(there.requests)
        if act == "stop":
            assert not hook.stop(taskid).over
        else:
            with pytest.raises(WiroWrongService, match="the connection leads to http://127"):
                hook.wait(taskid, timeout=0.5, poll_interval=0.05, stop_at_timeout=True)
        assert len(there.requests) == sent


@pytest.mark.parametrize("stops", [False, True])
def test_a_task_is_stopped_where_that_is_asked_for(wiro_emulator: WiroEmulator, stops: bool) -> None:
    hook = WiroHook()
    errors: list[WiroTaskError] = []
    for end, options in (("hold", {"timeout": 0.2}), ("task_error", {"task_error_grace": 0.1}), ("outage", {})):
        wiro_emulator.outcome(duration=0.0, **({"end": end} if end == "task_error" else {"hold": True}))
        taskid = hook.run(MODEL, {}).taskid
        if end == "outage":
            wiro_emulator.script("Detail", "5xx", times=-1)
        with pytest.raises(WiroTaskError) as caught:
            hook.wait(taskid, poll_interval=0.05, outage_tolerance=0.1, stop_at_timeout=stops, **options)
        errors.append(caught.value)
        assert (wiro_emulator.tasks[taskid].status == "task_cancel") is stops
    assert [type(error) for error in errors] == [WiroTaskTimeout, WiroTaskStuck, WiroTaskGaveUp]
    assert all(("it was stopped" in str(error)) is stops for error in errors)


def test_a_task_that_wiro_does_not_know_is_not_found_however_short_the_timeout(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(WiroTaskNotFound, match="Whether it was paid is not known"):
        WiroHook().wait("999", timeout=0.2, poll_interval=0.1)
    assert wiro_emulator.count("Kill") == 0


SEEDS_OWN = {"pexit": None, "missing": ["pexit", "totalcost"], "duration": 0.0}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://cdn1.wiro.ai/6a6af820/my video.mp4", "https://cdn1.wiro.ai/6a6af820/my%20video.mp4"),
        ("HTTPS://cdn1.wiro.ai/0.mp4", "https://cdn1.wiro.ai/0.mp4"),
        ("//cdn1.wiro.ai/0.mp4", "https://cdn1.wiro.ai/0.mp4"),
        (" https://cdn1.wiro.ai/0.mp4", "https://cdn1.wiro.ai/0.mp4"),
    ],
)
def test_a_paid_output_is_delivered_however_its_address_is_written(
    wiro_emulator: WiroEmulator, written: str, read: str
) -> None:
    wiro_emulator.outcome(outputs=[{"url": written, "name": "0.mp4"}], **SEEDS_OWN)
    hook = WiroHook()
    assert [output["url"] for output in hook.wait(hook.run(MODEL, {}).taskid)["outputs"]] == [read]


def test_a_paid_output_that_cannot_be_read_is_shown_in_a_final_error(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(outputs=[{"url": "ftp://cdn1.wiro.ai/0.mp4", "accesskey": "dFKlMApa"}], **SEEDS_OWN)
    hook = WiroHook()
    taskid = hook.run(MODEL, {}).taskid
    with pytest.raises(WiroNoOutput) as caught:
        hook.wait(taskid)
    assert (caught.value.taskid, caught.value.retryable) == (taskid, False)
    assert '{"url": "ftp://cdn1.wiro.ai/0.mp4"}.\nIt is paid.' in str(caught.value)
    assert "dFKlMApa" not in str(caught.value)
