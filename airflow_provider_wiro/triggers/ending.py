"""The event of a verdict: the end of the Airflow task itself, or what a worker takes it from."""

from __future__ import annotations

from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from airflow_provider_wiro.core.at_the_end import EndHere, done
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.rules.worker import Need
from airflow_provider_wiro.core.verdict import Verdict


def event_of(verdict: Verdict, ends_with: str | None, log: Log) -> TriggerEvent:
    """Return the event to fire.

    :param ends_with: what is needed to end the task, as ``EndHere`` writes it; None: a worker ends it.
    """
    end_here = None if ends_with is None else EndHere.from_text(ends_with)
    if end_here is None:
        return TriggerEvent(verdict.to_event())
    xcoms = end_here.xcoms(verdict)
    if isinstance(xcoms, Need):
        log.info("taskid %s: a worker ends this task, because %s: %s", verdict.taskid, xcoms.name, xcoms.why)
        return TriggerEvent(verdict.to_event())
    if verdict.result is not None:
        log.info("%s", done(verdict.result))
    return TaskSuccessEvent(xcoms=xcoms)
