"""Three candidates of one video; a person chooses. Needs Airflow 3.1 or newer and its standard provider."""

from __future__ import annotations

import pendulum
from airflow.providers.common.compat.sdk import DAG, task
from airflow.providers.standard.operators.hitl import HITLOperator

from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator

SEEDS = [1, 2, 3]


@task
def publish(choice: dict, ti=None) -> str:
    """Publish the candidate that was chosen; return its URL."""
    [chosen] = choice["chosen_options"]
    return ti.xcom_pull(task_ids="generate_video", key="output_url", map_indexes=int(chosen) - 1)


with DAG(
    "wiro_three_candidates", schedule=None, start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), tags=["wiro"]
) as dag:
    candidates = RunwayImageToVideoOperator.partial(
        task_id="generate_video",
        prompt="A child in a red cape runs towards a golden field.",
        input_image_url="https://cdn.wiro.ai/uploads/sampleinputs/Runway_image-to-video-gen4-turbo_input_1.png",
        deferrable=True,
        map_index_template="seed {{ task.seed }}",
    ).expand(seed=SEEDS)
    choose = HITLOperator(
        task_id="choose",
        subject="Which video is published?",
        body="{% for url in ti.xcom_pull(task_ids='generate_video', key='output_url', map_indexes=[0, 1, 2]) %}"
        "- [Candidate {{ loop.index }}]({{ url }})\n{% endfor %}",
        options=["1", "2", "3"],
    )
    candidates >> choose
    publish(choose.output)
