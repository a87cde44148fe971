"""A generation that was submitted elsewhere is waited for, and saved in a folder. Nothing is submitted."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_wiro.sensors.wiro import WiroTaskSensor
from airflow_provider_wiro.transfers.wiro_to_object_storage import WiroToObjectStorageOperator

with DAG(
    "wiro_save_a_taskid",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={
        "taskid": Param("2221", type="string", title="The taskid"),
        "folder": Param("s3://aws_default@media/videos", type="string", title="Folder of the videos"),
    },
) as dag:
    waited = WiroTaskSensor(task_id="wait", taskid="{{ params.taskid }}", deferrable=True, timeout=3600)
    WiroToObjectStorageOperator(task_id="save", result=waited.output, save_to="{{ params.folder }}", retries=3)
