"""Has many mapped tasks of a run wait, as if each had submitted and deferred: `python -m many_waiting RUN_ID COUNT …`.

No worker could start so many in a test's time. What a worker and the scheduler would have written is made of what the
run has: the task that is to be mapped becomes as many as there are to be, each with a trigger that Airflow's own model
has encrypted.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from airflow.models.trigger import Trigger
from airflow.utils.session import create_session
from sqlalchemy import text

from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger

AN_HOUR = 3600.0

# Each is a copy of the task that is to be mapped: all that this Airflow has in such a row is as Airflow wrote it.
MAP = """
INSERT INTO task_instance SELECT (jsonb_populate_record(ti, jsonb_build_object(
    'id', gen_random_uuid(), 'map_index', number, 'trigger_id', CAST(:first_trigger AS integer) + number,
    'state', 'deferred', 'try_number', 1, 'next_method', 'execute_complete', 'next_kwargs', CAST(:kwargs AS jsonb),
    'start_date', now()
))).* FROM task_instance ti, generate_series(0, CAST(:count AS integer) - 1) number
WHERE ti.run_id = :run_id AND ti.task_id = 'video' AND ti.map_index = -1
"""
UNMAPPED = "DELETE FROM task_instance WHERE run_id = :run_id AND task_id = 'video' AND map_index = -1"
DONE = "UPDATE task_instance SET state = 'success' WHERE run_id = :run_id AND task_id <> 'video'"
GOES_ON = "UPDATE dag_run SET state = 'running' WHERE run_id = :run_id"


def fill(run_id: str, count: int, conn_id: str, base_url: str, first_taskid: int) -> None:
    """Write all of it in one transaction.

    :param count: how many.
    :param first_taskid: the taskid of the first; each further one is one more.
    """
    now = time.time()
    with create_session() as session:
        triggers = [
            Trigger.from_object(
                WiroTaskTrigger(
                    taskid=str(first_taskid + number),
                    conn_id=conn_id,
                    submitted_at=now,
                    deadline=now + AN_HOUR,
                    base_url=base_url,
                    try_number=1,
                )
            )
            for number in range(count)
        ]
        session.add_all(triggers)
        session.flush()
        ids = [trigger.id for trigger in triggers]
        assert ids == list(range(ids[0], ids[0] + count))
        chosen: dict[str, Any] = {"run_id": run_id, "count": count, "first_trigger": ids[0], "kwargs": nothing()}
        for statement in (MAP, UNMAPPED, DONE, GOES_ON):
            session.execute(text(statement), {name: chosen[name] for name in chosen if f":{name}" in statement})


def nothing() -> str:
    """The arguments of the method that goes on, as this Airflow writes none."""
    try:
        from airflow.sdk.serde import serialize
    except ImportError:
        from airflow.serialization.serialized_objects import BaseSerialization

        return json.dumps(BaseSerialization.serialize({}))
    return json.dumps(serialize({}))


if __name__ == "__main__":
    run_id, count, conn_id, base_url, first_taskid = sys.argv[1:]
    fill(run_id, int(count), conn_id, base_url, int(first_taskid))
