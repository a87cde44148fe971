"""The DAGs that are only tried out, by `airflow dags test` and `airflow tasks test`. No scheduler runs them."""

from __future__ import annotations

import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

for place in ("database", "environment", "backend"):
    with DAG(
        f"tried_{place}",
        schedule=None,
        start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        is_paused_upon_creation=True,
    ) as made:
        RunwayImageToVideoOperator(
            task_id="video",
            wiro_conn_id=f"tried_{place}",
            deferrable=True,
            poll_interval=1,
            prompt="A steam engine",
            input_image_url="https://example.com/first-frame.png",
        )
    globals()[made.dag_id] = made
