"""Triggerers come and go, keys change, triggers break: a paid task is neither lost nor left running."""

from __future__ import annotations

import signal

import pytest

from airflow_harness.jobs import Job, Starter
from airflow_harness.real_airflow import airflow_version

BREAK_THE_TRIGGER = """
UPDATE trigger SET classpath = '{}' WHERE id IN (
    SELECT trigger_id FROM task_instance WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s
) RETURNING id
"""


def test_a_task_at_wiro_survives_the_triggerer_and_is_paid_once(start: Starter) -> None:
    job = start("deferred", hold=True)
    job.wait("deferred")
    for how in (signal.SIGTERM, signal.SIGKILL):
        job.wait_until_polled(1)
        job.airflow.restart_triggerer(how)
        job.wait_until_polled(1)
        assert job.wait("deferred")
        assert job.remote().status == "task_start"
    job.release()
    job.wait("success")
    assert job.xcom()["taskid"] == job.remote().taskid
    assert job.wiro.count("Run") == 1
    assert job.wiro.count("Kill") == job.wiro.count("Cancel") == 0


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    return {name: start("deferred", hold=True) for name in ("rotation", "unknown class", "raises", "given up")}


def test_a_key_that_is_rotated_while_a_task_waits_costs_nothing_but_time(jobs: dict[str, Job], start: Starter) -> None:
    job = jobs["rotation"]
    job.wait("deferred")
    job.wait_until_polled(1)
    job.wiro.rotate_key(*start.services.new_credentials(f"{job.conn_id}, rotated"))
    job.until(lambda: [call.status for call in job.wiro.requests].count(401) >= 2, "Wiro has refused the old key")
    job.airflow.set_connection(job.conn_id, job.wiro.connection)
    job.until(lambda: job.wiro.requests[-1].status == 200, "the new key is used")
    job.release()
    job.wait("success")
    assert job.xcom()["taskid"] == job.remote().taskid
    assert job.wiro.count("Run") == 1
    assert job.wiro.count("Kill") == job.wiro.count("Cancel") == 0


@pytest.fixture(scope="module")
def broken(jobs: dict[str, Job]) -> dict[str, Job]:
    """While no triggerer runs, the rows of two triggers are spoilt and a user gives up on a third; then one starts."""
    broken = {
        "unknown class": "airflow_provider_wiro.triggers.wiro.NoSuchTrigger",
        "raises": "stub_triggers.RaisingTrigger",
    }
    for name in (*broken, "given up"):
        jobs[name].wait("deferred")
        jobs[name].wait_until_polled(1)
    airflow = jobs["raises"].airflow
    airflow.kill_triggerer(signal.SIGTERM)
    for name, classpath in broken.items():
        with jobs[name].rows(BREAK_THE_TRIGGER.format(classpath)) as changed:
            assert len(changed) == 1
    jobs["given up"].mark("failed")
    airflow.start_triggerer()
    return jobs


@pytest.mark.parametrize("name", ["unknown class", "raises"])
def test_a_worker_waits_in_the_place_of_a_trigger_that_breaks(broken: dict[str, Job], name: str) -> None:
    job = broken[name]
    job.wait("running")
    job.wait_until_polled(1)
    job.release()
    job.wait("success")
    assert job.xcom()["taskid"] == job.remote().taskid
    assert job.wiro.count("Run") == 1
    assert job.wiro.count("Kill") == job.wiro.count("Cancel") == 0


@pytest.mark.skipif(
    airflow_version() < (3, 3),
    reason="before Airflow 3.3 a task that ends while no triggerer runs takes its trigger with it, unseen",
)
def test_a_task_that_was_given_up_while_no_triggerer_ran_is_stopped_when_one_starts(broken: dict[str, Job]) -> None:
    broken["given up"].wait_for_remote("task_cancel")
