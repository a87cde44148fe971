"""Looking a task instance up: in a worker and a triggerer of Airflow 3 over the supervisor, before in the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS

TASKID_KEY = "taskid"


@dataclass(frozen=True, slots=True)
class Seen:
    """What Airflow says of a task instance now.

    :param state: None also where it has none, as right after a clear, and where the task instance is gone.
    :param try_number: None where Airflow does not say, which is from 3.0 on.
    """

    state: str | None
    try_number: int | None = None


def look_up(ti: Any) -> Seen:
    """Ask for the state of the task instance. Blocks; raises whatever the way to Airflow raises.

    On Airflow 3.4, in a task loop, it is the state of the latest iteration.
    """
    return _ask_the_supervisor(ti) if AIRFLOW_V_3_0_PLUS else _ask_the_database(ti)


def recorded_taskid(ti: Any) -> object:
    """Return what a trigger finds under ``taskid`` in the XCom of the task instance, None for nothing. Blocks.

    Airflow 3.4 refuses it (HTTP 400) to a trigger of a task within a loop.
    """
    if not AIRFLOW_V_3_0_PLUS:
        from airflow.models.xcom import XCom as InDatabase

        found: object = InDatabase.get_one(key=TASKID_KEY, **_key(ti))
        return found
    from airflow_provider_wiro.compat import XCom

    return XCom.get_one(key=TASKID_KEY, **_key(ti))


def _key(ti: Any) -> dict[str, Any]:
    map_index = -1 if ti.map_index is None else ti.map_index
    return {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": map_index}


def _ask_the_supervisor(ti: Any) -> Seen:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    key = _key(ti)
    map_index = key["map_index"]
    states = RuntimeTaskInstance.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=map_index
    )
    name = ti.task_id if map_index < 0 else f"{ti.task_id}_{map_index}"
    return Seen(states.get(ti.run_id, {}).get(name))


def _ask_the_database(ti: Any) -> Seen:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        row = session.query(TaskInstance.state, TaskInstance.try_number).filter_by(**_key(ti)).one_or_none()
    return Seen(None) if row is None else Seen(row[0], row[1])
