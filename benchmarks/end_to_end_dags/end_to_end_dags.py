"""The DAGs of benchmarks/end_to_end.py: as many mapped tasks as the environment says, ended in one of two ways."""

from __future__ import annotations

import datetime
import os
from typing import Any

from airflow.sdk import DAG
from end_to_end_trivial import SECONDS, TrivialOperator

from airflow_provider_wiro.operators.wiro import WiroRunOperator

NUMBERS = list(range(int(os.environ["END_TO_END_TASKS"])))


def dag(dag_id: str) -> DAG:
    """Return a DAG all of whose tasks may run at once."""
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        max_active_tasks=len(NUMBERS),
        default_args={"retries": 2, "retry_delay": datetime.timedelta(seconds=1)},
    )


for ends, here in {"worker": False, "triggerer": True}.items():
    with dag(f"trivial_{ends}") as trivial:
        TrivialOperator.partial(task_id="video", ends_here=here).expand(number=NUMBERS)
    with dag(f"ours_{ends}") as ours:
        given: dict[str, Any] = {"task_id": "video", "model": "owner/video", "deferrable": True}
        WiroRunOperator.partial(**given, poll_interval=SECONDS, end_from_trigger=here).expand(
            inputs=[{"prompt": f"A kite {number}"} for number in NUMBERS]
        )
    globals()[trivial.dag_id], globals()[ours.dag_id] = trivial, ours
