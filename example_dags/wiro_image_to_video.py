"""One image becomes one video; nothing waits in a worker meanwhile."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

with DAG(
    "wiro_image_to_video", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="A miniature steam engine train travels along winding model railroad tracks, releasing gentle puffs "
        "of smoke into the air.",
        input_image_url="https://cdn.wiro.ai/uploads/sampleinputs/Runway_image-to-video-gen4-turbo_input_2.png",
        deferrable=True,
    )
