"""Whether a trigger that is being cancelled was killed for good, or only moves to another triggerer.

Airflow cancels a trigger when a person ends or clears its task, but also when the triggerer shuts down or
loses the trigger to another one, and even calls ``on_kill`` in some of those cases (apache/airflow#73454).
A paid task must be stopped in the first and left alone in the second.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS
from asgiref.sync import sync_to_async

TASKID_KEY = "taskid"
DEFERRED = "deferred"


async def was_killed(task_instance: Any, taskid: str) -> bool:
    """Look the task instance up: not deferred, or deferred for another taskid, means killed.

    :param task_instance: the trigger's; its own state is not known to it.
    :param taskid: the Wiro task that the trigger waits for.
    """
    look = _look_up if AIRFLOW_V_3_0_PLUS else _look_up_in_database
    state, recorded = await sync_to_async(look)(task_instance)
    return state != DEFERRED or recorded != taskid


def _look_up(ti: Any) -> tuple[str | None, object]:
    from airflow.providers.common.compat.sdk import XCom
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    states = RuntimeTaskInstance.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    name = ti.task_id if ti.map_index < 0 else f"{ti.task_id}_{ti.map_index}"
    state = states.get(ti.run_id, {}).get(name)
    if state != DEFERRED:
        return state, None
    recorded = XCom.get_one(
        key=TASKID_KEY, dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index
    )
    return state, recorded


def _look_up_in_database(ti: Any) -> tuple[str | None, object]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XCom
    from airflow.utils.session import create_session

    key = {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}
    with create_session() as session:
        state = session.query(TaskInstance.state).filter_by(**key).scalar()
        recorded = XCom.get_one(key=TASKID_KEY, session=session, **key)
    return state, recorded
