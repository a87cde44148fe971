"""A task that Airflow gives up must not go on at Wiro: it would be paid for, and nobody would get the video."""

from __future__ import annotations

import pytest

from airflow_harness.api import NOT_MAPPED
from airflow_harness.jobs import TASK_ID, Job, Starter
from airflow_harness.real_airflow import airflow_version

USER_ACTIONS = {
    "a deferred task is marked failed": ("deferred", "failed"),
    "a deferred task is marked as a success": ("deferred", "success"),
    "a waiting task is marked failed": ("sync", "failed"),
}
# What an API server without apache/airflow#63266 does to a task that runs, when a branch skips it at that moment.
SKIPPED = """
UPDATE task_instance SET state = 'skipped' WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s RETURNING task_id
"""


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    jobs = {action: start(dag_id, hold=True) for action, (dag_id, _) in USER_ACTIONS.items()}
    jobs["cleared"] = start("deferred", hold=True)
    jobs["sync cleared"] = start("sync", hold=True)
    jobs |= {f"{dag_id} skipped": start(dag_id, hold=True) for dag_id in ("sync", "deferred")}
    jobs["still queued"] = start("deferred", hold="task_queue")
    return jobs


def wait_until_it_waits(job: Job) -> None:
    job.wait("running" if job.dag_id == "sync" else "deferred")
    job.until(lambda: job.wiro.runs, "the task has been submitted")
    job.wait_until_polled(1)


@pytest.mark.parametrize("action", USER_ACTIONS)
def test_the_task_at_wiro_is_stopped_when(jobs: dict[str, Job], action: str) -> None:
    job, (_, state) = jobs[action], USER_ACTIONS[action]
    wait_until_it_waits(job)
    job.mark(state)
    job.wait_for_remote("task_cancel")
    job.wait(state)
    assert job.wiro.count("Run") == 1


def test_a_task_that_is_still_in_wiros_queue_is_stopped_too(jobs: dict[str, Job]) -> None:
    job = jobs["still queued"]
    wait_until_it_waits(job)
    job.mark("failed")
    job.wait_for_remote("task_cancel")
    assert job.wiro.count("Cancel") >= 1


@pytest.mark.parametrize("name", ["sync skipped", "deferred skipped"])
def test_a_task_that_airflow_skips_while_it_runs_is_stopped_too(jobs: dict[str, Job], name: str) -> None:
    job = jobs[name]
    wait_until_it_waits(job)
    with job.rows(SKIPPED) as changed:
        assert len(changed) == 1
    job.wait_for_remote("task_cancel")
    job.wait("skipped")
    assert job.wiro.count("Run") == 1


NO_NEXT_TRY = pytest.mark.skipif(airflow_version() == (3, 0), reason="Airflow 3.0 leaves it in the state restarting")


@pytest.mark.parametrize("name", ["cleared", pytest.param("sync cleared", marks=NO_NEXT_TRY)])
def test_a_cleared_task_has_one_video_at_work_and_delivers_one(jobs: dict[str, Job], name: str) -> None:
    """The new try makes a new one, or goes on with the old one if it comes before the stop."""
    job = jobs[name]
    wait_until_it_waits(job)
    job.clear()
    job.until(lambda: is_in_a_new_try(job), "the new try has a video at work, or is done")
    for task in job.wiro.active:
        job.wiro.release(task.taskid)
    job.wait("success")
    statuses = [task.status for task in job.wiro.runs]
    assert statuses in (["task_cancel", "task_postprocess_end"], ["task_postprocess_end"])
    assert job.wiro.peak_active == 1
    assert job.xcom("taskid") == job.xcom()["taskid"] == job.remote(-1).taskid


def is_in_a_new_try(job: Job) -> bool:
    task = job.airflow.api.task_instance(job.dag_id, job.run_id, TASK_ID, NOT_MAPPED) or {}
    waits = task.get("state") in ("running", "deferred") and job.xcom("taskid") is not None and job.wiro.active
    return task.get("try_number", 0) > 1 and (bool(waits) or task.get("state") == "success")
