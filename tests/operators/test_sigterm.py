"""A real SIGTERM in a process of its own: Airflow 3's handler returns into the operator, Airflow 2's raises."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from doubles import wait_until
from signalled import ENDS, signalled
from taskids import FIRST


def terminate(handler: str, condition: Callable[[], object]) -> str:
    """Run the script, send it SIGTERM once *condition* holds, and return how it ended."""
    with signalled(handler) as process:
        wait_until(condition, within=60)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    return said.splitlines()[-1].removeprefix("ended with ")


def test_sigterm_while_waiting_stops_the_wiro_task(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    assert terminate("returns", lambda: wiro_emulator.count("Detail") > 1) == "WiroInterrupted"
    assert wiro_emulator.tasks[FIRST].status == "task_cancel"


@pytest.mark.parametrize("handler", ENDS)
def test_sigterm_while_the_run_is_in_flight_stops_what_it_started(wiro_emulator: WiroEmulator, handler: str) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    wiro_emulator.script("Run", "slow", seconds=1.5)
    assert terminate(handler, lambda: wiro_emulator.count("Run")) == ENDS[handler]
    wait_until(lambda: wiro_emulator.runs)
    assert wiro_emulator.tasks[FIRST].status == "task_cancel"
    assert wiro_emulator.count("Run") == 1
