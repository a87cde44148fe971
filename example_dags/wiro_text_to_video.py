"""A text model writes the prompt, and the video model films it."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator

with DAG("wiro_text_to_video", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]) as dag:
    script = WiroRunOperator(
        task_id="write_prompt",
        model="openai/gpt-5-2",
        inputs={"prompt": "Describe, in one sentence, a calm scene by the sea for a video of five seconds."},
        deferrable=True,
        defer_after=20,
    )
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt=script.output["text"],
        input_image_url="https://cdn.wiro.ai/uploads/sampleinputs/Runway_image-to-video-gen4-turbo_input_0.png",
        deferrable=True,
    )
