"""A model that answers in a second: Airflow fails a task whose trigger fires before its scheduler has settled."""

from __future__ import annotations

import re

import pytest

from airflow_harness.jobs import Job, Starter

AGE = """
SELECT extract(epoch FROM now() - trigger.created_date) FROM trigger
JOIN task_instance ON task_instance.trigger_id = trigger.id
WHERE task_instance.dag_id = %(dag_id)s AND task_instance.run_id = %(run_id)s AND task_instance.state = 'deferred'
"""
# Seconds between two looks, on a slow machine.
LOOKS_EVERY = 0.7
WAITING = re.compile(r"waiting in the triggerer")


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    return {name: start(name, duration=1.0) for name in ("deferred", "deferred_after")}


def test_the_task_stays_deferred_for_five_seconds_at_least(jobs: dict[str, Job]) -> None:
    job, ages = jobs["deferred"], list[float]()

    def went_on() -> bool:
        with job.rows(AGE) as rows:
            ages.extend(float(age) for (age,) in rows)
            return bool(ages) and not rows

    job.until(went_on, "the task was deferred, and goes on")
    assert ages[-1] >= 5.0 - LOOKS_EVERY
    job.wait("success")
    assert job.wiro.count("Run") == 1


def test_defer_after_spares_the_deferral(jobs: dict[str, Job]) -> None:
    job = jobs["deferred_after"]
    job.wait("success")
    assert job.xcom()["outputs"]
    assert not WAITING.search(job.log)
    assert job.wiro.count("Run") == 1
