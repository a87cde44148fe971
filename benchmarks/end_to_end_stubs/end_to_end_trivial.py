"""The least that a deferrable task does: sleep in the triggerer, and end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

SECONDS = 5.0


class TrivialTrigger(BaseTrigger):
    """Sleeps."""

    def __init__(self, *, ends_here: bool) -> None:
        super().__init__()
        self.ends_here = ends_here

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return its path and arguments."""
        return "end_to_end_trivial.TrivialTrigger", {"ends_here": self.ends_here}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Sleep, and end the task, or have a worker do so."""
        await asyncio.sleep(SECONDS)
        yield TaskSuccessEvent(xcoms={"return_value": {}}) if self.ends_here else TriggerEvent({})


class TrivialOperator(BaseOperator):
    """Defers."""

    def __init__(self, *, number: int, ends_here: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number, self.ends_here = number, ends_here

    def execute(self, context: Any) -> NoReturn:
        """Defer."""
        self.defer(trigger=TrivialTrigger(ends_here=self.ends_here), method_name="execute_complete")

    def execute_complete(self, context: Any, event: Any) -> dict[str, Any]:
        """Return the least."""
        return {}
