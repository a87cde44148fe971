"""Deleting a task's files at Wiro: only of a task that is over, again where no answer comes, and without its token."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from airflow_provider_wiro.core import calls
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroError,
    WiroInputError,
    WiroRefused,
    WiroTaskNotFound,
    WiroUnreachable,
)
from airflow_provider_wiro.hooks.wiro import WiroHook
from doubles import Lines


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "DELETE_PAUSES", (0.01, 0.01))


def finished(emulator: WiroEmulator, **outcome: Any) -> str:
    emulator.outcome(duration=0.0, **outcome)
    return WiroHook().run("owner/video", {"prompt": "x"}).taskid


def address(taskid: str) -> str:
    [output] = WiroHook().get_task(taskid).outputs
    assert output.url is not None
    return output.url


def test_its_files_are_gone_and_a_second_time_does_no_harm(wiro_emulator: WiroEmulator) -> None:
    taskid = finished(wiro_emulator)
    url = address(taskid)
    for _ in range(2):
        WiroHook().delete(taskid)
    assert requests.get(url, timeout=5).status_code == 404
    assert WiroHook().get_task(taskid).outputs == ()
    assert [request.body for request in wiro_emulator.requests if request.call == "Delete"] == [
        {"tasktoken": wiro_emulator.runs[0].token}
    ] * 2


def test_the_files_of_a_task_that_was_stopped_can_be_deleted(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = WiroHook().run("owner/video", {"prompt": "x"}).taskid
    WiroHook().stop(taskid)
    WiroHook().delete(taskid)
    assert wiro_emulator.count("Delete") == 1


def test_nothing_is_deleted_of_a_task_that_is_not_over(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = WiroHook().run("owner/video", {"prompt": "x"}).taskid
    with pytest.raises(WiroRefused, match=r"it is not over \(task_start\); wait for it, or stop it"):
        WiroHook().delete(taskid)
    assert wiro_emulator.count("Delete") == 0


def test_a_task_that_wiro_does_not_know_has_no_files(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(WiroTaskNotFound):
        WiroHook().delete("2221")


@pytest.mark.parametrize("taskid", ["", None])
def test_a_taskid_is_asked_for(wiro_emulator: WiroEmulator, taskid: Any) -> None:
    with pytest.raises(WiroInputError, match="taskid"):
        WiroHook().delete(taskid)
    assert wiro_emulator.requests == []


@pytest.mark.parametrize("fault", ["5xx", "html", "drop_before", "drop_after", "broken_json", "429"])
@pytest.mark.parametrize("call", ["Detail", "Delete"])
def test_it_is_repeated_where_no_good_answer_comes(wiro_emulator: WiroEmulator, call: str, fault: str) -> None:
    taskid = finished(wiro_emulator)
    url = address(taskid)
    wiro_emulator.script(call, fault, times=2, **({"retry_after": 0} if fault == "429" else {}))
    WiroHook().delete(taskid)
    assert requests.get(url, timeout=5).status_code == 404


def test_where_none_comes_at_all_the_error_says_what_to_do(wiro_emulator: WiroEmulator) -> None:
    taskid = finished(wiro_emulator)
    wiro_emulator.script("Delete", "5xx", times=-1)
    with pytest.raises(WiroUnreachable, match=r"no good answer to InputOutputDelete of taskid .*; try again"):
        WiroHook().delete(taskid)
    assert wiro_emulator.count("Delete") == 3


def test_a_task_without_a_token_is_a_persons_to_delete(wiro_emulator: WiroEmulator) -> None:
    taskid = finished(wiro_emulator, missing=["socketaccesstoken"])
    with pytest.raises(WiroRefused, match="delete them in the Wiro dashboard"):
        WiroHook().delete(taskid)


@pytest.mark.parametrize(("code", "kind"), [(0, WiroUnreachable), (1, WiroRefused), (98, WiroAuthError)])
def test_the_token_is_in_no_error_and_in_no_line_of_the_log(
    wiro_emulator: WiroEmulator, lines: Lines, code: int, kind: type[WiroError]
) -> None:
    taskid = finished(wiro_emulator)
    token = wiro_emulator.runs[0].token
    wiro_emulator.script("Delete", "code", times=-1, code=code, message=f"bad: {token}")
    with pytest.raises(kind, match=r"bad: \*\*\*") as caught:
        WiroHook().delete(taskid)
    assert token not in f"{caught.value!r} {caught.value} {lines.text}"
