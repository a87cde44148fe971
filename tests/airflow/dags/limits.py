"""Five videos at once, and what is meant to let only one of them run at Wiro at a time."""

from __future__ import annotations

import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

FIVE = ["A steam engine", "A paper boat", "A kite", "A lighthouse", "A carousel"]
LIMITS: dict[str, dict[str, Any]] = {
    "limit_none": {},
    "limit_per_dag": {"max_active_tis_per_dag": 1},
    "limit_pool": {"pool": "one"},
    "limit_pool_with_deferred": {"pool": "one_with_deferred"},
    "limit_max_active": {},
}

for dag_id, limit in LIMITS.items():
    with DAG(dag_id, schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)) as made:
        RunwayImageToVideoOperator.partial(
            task_id="video",
            wiro_conn_id="{{ dag_run.conf['conn'] }}",
            poll_interval=1,
            deferrable=True,
            retries=2,
            retry_delay=datetime.timedelta(seconds=1),
            input_image_url="https://example.com/first-frame.png",
            **limit,
        ).expand(prompt=FIVE)
    globals()[dag_id] = made
