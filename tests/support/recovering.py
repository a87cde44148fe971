"""Carries out the recovery flow on a script, late enough after the intent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wiro.core.journal import OnUnknown, Record
from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.core.recovery import Decision, recover
from airflow_provider_wiro.exceptions import WiroError
from fake_driver import START, FakeDriver, Outcome
from records import intent

PLACE = "the file /journal/1.json"
Script = list[Outcome] | Callable[[Send, float], Outcome]


def recovered(
    script: Script,
    found: Record,
    wanted: Record | None = None,
    *,
    on_unknown: OnUnknown = "fail",
    late: float = 3600.0,
    deadline: float | None = None,
) -> tuple[Decision, FakeDriver]:
    """Recover *late* seconds after the intent."""
    driver = FakeDriver(script, time=START + late)
    flow = recover(found, wanted or intent(), on_unknown=on_unknown, place=PLACE, deadline=deadline)
    decision = driver.drive(flow)
    assert "image-to-video-gen4-turbo" not in driver.calls
    return decision, driver


def refused(kind: type[WiroError], script: Script, found: Record, **options: Any) -> tuple[WiroError, FakeDriver]:
    """Recover in vain: nothing may be submitted."""
    drivers: list[FakeDriver] = []

    def answer(step: Send, age: float) -> Outcome:
        assert not step.path.startswith("/Run")
        return script(step, age) if callable(script) else script.pop(0)

    late, wanted = options.pop("late", 3600.0), options.pop("wanted", intent())
    on_unknown = options.pop("on_unknown", "fail")
    drivers.append(FakeDriver(answer, time=START + late))
    with pytest.raises(kind) as caught:
        drivers[0].drive(recover(found, wanted, on_unknown=on_unknown, place=PLACE))
    assert type(caught.value) is kind
    return caught.value, drivers[0]
