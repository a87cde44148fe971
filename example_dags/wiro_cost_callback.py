"""Callbacks tell what a video has cost, whether it was made or not."""

from __future__ import annotations

import logging

import pendulum
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

log = logging.getLogger(__name__)


def tell_the_cost(context):
    """Log the cost of a video that was made."""
    ti = context["ti"]
    video = ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index)
    log.info("%s: %s USD for %s", ti.task_id, video["cost_usd"], video["outputs"][0]["url"])


def tell_the_failure(context):
    """Log why there is no video, and what Wiro charged all the same."""
    error = context["exception"]
    cost, taskid = getattr(error, "cost_usd", None), getattr(error, "taskid", None)
    charged = "no cost shown" if cost is None else f"{cost} USD"
    log.error("%s: failed, Wiro task %s, %s: %s", context["ti"].task_id, taskid, charged, error)


with DAG("wiro_cost_callback", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]) as dag:
    RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="A red car drives along a winding forest road.",
        input_image_url="https://cdn.wiro.ai/uploads/sampleinputs/runway_image_to_video_gen4_turbo_input_1.jpg",
        deferrable=True,
        on_success_callback=tell_the_cost,
        on_failure_callback=tell_the_failure,
    )
