"""When the time is over, the task at Wiro is stopped and the Airflow task fails, whoever noticed it."""

from __future__ import annotations

import pytest

from airflow_harness.jobs import Job, Starter

DEADLINES = ["deferred_timeout", "sync_timeout", "deferred_execution_timeout", "sync_execution_timeout"]
PAST = """
UPDATE task_instance SET trigger_timeout = now() - interval '1 minute'
WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s AND state = 'deferred' RETURNING task_id
"""


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    jobs = {dag_id: start(dag_id, hold=True) for dag_id in DEADLINES}
    jobs["backstop"] = start("deferred", hold=True)
    return jobs


@pytest.mark.parametrize("dag_id", DEADLINES)
def test_a_task_that_takes_too_long_is_stopped_at_wiro_and_fails(jobs: dict[str, Job], dag_id: str) -> None:
    job = jobs[dag_id]
    job.wait("failed")
    job.wait_for_remote("task_cancel")
    assert job.wiro.count("Run") == 1


@pytest.mark.parametrize("dag_id", DEADLINES)
def test_our_own_deadline_says_which_task_was_not_finished(jobs: dict[str, Job], dag_id: str) -> None:
    job = jobs[dag_id]
    job.wait("failed")
    assert "WiroTaskTimeout" in job.report["chain"]
    assert job.remote().taskid in job.report["message"]


def test_airflows_own_deferral_timeout_stops_the_task_too(jobs: dict[str, Job]) -> None:
    job = jobs["backstop"]
    job.wait("deferred")
    job.wait_until_polled()
    with job.rows(PAST) as changed:
        assert len(changed) == 1
    job.wait("failed")
    job.wait_for_remote("task_cancel")
    assert job.wiro.count("Run") == 1
