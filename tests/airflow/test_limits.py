"""How many tasks run at Wiro at once, where the connection says how many may."""

from __future__ import annotations

from airflow_harness.jobs import TASK_ID, Starter
from airflow_harness.real_airflow import RealAirflow

TASKS = 5


def test_of_five_mapped_tasks_one_runs_at_a_time_without_a_worker_slot(airflow: RealAirflow, start: Starter) -> None:
    job = start.limited("limit_max_active", 1, duration=6.0)
    job.until(lambda: job.wiro.runs, "the first task has been submitted")
    for index in range(TASKS):
        airflow.wait_task(job.dag_id, job.run_id, TASK_ID, "success", index, timeout=240)
    assert job.wiro.peak_active == 1
    assert job.wiro.count("Run") == len(job.wiro.runs) == TASKS
    assert "waiting for a place" in airflow.task_log(job.dag_id, job.run_id, TASK_ID, 0)
