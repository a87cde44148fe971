"""The DAGs of the tests. Each run is told in its configuration which connection to use."""

from __future__ import annotations

import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, AssetAlias, task
from reports import report

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator

PROMPTS = ["A steam engine", "A paper boat", "A kite", "A lighthouse"]


COMMON: dict[str, Any] = {
    "task_id": "video",
    "wiro_conn_id": "{{ dag_run.conf['conn'] }}",
    "poll_interval": 1,
    "on_failure_callback": report,
    # Airflow 2 waits that long before it starts a task again that was cleared while it was running.
    "retry_delay": datetime.timedelta(seconds=1),
}
VIDEO: dict[str, Any] = {
    **COMMON,
    "prompt": "A steam engine in {{ dag.dag_id }}",
    "input_image_url": "https://example.com/first-frame.png",
}


def dag(dag_id: str) -> DAG:
    return DAG(dag_id, schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))


def video_dag(dag_id: str, **options: Any) -> DAG:
    with dag(dag_id) as made:
        RunwayImageToVideoOperator(**VIDEO, **options)
    return made


deferred = video_dag("deferred", deferrable=True)
sync = video_dag("sync", deferrable=False)
submit_only = video_dag("submit_only", wait_for_completion=False)
deferred_retries = video_dag("deferred_retries", deferrable=True, retries=2)
sync_retries = video_dag("sync_retries", deferrable=False, retries=2)
deferred_after = video_dag("deferred_after", deferrable=True, defer_after=60)
deferred_timeout = video_dag("deferred_timeout", deferrable=True, timeout=8)
sync_timeout = video_dag("sync_timeout", deferrable=False, timeout=8)
deferred_execution_timeout = video_dag(
    "deferred_execution_timeout", deferrable=True, execution_timeout=datetime.timedelta(seconds=20)
)
sync_execution_timeout = video_dag(
    "sync_execution_timeout", deferrable=False, execution_timeout=datetime.timedelta(seconds=12)
)

aliased = video_dag(
    "aliased", deferrable=True, save_to="{{ dag_run.conf['folder'] }}", outlets=[AssetAlias("videos_of_a_run")]
)

with dag("mapped") as mapped:
    RunwayImageToVideoOperator.partial(
        **COMMON, input_image_url="https://example.com/first-frame.png", deferrable=True
    ).expand(prompt=PROMPTS)

with dag("ended_in_the_triggerer") as ended_in_the_triggerer:

    @task
    def collect(results: Any, told: Any) -> list[list[Any]]:
        return [[result["taskid"] for result in results], [each["outcome"] for each in told]]

    ending = RunwayImageToVideoOperator.partial(
        **COMMON, input_image_url="https://example.com/first-frame.png", deferrable=True, end_from_trigger=True
    ).expand(prompt=PROMPTS[:2])
    collect(ending.output, ending.output["wiro_generation"])

with dag("mapped_with_a_bad_row") as mapped_with_a_bad_row:
    RunwayImageToVideoOperator.partial(
        **COMMON,
        input_image_url="https://example.com/first-frame.png",
        deferrable=True,
        retries=2,
        map_index_template="{{ task.prompt }}",
    ).expand_kwargs([{"prompt": "A kite in {{ dag.dag_id }}", "duration": 7}, {"prompt": "A paper boat"}])

with dag("any_model") as any_model:

    @task
    def describe() -> dict[str, Any]:
        return {"prompt": "A kite", "inputImageUrl": "https://example.com/kite.png", "duration": "10"}

    WiroRunOperator(
        **COMMON,
        model="Runway/image-to-video-gen4-turbo",
        inputs=describe(),  # type: ignore[arg-type]  # an XComArg
        deferrable=True,
    )
