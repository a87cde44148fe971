"""Every night at two, one video of the day before. A retry goes on with what the first try has paid for.

A run that is triggered by hand has no date on Airflow 3: a template says what stands in its place.
"""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

with DAG(
    "wiro_nightly_video",
    schedule="0 2 * * *",
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    is_paused_upon_creation=True,  # nobody pays for a DAG that only came with the package: Airflow 3.3 loads examples
    catchup=False,
    max_active_runs=1,
    tags=["wiro"],
    default_args={"retries": 2, "retry_delay": pendulum.duration(minutes=5)},
) as dag:
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="Clouds pass over a city in time lapse, on {{ ds | default('a day in spring') }}.",
        input_image_url="https://cdn.wiro.ai/uploads/sampleinputs/Runway_image-to-video-gen4-turbo_input_1.png",
        deferrable=True,
    )
