"""The first frame lies in a bucket, or on a disk of the worker: it is uploaded to Wiro, at no cost."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

with DAG(
    "wiro_image_from_a_bucket",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={"image": Param("s3://aws_default@media/kites/kite.png", type="string", title="Path of the first frame")},
) as dag:
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="The kite climbs, turns in the wind, and dives.",
        input_image="{{ params.image }}",
        deferrable=True,
    )
