"""What goes wrong after a Run must not make the next try pay a second time."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted, WiroNotStopped, WiroSubmissionUnknown, WiroTaskError
from airflow_provider_wiro.stages import wait
from doubles import FakeTaskInstance, Lines, context_of, event, when
from operators import defer, runway
from taskids import FIRST


@pytest.fixture
def held(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """The next task, 2221, runs until it is stopped."""
    wiro_emulator.outcome(hold=True, duration=0.0)
    return wiro_emulator


def test_a_timeout_in_the_middle_of_a_run_without_an_answer_is_not_retried(
    run_dag: Callable[..., Any], wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = wiro_emulator.connection | {"extra": {"timeout": 2}}
    monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(connection))
    wiro_emulator.script("Run", "hang", after=True)
    options = {"execution_timeout": timedelta(seconds=1), "retries": 1, "retry_delay": timedelta(0), "durable": False}
    run = run_dag(lambda: runway(**options))
    assert run.state == "failed"
    assert len(wiro_emulator.runs) == wiro_emulator.count("Run") == 1
    assert [isinstance(error, WiroSubmissionUnknown) for error in run.errors] == [True]


def test_a_large_result_that_cannot_be_read_is_not_submitted_again(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Detail", "code", code=0, message="Server error", times=-1)
    wiro_emulator.script("Kill", "code", code=0, message="Server error", times=-1)
    with pytest.raises(WiroTaskError) as caught:
        runway(outage_tolerance=0.2).execute_complete(context_of(FakeTaskInstance()), event(result=None))
    assert isinstance(caught.value, AirflowFailException)
    assert wiro_emulator.count("Run") == 0


def test_a_large_result_outlives_a_bad_answer(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    wiro_emulator.script("Detail", "5xx", times=2)
    result = runway().execute_complete(context_of(ti), event(result=None))
    assert len(result["outputs"]) == 1


def test_a_task_that_was_killed_but_could_not_be_stopped_is_not_retried(held: WiroEmulator, lines: Lines) -> None:
    operator = runway(deferrable=True)
    held.script("*", "code", code=0, message="Server error", times=-1)
    held.script("Run", "slow", seconds=0)
    held.clear()
    ti = FakeTaskInstance()
    push = ti.xcom_push

    def killed_meanwhile(key: str, value: Any) -> None:
        push(key, value)
        held.script("*", "code", code=0, message="Server error", times=-1)
        operator.on_kill()

    ti.xcom_push = killed_meanwhile  # type: ignore[method-assign]
    with pytest.raises(WiroInterrupted) as caught:
        operator.execute(context_of(ti))
    assert isinstance(caught.value, AirflowFailException)
    assert f"taskid {FIRST} COULD NOT BE STOPPED" in lines.text


def test_an_xcom_backend_that_is_away_while_wiro_is_away_too_is_not_retried(held: WiroEmulator) -> None:
    class Away(FakeTaskInstance):
        def xcom_push(self, key: str, value: Any) -> None:
            held.script("*", "code", code=0, message="Server error", times=-1)
            raise ConnectionError("the XCom backend is away")

    with pytest.raises(WiroNotStopped, match="ConnectionError: the XCom backend is away") as caught:
        runway(deferrable=True).execute(context_of(Away()))
    assert isinstance(caught.value, AirflowFailException)


def test_a_kill_just_before_the_deferral_does_not_defer(held: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    operator, defer = runway(deferrable=True), wait._defer

    def killed_meanwhile(*arguments: Any) -> None:
        operator.on_kill()
        defer(*arguments)

    monkeypatch.setattr(wait, "_defer", killed_meanwhile)
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(FakeTaskInstance()))
    assert held.tasks[FIRST].status == "task_cancel"


@pytest.mark.parametrize(("cancel_on_kill", "status"), [(True, "task_cancel"), (False, "task_start")])
def test_ctrl_c_while_waiting_is_a_kill(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, cancel_on_kill: bool, status: str
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    operator = runway(cancel_on_kill=cancel_on_kill)
    monkeypatch.setattr(wait, "wait_here", interrupted)
    with pytest.raises(KeyboardInterrupt):
        operator.execute(context_of(FakeTaskInstance()))
    assert held.tasks[FIRST].status == status


def test_ctrl_c_while_the_run_is_on_its_way_stops_what_it_started(held: WiroEmulator) -> None:
    held.script("Run", "slow", seconds=0.5)
    when(lambda: held.count("Run"), lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        runway(deferrable=True).execute(context_of(FakeTaskInstance()))
    assert held.tasks[FIRST].status == "task_cancel"
