"""One DAG makes a video, and an asset (on Airflow 2.11: a dataset) starts the DAG that publishes it."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Asset, task

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

START = pendulum.datetime(2026, 1, 1, tz="UTC")
VIDEO = Asset("wiro://videos/lighthouse")


@task(outlets=[VIDEO])
def announce(url, outlet_events=None):
    """Tell that there is a new video, and where."""
    outlet_events[VIDEO].extra = {"url": url}


@task
def publish(**context):
    """Publish each video that has been announced since the last run; return the URLs."""
    events = context.get("triggering_asset_events") or context.get("triggering_dataset_events") or {}
    return [event.extra["url"] for told in events.values() for event in told]


with DAG(
    "wiro_make_the_video", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:
    video = RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="A lighthouse stands on a rocky cliff as waves crash against the shore.",
        input_image_url="https://cdn.wiro.ai/uploads/sampleinputs/Runway_image-to-video-gen4-turbo_input_0.png",
        deferrable=True,
    )
    announce(video.output["output_url"])

with DAG(
    "wiro_publish_the_video", schedule=[VIDEO], start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as publishing:
    publish()
