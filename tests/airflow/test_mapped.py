"""One bad row of a batch: it fails at once where a person sees it, and the others are made."""

from __future__ import annotations

import pytest

from airflow_harness.jobs import TASK_ID, Job, Starter

SAID = "duration is 7; allowed: 5 or 10"


@pytest.fixture(scope="module")
def job(start: Starter) -> Job:
    job = start("mapped_with_a_bad_row")
    job.airflow.wait_task(job.dag_id, job.run_id, TASK_ID, "failed", map_index=0)
    return job


def test_a_bad_row_is_not_tried_again_and_says_why(job: Job) -> None:
    task = job.airflow.api.task_instance(job.dag_id, job.run_id, TASK_ID, 0)
    assert task is not None
    assert task["try_number"] == 1
    assert SAID in job.airflow.task_log(job.dag_id, job.run_id, TASK_ID, 0)
    assert {"WiroInputError", "AirflowFailException"} <= set(job.report["classes"])
    assert SAID in job.report["message"]


def test_the_bad_rows_name_and_rendered_templates_are_shown(job: Job) -> None:
    task = job.airflow.api.task_instance(job.dag_id, job.run_id, TASK_ID, 0)
    assert task is not None
    assert task["rendered_map_index"] == "A kite in mapped_with_a_bad_row"
    assert task["rendered_fields"]["prompt"] == "A kite in mapped_with_a_bad_row"


def test_the_other_row_is_made_and_paid_for_once(job: Job) -> None:
    job.airflow.wait_task(job.dag_id, job.run_id, TASK_ID, "success", map_index=1)
    assert [task.inputs["prompt"] for task in job.wiro.runs] == ["A paper boat"]
    assert job.wiro.count("Run") == 1
