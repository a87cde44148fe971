"""What the gallery is shown with: real generations of an emulated Wiro, and tasks that what is posted belongs to."""

from __future__ import annotations

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from airflow_provider_wiro.operators.wiro import WiroRunOperator

POSTED = ("opening", "poster", "jingle", "script", "storyboard", "refused", "expired", "hostile", "elsewhere", "long")

with DAG("films", schedule=None):
    WiroRunOperator(
        task_id="trailer",
        model="google/veo3.1",
        inputs={"prompt": "A paper boat sails down a rainy street at dusk, the camera low above the water",
                "aspectRatio": "16:9", "durationSeconds": "8"},
        deferrable=True,
        poll_interval=0.5,
    )  # fmt: skip
    for task_id in POSTED:
        EmptyOperator(task_id=task_id)

with DAG("teasers", schedule=None):
    WiroRunOperator(
        task_id="waiting",
        wiro_conn_id="wiro_slow",
        model="google/veo3.1",
        inputs={"prompt": "A lighthouse in a storm, seen from a drone that circles it", "durationSeconds": "8"},
        deferrable=True,
        poll_interval=5,
    )

with DAG("archive", schedule=None):
    EmptyOperator(task_id="video")
