"""Airflow ends the task in the worker: what is sent, and what is not, in every phase."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, Lines, context_of, wait_until, when
from operators import defer, generic, runway
from taskids import FIRST


@pytest.fixture
def held(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """The next task, 2221, runs until it is released or stopped."""
    wiro_emulator.outcome(hold=True, duration=0.0)
    return wiro_emulator


def execute(operator: WiroRunOperator, ti: FakeTaskInstance | None = None) -> Any:
    return operator.execute(context_of(ti or FakeTaskInstance()))


def test_a_task_that_is_killed_before_its_submission_sends_nothing(held: WiroEmulator) -> None:
    operator = generic()
    operator.on_kill()
    with pytest.raises(WiroInterrupted):
        execute(operator)
    assert held.requests == []


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("wait", [False, True])
def test_a_task_that_is_killed_while_its_run_is_in_flight_stops_what_it_started(
    held: WiroEmulator, deferrable: bool, wait: bool
) -> None:
    held.script("Run", "slow", seconds=0.5)
    operator, ti = generic(deferrable=deferrable, wait_for_completion=wait), FakeTaskInstance()
    when(lambda: held.count("Run"), operator.on_kill)
    with pytest.raises(WiroInterrupted, match=f"told this task to stop; taskid {FIRST}"):
        execute(operator, ti)
    assert held.tasks[FIRST].status == "task_cancel"
    assert ti.xcoms["taskid"] == FIRST


def test_a_task_that_is_killed_while_waiting_stops_the_wiro_task(held: WiroEmulator) -> None:
    operator = generic()
    when(lambda: held.count("Detail"), operator.on_kill)
    with pytest.raises(WiroInterrupted):
        execute(operator)
    wait_until(lambda: held.tasks[FIRST].status == "task_cancel")


def test_a_kill_during_a_long_pause_is_heard_at_once(held: WiroEmulator) -> None:
    operator = generic(poll_interval=600)
    when(lambda: held.count("Detail"), operator.on_kill)
    with pytest.raises(WiroInterrupted):
        execute(operator)
    assert held.count("Detail") == 1


@pytest.mark.parametrize("phase", ["Run", "Detail"])
def test_cancel_on_kill_false_leaves_the_wiro_task_alone(held: WiroEmulator, phase: str) -> None:
    held.script(phase, "slow", seconds=0.3)
    operator = generic(cancel_on_kill=False)
    when(lambda: held.count(phase), operator.on_kill)
    with pytest.raises(WiroInterrupted):
        execute(operator)
    assert held.tasks[FIRST].status == "task_start"
    assert held.count("Kill") == held.count("Cancel") == 0


def test_on_kill_never_raises_and_says_what_it_could_not_do(held: WiroEmulator, lines: Lines) -> None:
    operator = generic(deferrable=True)
    defer(operator, FakeTaskInstance())
    held.script("*", "code", code=0, message="Something went wrong", times=-1)
    operator.on_kill()
    assert f"taskid {FIRST} COULD NOT BE STOPPED" in lines.text
    assert "stop it in the Wiro dashboard" in lines.text


def test_a_paid_task_that_cannot_be_recorded_is_stopped(held: WiroEmulator) -> None:
    with pytest.raises(ConnectionError, match="the XCom backend is away"):
        execute(runway(deferrable=True), FakeTaskInstance(broken=True))
    assert held.tasks[FIRST].status == "task_cancel"


def test_a_wait_that_ends_badly_stops_the_task_itself(held: WiroEmulator) -> None:
    with pytest.raises(Exception, match="not finished"):
        execute(generic(timeout=0.2))
    assert held.tasks[FIRST].status == "task_cancel"


def test_an_operator_that_never_ran_has_nothing_to_stop(wiro_emulator: WiroEmulator) -> None:
    generic().on_kill()
    assert wiro_emulator.requests == []


@pytest.mark.skipif(AIRFLOW_V_3_0_PLUS, reason="only Airflow 2 calls on_kill on a fresh operator")
@pytest.mark.parametrize("resumed", [False, True])
def test_a_fresh_operator_finds_the_task_of_its_deferral(
    held: WiroEmulator, monkeypatch: pytest.MonkeyPatch, resumed: bool
) -> None:
    from airflow.models import taskinstance

    ti = FakeTaskInstance()
    defer(generic(deferrable=True), ti)
    ti.next_method = "execute_complete" if resumed else None
    with taskinstance.set_current_context(context_of(ti)):  # type: ignore[attr-defined]
        generic().on_kill()
    assert held.tasks[FIRST].status == ("task_cancel" if resumed else "task_start")
