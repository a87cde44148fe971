"""An image in a bucket becomes a video in a bucket, which the next task finds there; Wiro's own URLs do not last."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, ObjectStoragePath, Param, task

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator


@task
def use(uri: str) -> int:
    """Open the video where it is saved; return how many bytes it has."""
    with ObjectStoragePath(uri).open("rb") as video:
        return len(video.read())


with DAG(
    "wiro_video_in_a_bucket",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={
        "image": Param("s3://aws_default@media/kites/kite.png", type="string", title="Path of the first frame"),
        "folder": Param("s3://aws_default@media/videos", type="string", title="Folder of the videos"),
    },
) as dag:
    video = RunwayImageToVideoOperator(
        task_id="generate_video",
        prompt="The kite climbs, turns in the wind, and dives.",
        input_image="{{ params.image }}",
        save_to="{{ params.folder }}/{{ dag.dag_id }}",
        deferrable=True,
        retries=3,
    )
    use(video.output["output_uri"])
