"""A DAG that is only tried out runs in one process: nothing of it is left to a triggerer, which would disturb it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroTaskError
from airflow_provider_wiro.stages import room
from airflow_provider_wiro.task_instance import is_tried_out
from doubles import FakeTaskInstance, Lines, context_of
from operators import defer, generic, runway
from small_airflow import Run
from taskids import FIRST

RunDag = Callable[..., Run]


def test_it_waits_in_the_process_that_tries_the_dag_out(
    run_dag: RunDag, wiro_emulator: WiroEmulator, lines: Lines
) -> None:
    run = run_dag(lambda: runway(deferrable=True), tried_out=True)
    assert run.state == "success"
    assert run.xcom()["taskid"] == FIRST
    assert wiro_emulator.count("Run") == 1
    assert f"taskid {FIRST}: waiting in this process" in lines.text
    assert "running trigger in line" not in lines.text


@pytest.mark.usefixtures("lines")
def test_it_waits_for_room_there_too(
    run_dag: RunDag, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "SHORTEST", 0.1)
    wiro_emulator.script("Run", "code", times=2, code=96, message="Concurrency limit")
    assert run_dag(lambda: runway(deferrable=True), tried_out=True).state == "success"
    assert (wiro_emulator.count("Run"), len(wiro_emulator.runs)) == (3, 1)


def test_elsewhere_a_task_defers() -> None:
    assert not is_tried_out(FakeTaskInstance())


def test_a_task_that_is_resumed_without_an_event_waits_for_what_it_has_announced(
    wiro_emulator: WiroEmulator, lines: Lines
) -> None:
    ti = FakeTaskInstance()
    defer(generic(deferrable=True), ti)
    result = generic(deferrable=True).execute_complete(context_of(ti), None)
    assert result["taskid"] == FIRST
    assert result["outputs"]
    assert "resumed without an event" in lines.text
    assert wiro_emulator.count("Run") == 1


def test_one_that_has_announced_nothing_says_what_to_do(wiro_emulator: WiroEmulator) -> None:
    with pytest.raises(WiroTaskError, match=r"without an event of its trigger.*Clear this task"):
        generic(deferrable=True).execute_complete(context_of(FakeTaskInstance()), None)
    assert wiro_emulator.requests == []
