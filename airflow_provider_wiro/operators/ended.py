"""Whether a task is over for Airflow, or only the process that runs it goes away and another try goes on."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import Any, cast

from airflow.providers.common.compat.sdk import AirflowTaskTimeout
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

PATIENCE = 2.0
"""Seconds for the look-up: Airflow 3 sends SIGKILL five seconds after SIGTERM."""

GOES_ON = frozenset({"running", "up_for_retry", "scheduled", "queued"})
"""The states of a task instance that nobody ended: it runs, or Airflow is about to start its next try."""

log = logging.getLogger(__name__)


def ended_by_airflow(ti: Any) -> bool:
    """Tell, within ``on_kill`` of a task that runs in a worker, whether its remote job has to be stopped.

    True where somebody ended or cleared the task, where its time is over, and where no other try comes. False where
    only the worker goes away: the next try goes on with the job, so ``execute`` must end in an error that is retried.
    In doubt True, as when the look-up fails or takes longer than two seconds.

    :param ti: the task instance, from the context of ``execute``.
    """
    if isinstance(sys.exc_info()[1], AirflowTaskTimeout) or not another_try_comes(ti):
        return True
    state = _state(ti)
    log.info("Airflow told this task to stop; its state: %s", state or "unknown")
    return state not in GOES_ON


def another_try_comes(ti: Any) -> bool:
    """Whether Airflow tries this task instance again after an error."""
    return bool(ti.try_number <= ti.max_tries)


def _state(ti: Any) -> str | None:
    """Look the task instance up, in a thread: the signal may have come while this one held a session or a lock."""
    found: list[str | None] = []

    def look() -> None:
        try:
            found.append(_look_up(ti) if AIRFLOW_V_3_0_PLUS else _look_up_in_database(ti))
        except Exception as error:
            log.warning("the state of the task instance cannot be read: %s: %s", type(error).__name__, error)

    if AIRFLOW_V_3_0_PLUS and not _channel_is_free():
        return None
    thread = threading.Thread(target=look, name="wiro-task-state", daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return found[0] if found else None


def _channel_is_free() -> bool:
    """Whether there is a channel to the supervisor, and the signal did not come in the middle of a request on it.

    It carries one request at a time, and on Airflow 3.0 and 3.1 nothing guards it: a second request would take the
    first one's answer.
    """
    from airflow.sdk.execution_time import task_runner

    channel = getattr(task_runner, "SUPERVISOR_COMMS", None)
    return channel is not None and all(
        frame.f_locals.get("self") is not channel for frame, _ in traceback.walk_stack(None)
    )


def _look_up(ti: Any) -> str | None:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states = RuntimeTaskInstance.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
    return cast("str | None", states.get(ti.run_id, {}).get(name))


def _look_up_in_database(ti: Any) -> str | None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    # Another try's state would not do: Airflow 2 takes the end of this one for the end of that one, and fails it.
    key = {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}
    with create_session() as session:
        this_try = session.query(TaskInstance.state).filter_by(**key, try_number=ti.try_number)
        return cast("str | None", this_try.scalar())
