"""Triggers for the tests; the folder is on the Python path of every Airflow process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class RaisingTrigger(BaseTrigger):
    """Takes the arguments of any trigger, and raises."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kwargs = kwargs

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "stub_triggers.RaisingTrigger", self.kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        if self.kwargs:
            raise RuntimeError("this trigger was made to raise")
        yield TriggerEvent({})  # type: ignore[no-untyped-call]


class LeakingTrigger(BaseTrigger):
    """Carries a secret in its arguments, says it aloud, and returns it."""

    def __init__(self, secret: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.secret = secret

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return "stub_triggers.LeakingTrigger", {"secret": self.secret}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        os.write(2, f"the triggerer says {self.secret}\n".encode())
        yield TriggerEvent({"secret": self.secret})  # type: ignore[no-untyped-call]
