"""The DAGs of the chaos tests. A run's configuration says which connection to use, and where to be killed."""

from __future__ import annotations

import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG
from kill_points import arm
from reports import report

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator

DEFERRED: dict[str, Any] = {"deferrable": True, "pool": "starting"}
SYNC: dict[str, Any] = {"deferrable": False}
COMMON: dict[str, Any] = {
    "task_id": "video",
    "wiro_conn_id": "{{ dag_run.conf['conn'] }}",
    "poll_interval": 1,
    "on_failure_callback": report,
    "pre_execute": arm,
    # Airflow 2 fails a try that has begun when it hears, late, of the death of the one before.
    "retry_delay": datetime.timedelta(seconds=8),
    "input_image_url": "https://example.com/first-frame.png",
}
PROMPT = "A steam engine"
AN_HOUR = datetime.timedelta(hours=1)


def dag(dag_id: str, **options: Any) -> DAG:
    return DAG(dag_id, schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), **options)


def video_dag(dag_id: str, **options: Any) -> DAG:
    with dag(dag_id) as made:
        RunwayImageToVideoOperator(prompt=PROMPT, **{**COMMON, **options})
    return made


deferred = video_dag("deferred", **DEFERRED)
deferred_no_journal = video_dag("deferred_no_journal", **DEFERRED, durable=False)
sync = video_dag("sync", **SYNC)
deferred_retries = video_dag("deferred_retries", **DEFERRED, retries=1)
sync_retries = video_dag("sync_retries", **SYNC, retries=1)
# The next try starts when an outage is over: Airflow fails one that begins in it, without running anything of it.
sync_retries_later = video_dag("sync_retries_later", **SYNC, retries=1, retry_delay=datetime.timedelta(minutes=2))
deferred_retries_twice = video_dag("deferred_retries_twice", **DEFERRED, retries=2)
# As an address that is signed anew whenever Airflow renders it.
deferred_renders = video_dag(
    "deferred_renders", **DEFERRED, input_image_url="https://example.com/first-frame.png?at={{ macros.time.time() }}"
)
deferred_submits = video_dag("deferred_submits", **DEFERRED, retries=1, on_unknown_submission="submit")
FILES: dict[str, Any] = {
    "input_image_url": None,
    "input_image": "{{ dag_run.conf['image'] }}",
    "save_to": "{{ dag_run.conf['save_to'] }}",
    "delete_after_save": True,
    # On a busy machine Airflow also takes a try for dead that has not even begun.
    "retries": 2,
}
deferred_files = video_dag("deferred_files", **DEFERRED, **FILES)
sync_files = video_dag("sync_files", **SYNC, **FILES)
deferred_execution_timeout = video_dag(
    "deferred_execution_timeout", **DEFERRED, execution_timeout=datetime.timedelta(seconds=30)
)
sync_execution_timeout = video_dag("sync_execution_timeout", **SYNC, execution_timeout=datetime.timedelta(seconds=30))

with dag("sync_plain") as sync_plain:
    plain = {key: value for key, value in COMMON.items() if key != "input_image_url"}
    WiroRunOperator(
        model="Runway/image-to-video-gen4-turbo",
        inputs={"prompt": PROMPT, "inputImageUrl": COMMON["input_image_url"]},
        retries=2,
        **plain,
        **SYNC,
    )

with dag("siblings") as siblings:
    RunwayImageToVideoOperator.partial(**COMMON, **DEFERRED, retries=2).expand(prompt=[PROMPT, PROMPT])

# The tests make an hour pass.
with dag("deferred_dagrun_timeout", dagrun_timeout=AN_HOUR) as deferred_dagrun_timeout:
    RunwayImageToVideoOperator(prompt=PROMPT, **COMMON, **DEFERRED)
with dag("sync_dagrun_timeout", dagrun_timeout=AN_HOUR) as sync_dagrun_timeout:
    RunwayImageToVideoOperator(prompt=PROMPT, **COMMON, **SYNC)
