"""An image in a bucket becomes a video in a bucket; an asset (2.11: a dataset) starts the DAG that reads it there."""

from __future__ import annotations

import json
import logging

import pendulum
from airflow.providers.common.compat.sdk import DAG, Asset, ObjectStoragePath, Param, task

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

log = logging.getLogger(__name__)

VIDEO = Asset("wiro://videos/kite")


@task
def publish(**context):
    """Open each video that was saved since the last run, and its manifest; return how many bytes they have."""
    events = context.get("triggering_asset_events") or context.get("triggering_dataset_events") or {}
    sizes = []
    for uri in [uri for told in events.values() for event in told for uri in event.extra["uris"]]:
        with ObjectStoragePath(f"{uri.rpartition('/')[0]}/manifest.json").open("rb") as file:
            manifest = json.load(file)
        log.info("%s: made by %s for %s USD", uri, manifest["model"], manifest["cost_usd"])
        with ObjectStoragePath(uri).open("rb") as file:
            sizes.append(len(file.read()))
    return sizes


with DAG(
    "wiro_video_in_a_bucket",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={
        "image": Param("s3://aws_default@media/kites/kite.png", type="string", title="Path of the first frame"),
        "folder": Param("s3://aws_default@media/videos", type="string", title="Folder of the videos"),
    },
) as dag:
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="The kite climbs, turns in the wind, and dives.",
        input_image="{{ params.image }}",
        save_to="{{ params.folder }}/{{ dag.dag_id }}",
        deferrable=True,
        retries=3,
        outlets=[VIDEO],
    )

with DAG(
    "wiro_publish_from_the_bucket", schedule=[VIDEO], start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as publishing:
    publish()
