"""A video that cannot be made fails the task with words that help, and without paying again for nothing."""

from __future__ import annotations

import pytest

from airflow_harness.jobs import Job, Starter

REASON = "The first frame shows nothing that could move"


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    jobs: dict[str, Job] = {}
    for mode in ("deferred", "sync"):
        jobs[f"{mode} failed"] = start(mode, pexit="1", debugerror=REASON)
    for mode in ("deferred", "sync"):
        conn_id, wiro = start.open()
        wiro.script("Run", "code", code=97, message="Insufficient balance", times=-1)
        jobs[f"{mode} refused"] = start.run(f"{mode}_retries", wiro, conn_id)
    return jobs


@pytest.mark.parametrize("mode", ["deferred", "sync"])
def test_a_failed_generation_fails_the_task_with_wiros_reason(jobs: dict[str, Job], mode: str) -> None:
    job = jobs[f"{mode} failed"]
    job.wait("failed")
    assert "WiroTaskFailed" in job.report["classes"]
    assert job.remote().taskid in job.report["message"]
    assert REASON in job.report["message"]
    assert REASON in job.log
    assert job.wiro.count("Run") == 1
    assert job.xcom() is None


@pytest.mark.parametrize("mode", ["deferred", "sync"])
def test_a_run_that_is_refused_for_good_is_not_tried_again(jobs: dict[str, Job], mode: str) -> None:
    job = jobs[f"{mode} refused"]
    task = job.wait("failed")
    assert task["try_number"] == 1
    assert job.wiro.count("Run") == 1
    assert job.wiro.runs == []
    assert {"WiroRefused", "AirflowFailException"} <= set(job.report["classes"])
    assert "Insufficient balance" in job.report["message"]
