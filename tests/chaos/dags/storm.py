"""Many generations at once, more than the account can run."""

from __future__ import annotations

import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

with DAG("storm", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as storm:

    @task(retries=3)
    def scenes(dag_run: Any = None) -> list[str]:
        return [f"Scene {number}" for number in range(dag_run.conf["generations"])]

    RunwayImageToVideoOperator.partial(
        task_id="video",
        wiro_conn_id="{{ dag_run.conf['conn'] }}",
        input_image_url="https://example.com/first-frame.png",
        deferrable=True,
        poll_interval=1,
        retries=5,
        retry_delay=datetime.timedelta(seconds=15),
    ).expand(prompt=scenes())
