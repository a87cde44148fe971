"""What a storm has cost and brought, by the books of Airflow's database and of the emulated Wiro."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from airflow_harness.jobs import Job

TASK_ID = "video"
STATES = "chaos_storm_states"

# Each change of state, with the method that a task goes on with after a deferral. The database itself writes it down.
WATCH = f"""
CREATE TABLE IF NOT EXISTS {STATES} (
    id bigserial PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    run_id text, map_index int, try_number int, state text, next_method text
);
CREATE OR REPLACE FUNCTION {STATES}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {STATES} (run_id, map_index, try_number, state, next_method)
    VALUES (NEW.run_id, NEW.map_index, NEW.try_number, NEW.state, NEW.next_method);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER {STATES} AFTER UPDATE ON task_instance FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.task_id = '{TASK_ID}') EXECUTE FUNCTION {STATES}();
"""

TALLY = f"SELECT state, count(*) FROM task_instance WHERE run_id = %(run_id)s AND task_id = '{TASK_ID}' GROUP BY 1"
STARTS = f"SELECT count(*) FROM {STATES} WHERE run_id = %(run_id)s AND state = 'running'"
TRIES = f"""
SELECT map_index, try_number FROM task_instance
WHERE run_id = %(run_id)s AND task_id = '{TASK_ID}' AND try_number > 1 ORDER BY 1
"""
UNFINISHED = f"""
SELECT map_index FROM task_instance
WHERE run_id = %(run_id)s AND task_id = '{TASK_ID}' AND state IS DISTINCT FROM 'success' ORDER BY state, map_index
"""
RESULTS = f"""
SELECT value FROM xcom WHERE run_id = %(run_id)s AND task_id = '{TASK_ID}' AND key = 'return_value'
"""


def tally(job: Job) -> Counter[str]:
    """How many of the mapped tasks are in each state; "none": not scheduled yet."""
    with job.rows(TALLY) as rows:
        return Counter({state or "none": count for state, count in rows})


def stories(job: Job, most: int = 3) -> str:
    """What some of the failed tasks have logged."""
    with job.rows(UNFINISHED) as rows:
        failed = [map_index for (map_index,) in rows]
    logs = [job.airflow.task_log(job.dag_id, job.run_id, TASK_ID, map_index) for map_index in failed[:most]]
    return "\n".join([f"not successful: {failed}", *logs, str(tally(job))])


@dataclass(frozen=True)
class Books:
    """What the storm has come to.

    :param states: of the Airflow tasks, and how many have each.
    :param delivered: the prompt that Wiro made each returned output of, one for each task instance that has one.
    :param paid: the prompt of each Run that Wiro has accepted.
    :param statuses: of the tasks at Wiro, and how many have each.
    :param busy: how many Runs Wiro has refused because of the account's limit.
    :param throttled: how many requests Wiro has answered with 429.
    :param starts: how many times a worker has started one of the tasks.
    :param tries: the tasks that needed more than one try, each with how many.
    :param peak: the largest number of tasks that were active at Wiro at once.
    :param nonces: those that Wiro has seen twice.
    :param wall: seconds from the start of the run to its end.
    """

    states: Counter[str]
    delivered: Counter[str]
    paid: Counter[str]
    statuses: Counter[str]
    busy: int
    throttled: int
    starts: int
    tries: dict[int, int]
    peak: int
    nonces: list[str]
    wall: float

    @classmethod
    def of(cls, job: Job, wall: float) -> Books:
        requests, tasks = job.wiro.requests, job.wiro.tasks
        with job.rows(RESULTS) as results:
            returned = [result for (result,) in results]
        made = {str(row["url"]): str(task.inputs["prompt"]) for task in tasks.values() for row in task.outputs}
        with job.rows(STARTS) as starts, job.rows(TRIES) as tries:
            return cls(
                states=tally(job),
                delivered=Counter(made[url] for result in returned for url in _urls(result)),
                paid=Counter(str(task.inputs["prompt"]) for task in tasks.values()),
                statuses=Counter(task.status for task in tasks.values()),
                busy=sum("concurrent task limit" in (request.error or "") for request in requests),
                throttled=sum(request.status == 429 for request in requests),
                starts=starts[0][0],
                tries=dict(tries),
                peak=job.wiro.peak_active,
                nonces=job.wiro.duplicate_nonces,
                wall=wall,
            )

    def summary(self) -> str:
        retries = sum(number - 1 for number in self.tries.values())
        return (
            f"{self.wall:.0f} s, {self.starts / self.states.total():.2f} worker starts per generation, "
            f"{retries} retries, {self.busy} Runs met the limit, {self.throttled} requests a 429, "
            f"at most {self.peak} active at once"
        )


def _urls(result: Any) -> list[str]:
    told = json.loads(bytes(result)) if isinstance(result, memoryview) else result  # Airflow 2 keeps bytes
    return [output["url"] for output in told["outputs"]]
