"""A sensor waits for what was submitted elsewhere, and stops it only where that is asked for."""

from __future__ import annotations

import time

import pytest

from airflow_harness.jobs import Job, Starter

STATES = {"poke": "running", "reschedule": "up_for_reschedule", "deferred": "deferred"}
KILLED = ["poke", "deferred", "poke_cancels", "deferred_cancels"]
LATE = ["reschedule_late", "deferred_late"]


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    """All of them wait at the same time, each for a task of its own."""
    names = [*STATES, *LATE, *(f"{name} killed" for name in KILLED)]
    submitted = {name: start("submit_only", hold=True) for name in names}
    jobs = {}
    for name, job in submitted.items():
        job.wait("success")
        dag_id = f"sensor_{name.removesuffix(' killed')}"
        jobs[name] = start.run(dag_id, job.wiro, job.conn_id, taskid=job.remote().taskid)
    return jobs


@pytest.mark.parametrize("mode", STATES)
def test_it_returns_the_video_of_another_dag(jobs: dict[str, Job], mode: str) -> None:
    job = jobs[mode]
    job.wait(STATES[mode])
    job.wait_until_polled(1)
    job.release()
    job.wait("success")
    assert job.xcom()["taskid"] == job.xcom("taskid") == job.remote().taskid
    assert job.xcom("output_url") == job.remote().outputs[0]["url"]
    assert (job.wiro.count("Run"), job.wiro.count("Kill"), job.wiro.count("Cancel")) == (1, 0, 0)


@pytest.mark.parametrize("name", KILLED)
def test_a_kill_stops_the_task_only_where_that_is_asked_for(jobs: dict[str, Job], name: str) -> None:
    job = jobs[f"{name} killed"]
    job.wait(STATES[name.removesuffix("_cancels")])
    job.wait_until_polled(1)
    job.mark("failed")
    if name.endswith("_cancels"):
        job.wait_for_remote("task_cancel")
        return
    job.until(lambda: is_quiet(job), "nobody looks at the task any more")
    assert job.remote().status == "task_start"
    assert job.wiro.count("Kill") == job.wiro.count("Cancel") == 0


def is_quiet(job: Job) -> bool:
    before = job.wiro.count("Detail")
    time.sleep(5)
    return job.wiro.count("Detail") == before


@pytest.mark.parametrize("name", LATE)
def test_its_timeout_fails_it_without_a_retry_and_leaves_the_task(jobs: dict[str, Job], name: str) -> None:
    job = jobs[name]
    job.wait("failed")
    assert {"WiroTaskTimeout", "AirflowSensorTimeout"} <= set(job.report["chain"])
    assert job.remote().taskid in job.report["message"]
    assert job.remote().status == "task_start"
    assert job.wiro.count("Kill") == job.wiro.count("Cancel") == 0
