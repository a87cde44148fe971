"""Submit in one task, and wait in another one, a sensor, which holds no worker slot."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.sensors.wiro import WiroTaskSensor


@task
def use(url: str) -> str:
    """Do something with the URL of the first output."""
    return url


with DAG(
    "wiro_submit_and_wait", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:
    submitted = RunwayImageToVideoOperator(
        task_id="submit",
        prompt="A paper boat drifts down a rain gutter.",
        input_image_url="https://example.com/boat.png",
        wait_for_completion=False,
    )
    video = WiroTaskSensor(task_id="wait", taskid=submitted.output["taskid"], timeout=7200, deferrable=True)
    use(video.output["output_url"])
