"""How a task that a worker runs stands with Airflow: ended, or only its worker goes away, or nobody says."""

from __future__ import annotations

import logging
import sys
import traceback
from enum import Enum
from typing import Any

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS, AirflowTaskTimeout
from airflow_provider_wiro.task_instance.lookup import Seen, look_up
from airflow_provider_wiro.task_instance.patience import Pending
from airflow_provider_wiro.task_instance.silence import airflow_answers, shows_silence

RUNS_OR_WILL = frozenset({"running", "up_for_retry", "scheduled", "queued"})
"""The states of a task instance that nobody ended: it runs, or Airflow is about to start its next try."""

log = logging.getLogger(__name__)


class Standing(Enum):
    """What Airflow says of a task that it told to stop."""

    ENDED = "somebody ended or cleared the task, or its time is over"
    DEFERRED = "the task waits in a triggerer"
    GOES_ON = "only this worker goes away"
    AIRFLOW_SILENT = "Airflow does not answer"
    NOT_ASKED = "Airflow could not be asked"


_on_its_way: dict[int, Pending[Seen]] = {}
"""Look-ups that nobody has waited for to the end, by the id of the task instance object."""


def standing(ti: Any) -> Standing:
    """Ask Airflow how the task stands. Takes three seconds at most, and never raises.

    Call it from ``execute``, not from a signal handler: where it is called in the middle of a request to Airflow it
    answers ``NOT_ASKED``, and may be called again. A look-up that takes longer than two seconds goes on meanwhile, and
    the next call takes its answer.

    :param ti: the task instance, from the context of ``execute``.
    """
    if isinstance(sys.exc_info()[1], AirflowTaskTimeout):
        return Standing.ENDED
    try:
        answer, detail = _ask(ti)
    except Exception as error:
        answer, detail = Standing.NOT_ASKED, f"{type(error).__name__}: {error}"
    log.info("Airflow told this task to stop; %s (%s)", answer.value, detail)
    return answer


def _ask(ti: Any) -> tuple[Standing, str]:
    asked = _on_its_way.get(id(ti))
    if asked is None:
        if AIRFLOW_V_3_0_PLUS and not _channel_is_free():
            return Standing.NOT_ASKED, "in the middle of another request"
        asked = _on_its_way[id(ti)] = Pending(lambda: look_up(ti), "wiro-task-state")
    if not asked.is_over():
        return (Standing.NOT_ASKED, "no answer yet") if airflow_answers() else (Standing.AIRFLOW_SILENT, "no answer")
    del _on_its_way[id(ti)]
    if asked.error is not None:
        said = f"{type(asked.error).__name__}: {asked.error}"
        return (Standing.AIRFLOW_SILENT if shows_silence(asked.error) else Standing.NOT_ASKED), said
    return _judge(asked.result, ti)


def _judge(seen: Seen | None, ti: Any) -> tuple[Standing, str]:
    assert seen is not None
    if seen.state == "deferred":
        return Standing.DEFERRED, "its state: deferred"
    # Another try's state would not do: Airflow 2 takes the end of this one for the end of that one, and fails it.
    mine = seen.try_number is None or seen.try_number == ti.try_number
    goes_on = mine and seen.state in RUNS_OR_WILL
    return (Standing.GOES_ON if goes_on else Standing.ENDED), f"its state: {seen.state or 'none'}"


def _channel_is_free() -> bool:
    """Whether there is a channel to the supervisor, and this is not called in the middle of a request on it.

    It carries one request at a time, and on Airflow 3.0 and 3.1 nothing guards it: a second request would take the
    first one's answer.
    """
    from airflow.sdk.execution_time import task_runner

    channel = getattr(task_runner, "SUPERVISOR_COMMS", None)
    return channel is not None and all(
        frame.f_locals.get("self") is not channel for frame, _ in traceback.walk_stack(None)
    )
