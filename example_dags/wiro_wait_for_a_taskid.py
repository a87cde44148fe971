"""Wait for a generation that was submitted elsewhere: by an app, by hand, or by another DAG. Nothing is submitted."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_wiro.sensors.wiro import WiroTaskSensor


@task
def use(url: str) -> str:
    """Do something with the URL of the first output."""
    return url


with DAG(
    "wiro_wait_for_a_taskid",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={"taskid": Param("", type="string", title="Wiro taskid")},
) as dag:
    video = WiroTaskSensor(task_id="wait", taskid="{{ params.taskid }}", timeout=3600, deferrable=True)
    use(video.output["output_url"])
