"""An image model draws the first frame, and the video model moves it."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator

SCENE = "A lighthouse on a rocky cliff, waves below, a storm behind it."

with DAG(
    "wiro_text_to_image_to_video", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:
    image = WiroRunOperator(
        task_id="generate_image",
        model="black-forest-labs/flux-2-pro",
        inputs={"prompt": SCENE},
        deferrable=True,
    )
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt=SCENE,
        input_image_url=image.output["output_url"],
        deferrable=True,
    )
