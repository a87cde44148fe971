"""Trigger this DAG in Airflow's UI: it asks for a prompt, an image and a duration, and makes the video."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

with DAG(
    "wiro_video_from_a_form",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={
        "prompt": Param("A paper boat drifts down a rain gutter.", type="string", minLength=1, title="Prompt"),
        "image": Param("https://example.com/boat.png", type="string", format="uri", title="First frame (a URL)"),
        "duration": Param(5, type="integer", enum=[5, 10], title="Seconds"),
    },
) as dag:
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="{{ params.prompt }}",
        input_image_url="{{ params.image }}",
        duration="{{ params.duration }}",
        deferrable=True,
    )
