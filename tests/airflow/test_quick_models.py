"""A model that answers in a second: Airflow fails a task whose trigger fires before its scheduler has settled."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from airflow_harness.jobs import Job, Starter

TIMES = "SELECT start_date, end_date FROM task_instance WHERE dag_id = %(dag_id)s AND run_id = %(run_id)s"
DEFERRED = """
SELECT trigger.created_date FROM trigger JOIN task_instance ON task_instance.trigger_id = trigger.id
WHERE task_instance.dag_id = %(dag_id)s AND task_instance.run_id = %(run_id)s
"""
WAITING = re.compile(r"waiting in the triggerer")


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    return {name: start(name, duration=1.0) for name in ("deferred", "deferred_after")}


def test_the_task_goes_on_five_seconds_after_its_deferral_at_the_earliest(jobs: dict[str, Job]) -> None:
    job = jobs["deferred"]
    job.until(lambda: deferred_at(job) is not None, "the task is deferred")
    deferred = deferred_at(job)
    assert deferred is not None
    job.wait("success")
    with job.rows(TIMES) as [(_, ended)]:
        assert (ended - deferred).total_seconds() >= 5.0
    assert job.wiro.count("Run") == 1


def deferred_at(job: Job) -> datetime | None:
    with job.rows(DEFERRED) as rows:
        return rows[0][0] if rows else None


def test_defer_after_spares_the_deferral(jobs: dict[str, Job]) -> None:
    job = jobs["deferred_after"]
    job.wait("success")
    assert job.xcom()["outputs"]
    assert not WAITING.search(job.log)
    assert job.wiro.count("Run") == 1
