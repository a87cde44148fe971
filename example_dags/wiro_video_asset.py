"""One DAG makes a video, and an asset (on Airflow 2.11: a dataset) starts the DAG that publishes it."""

from __future__ import annotations

import logging

import pendulum
from airflow.providers.common.compat.sdk import DAG, Asset, task

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

log = logging.getLogger(__name__)

VIDEO = Asset("wiro://videos/lighthouse")


@task
def publish(**context):
    """Publish each video that was made since the last run; return where they are."""
    events = context.get("triggering_asset_events") or context.get("triggering_dataset_events") or {}
    made = [event.extra for told in events.values() for event in told]
    for video in made:
        log.info("%s: Wiro task %s, %s USD", video["uris"][0], video["taskid"], video["cost_usd"])
    return [video["uris"][0] for video in made]


with DAG(
    "wiro_make_the_video", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="A lighthouse stands on a rocky cliff as waves crash against the shore.",
        input_image_url="https://cdn.wiro.ai/uploads/sampleinputs/Runway_image-to-video-gen4-turbo_input_0.png",
        deferrable=True,
        outlets=[VIDEO],
    )

with DAG(
    "wiro_publish_the_video", schedule=[VIDEO], start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as publishing:
    publish()
