"""Sensors as the tests make and run them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow before 3.2
    from airflow.exceptions import AirflowRescheduleException

from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.sensors.wiro import WiroTaskSensor
from doubles import FakeTaskInstance, context_of
from taskids import FIRST
from triggerer import fire

MODES: dict[str, dict[str, Any]] = {
    "poke": {},
    "reschedule": {"mode": "reschedule", "poke_interval": 0.1},
    "deferrable": {"deferrable": True},
}
in_each_mode = pytest.mark.parametrize("mode", MODES)
SHORT: dict[str, Any] = {"poll_interval": 0.05, "timeout": 30}


class Reschedules:
    """What Airflow keeps of the reschedules of the one task of a test: since when there are any."""

    since: datetime | None = None


class Task(FakeTaskInstance):
    """What Airflow 3 asks a task instance for."""

    task_id = "wait"

    def get_first_reschedule_date(self, context: object) -> datetime | None:
        return Reschedules.since


def submit() -> str:
    return WiroHook().run("owner/video", {"prompt": "a kite"}).taskid


def sensor(mode: str = "poke", /, **arguments: Any) -> WiroTaskSensor:
    return WiroTaskSensor(**{"task_id": "wait", "taskid": FIRST} | SHORT | MODES[mode] | arguments)


def sense(mode: str = "poke", ti: Task | None = None, /, **arguments: Any) -> Any:
    """Let the sensor wait as Airflow does: with a new one in every process, and its triggers in between."""
    context: Any = context_of(ti or Task())
    waiting = sensor(mode, **arguments)
    step: Callable[[], Any] = lambda: waiting.execute(context)  # noqa: E731
    while True:
        again = sensor(mode, **arguments)
        try:
            return step()
        except AirflowRescheduleException:
            Reschedules.since = Reschedules.since or datetime.now(UTC)
            step = lambda: again.execute(context)  # noqa: B023, E731
        except TaskDeferred as deferred:
            kwargs = (deferred.kwargs or {}) | {"event": fire(deferred.trigger)}  # type: ignore[arg-type]
            step = lambda: again.resume_execution("execute_complete", kwargs, context)  # noqa: B023, E731
