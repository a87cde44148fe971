"""Wait for a generation that was submitted elsewhere: by an app, by hand, or by another DAG. Nothing is submitted."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, Param, task

from airflow_provider_wiro.hooks.wiro import WiroHook


@task(multiple_outputs=False)  # Airflow 3.0 refuses the values that are None
def wait(taskid: str) -> dict:
    """Return what the operators return. If the hour is over, the generation runs on, and this task fails."""
    return WiroHook().wait(taskid, timeout=3600)


@task
def use(video: dict) -> str:
    """Do something with the URL of the first output."""
    return video["outputs"][0]["url"]


with DAG(
    "wiro_wait_for_a_taskid",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={"taskid": Param("", type="string", title="Wiro taskid")},
) as dag:
    use(wait("{{ params.taskid }}"))
