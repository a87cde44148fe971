"""The DAGs of the tests of sensors. Each run is told in its configuration what to wait for."""

from __future__ import annotations

import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG
from reports import report

from airflow_provider_wiro.sensors.wiro import WiroTaskSensor

WAIT: dict[str, Any] = {
    "task_id": "video",
    "taskid": "{{ dag_run.conf['taskid'] }}",
    "wiro_conn_id": "{{ dag_run.conf['conn'] }}",
    "poll_interval": 1,
    "on_failure_callback": report,
}


# Seconds. A busy scheduler that queues the next poke before it hears that the last one is over takes that for its end.
RESCHEDULED = 8


def sensor_dag(dag_id: str, **options: Any) -> DAG:
    with DAG(dag_id, schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as made:
        WiroTaskSensor(**WAIT | options)
    return made


sensor_poke = sensor_dag("sensor_poke")
sensor_reschedule = sensor_dag("sensor_reschedule", mode="reschedule", poke_interval=RESCHEDULED)
sensor_deferred = sensor_dag("sensor_deferred", deferrable=True)
sensor_poke_cancels = sensor_dag("sensor_poke_cancels", cancel_on_kill=True)
sensor_deferred_cancels = sensor_dag("sensor_deferred_cancels", deferrable=True, cancel_on_kill=True)
sensor_reschedule_late = sensor_dag("sensor_reschedule_late", mode="reschedule", poke_interval=RESCHEDULED, timeout=8)
sensor_deferred_late = sensor_dag("sensor_deferred_late", deferrable=True, timeout=8)
