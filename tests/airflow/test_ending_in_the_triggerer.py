"""``end_from_trigger=True``: mapped tasks that end in the triggerer, what the next task gets of them, and a clear."""

from __future__ import annotations

import pytest

from airflow_harness.jobs import TASK_ID, Job, Starter
from airflow_harness.real_airflow import airflow_version

INDEXES = (0, 1)
KEYS = {"return_value", "taskid", "output_url", "output_urls", "wiro_generation"}


@pytest.fixture(scope="module")
def job(start: Starter) -> Job:
    return start("ended_in_the_triggerer", duration=4.0)


def wait(job: Job) -> list[dict[str, object]]:
    return [
        job.airflow.wait_task(job.dag_id, job.run_id, TASK_ID, "success", map_index=index, timeout=90)
        for index in INDEXES
    ]


def test_no_worker_is_started_for_the_end_and_the_xcoms_are_there(job: Job) -> None:
    for index, task in zip(INDEXES, wait(job), strict=True):
        xcoms = {key: job.xcom(key, index) for key in KEYS}
        assert xcoms["return_value"]["taskid"] == xcoms["taskid"] == xcoms["wiro_generation"]["taskid"]
        assert xcoms["output_urls"] == [xcoms["output_url"]] == [xcoms["return_value"]["outputs"][0]["url"]]
        assert xcoms["wiro_generation"]["outcome"] == "success"
        assert xcoms["wiro_generation"]["inputs"]["prompt"] == ["A steam engine", "A paper boat"][index]
        assert float(str(task["duration"])) >= 4.0
        assert task["end_date"]
    if (3, 0) <= airflow_version() < (3, 3):
        return  # a worker has ended it: this Airflow keeps an event's XComs as text
    # Airflow gives what resumes in a worker the event, and forgets what it has deferred once a worker ends it.
    statement = "SELECT next_kwargs::text FROM task_instance WHERE dag_id = %(dag_id)s AND task_id = 'video'"
    with job.rows(statement) as rows:
        assert len(rows) == len(INDEXES)
        for (kwargs,) in rows:
            assert "submitted_at" in kwargs
            assert '"event"' not in kwargs


def test_the_next_task_gets_them(job: Job) -> None:
    job.airflow.wait_task(job.dag_id, job.run_id, "collect", "success", timeout=90)
    collected = job.airflow.xcom(job.dag_id, job.run_id, "collect")
    assert collected == [[job.xcom("taskid", index) for index in INDEXES], ["success", "success"]]


def test_a_clear_pays_nothing(job: Job) -> None:
    before = [job.xcom(map_index=index) for index in INDEXES]
    job.clear()
    for index in INDEXES:
        task = job.airflow.wait_task(job.dag_id, job.run_id, TASK_ID, "success", map_index=index)
        assert task["try_number"] == 2
    assert [job.xcom(map_index=index) for index in INDEXES] == before
    assert job.wiro.count("Run") == len(INDEXES)
