"""Whether Airflow only tries a DAG out: ``airflow dags test``, ``airflow tasks test`` and ``DAG.test``."""

from __future__ import annotations

from typing import Any

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS


def is_tried_out(ti: Any) -> bool:
    """Whether this task runs in the very process that tries its DAG out.

    What it defers to is written into the database all the same. A triggerer that uses that database may run the
    trigger too, without the connections of this process, and on Airflow 3 it sees a task instance that is not deferred.

    :param ti: the task instance, from the context of ``execute``.
    """
    if not AIRFLOW_V_3_0_PLUS:
        return getattr(ti, "job_id", "") is None  # each that a scheduler or a person has started has a job
    from airflow.sdk.execution_time import task_runner

    channel = getattr(task_runner, "SUPERVISOR_COMMS", None)
    # Airflow 3.0.3 has moved it to a module of its own; on every 3.x it is here.
    return channel is not None and not isinstance(channel, task_runner.CommsDecoder)  # type: ignore[attr-defined]
