"""The event of a verdict: the end of the Airflow task itself, or what a worker takes it from."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from airflow_provider_wiro.compat import AIRFLOW_V_3_3_PLUS, XCom
from airflow_provider_wiro.core.at_the_end import EndHere, done
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.rules.worker import Need
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.core.verdict import Verdict

PUSHING = 30.0
"""Seconds within which Airflow must have taken all XComs."""


async def event_of(verdict: Verdict, ends_with: str | None, ti: Any, log: Log) -> TriggerEvent:
    """Return the event to fire.

    :param ends_with: what is needed to end the task, as ``EndHere`` writes it; None: a worker ends it.
    :param ti: the task instance, as Airflow gives it to the trigger.
    """
    end_here = None if ends_with is None else EndHere.from_text(ends_with)
    if end_here is None:
        return TriggerEvent(verdict.to_event())
    xcoms = end_here.xcoms(verdict)
    if isinstance(xcoms, Need):
        log.info("taskid %s: a worker ends this task, because %s: %s", verdict.taskid, xcoms.name, xcoms.why)
        return TriggerEvent(verdict.to_event())
    try:
        event = await _ending(xcoms, ti)
    except Exception as error:
        log.warning(
            "taskid %s: a worker ends this task, because its XComs were not taken: %s", verdict.taskid, in_words(error)
        )
        return TriggerEvent(verdict.to_event())
    if verdict.result is not None:
        log.info("%s", done(verdict.result))
    return event


async def _ending(xcoms: dict[str, Any], ti: Any) -> TaskSuccessEvent:
    """Return the event that ends the task. Airflow 3 keeps the XComs of an event as text, so they are pushed before."""
    if not (AIRFLOW_V_3_3_PLUS and xcoms):
        return TaskSuccessEvent(xcoms=xcoms)
    whose = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": ti.map_index}
    async with asyncio.timeout(PUSHING):
        for key, value in xcoms.items():
            await XCom.aset(key, value, **whose)
    return TaskSuccessEvent()
