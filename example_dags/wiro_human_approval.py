"""A person looks at the image before a video is paid for. Needs Airflow 3.1 or newer and its standard provider."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.standard.operators.hitl import ApprovalOperator

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator

SCENE = "A child in a red cape runs towards a golden field."

with DAG(
    "wiro_human_approval", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:
    image = WiroRunOperator(
        task_id="generate_image",
        model="black-forest-labs/flux-2-pro",
        inputs={"prompt": SCENE},
        deferrable=True,
    )
    approval = ApprovalOperator(
        task_id="approve_image",
        subject="Make a video of this image?",
        body="[The image]({{ ti.xcom_pull(task_ids='generate_image', key='output_url') }})",
    )
    video = RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt=SCENE,
        input_image_url=image.output["output_url"],
        deferrable=True,
    )
    image >> approval >> video
