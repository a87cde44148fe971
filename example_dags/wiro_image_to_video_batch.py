"""A batch of images becomes videos. One bad row loses no other: the last task pairs each row with its video."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

SAMPLES = "https://cdn.wiro.ai/uploads/sampleinputs/"
SCENES = [
    {
        "prompt": "A lighthouse stands tall on a rocky cliff as powerful waves crash against the shore. Its rotating "
        "light sweeps across the dark, stormy sea. Thunder rumbles and lightning strikes in the distance, briefly "
        "illuminating the dramatic scene. The atmosphere is intense and cinematic, with dynamic lighting and natural "
        "motion.",
        "input_image_url": SAMPLES + "Runway_image-to-video-gen4-turbo_input_0.png",
    },
    {
        "prompt": "A child runs joyfully toward a golden field of tall crops, with a red cape fluttering behind in the "
        "wind. The warm sunlight casts long shadows, and the camera follows from behind at a low angle, capturing the "
        "motion and energy of the moment. The cape flows dramatically as the crops sway gently in the breeze.",
        "input_image_url": SAMPLES + "Runway_image-to-video-gen4-turbo_input_1.png",
    },
    {
        "prompt": "A miniature steam engine train travels along winding model railroad tracks, releasing gentle puffs "
        "of smoke into the air.",
        "input_image_url": SAMPLES + "Runway_image-to-video-gen4-turbo_input_2.png",
    },
    {
        "prompt": "A red car drives forward along a winding forest road, surrounded by lush green trees and dappled "
        "sunlight filtering through the leaves.",
        "input_image_url": SAMPLES + "runway_image_to_video_gen4_turbo_input_1.jpg",
    },
]


@task
def read_scenes(params=None) -> list[dict]:
    """Return the scenes, one for each video: here the DAG's own, or those of the run's configuration."""
    return params["scenes"]


@task(trigger_rule="all_done")
def collect(scenes: list[dict], ti=None) -> list[dict]:
    """Return each scene with its video; None where that failed."""
    rows = []
    for index, scene in enumerate(scenes):
        video = ti.xcom_pull(task_ids="generate_video", map_indexes=index)
        rows.append(scene | {"video": video["outputs"][0]["url"] if video else None})
    return rows


with DAG(
    "wiro_image_to_video_batch",
    schedule=None,
    start_date=pendulum.datetime(2026, 1, 1, tz="UTC"),
    tags=["wiro"],
    params={"scenes": SCENES},
) as dag:
    scenes = read_scenes()
    videos = RunwayImageToVideoOperator.partial(
        task_id="generate_video",
        deferrable=True,
        retries=1,
        retry_delay=pendulum.duration(minutes=1),
        map_index_template="{{ (task.prompt | string)[:40] }}",
    ).expand_kwargs(scenes)
    videos >> collect(scenes)
