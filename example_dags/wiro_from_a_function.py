"""Functions return the inputs of the models: one draws, and the other one says what is in the image."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

with DAG(
    "wiro_from_a_function", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:

    @task.wiro(model="black-forest-labs/flux-2-pro", deferrable=True)
    def draw(scene, ds=None):
        """Draw the scene."""
        return {"prompt": f"{scene}, at dawn on {ds}"}

    @task.wiro(model="openai/gpt-5-2", deferrable=True, defer_after=20)
    def describe(image):
        """Say what is in the image."""
        return {"prompt": f"What is in the image {image}?"}

    describe(draw("A lighthouse")["output_url"])
    draw.override(task_id="draw_more").expand(scene=["A boat", "A kite"])
