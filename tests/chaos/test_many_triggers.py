"""10,000 generations wait in one triggerer, which gets SIGKILL: another one brings the end of each, once."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_harness.real_airflow import RealAirflow, airflow_version
from chaos_harness.many_tasks import FIRST, OVER, ManyTasks, many_tasks
from chaos_harness.recorder import Row
from chaos_harness.running import chaos_airflow
from storm_books import STATES, WATCH

TABLE = "Many triggers"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
]

COUNT = 10_000
EARLY = 6_000
"""How many end while the first triggerer lives: it is killed while it writes their events down."""

WRITTEN = 100
"""How many events it has written by then, at least."""

CONN_ID = "wiro_many"
KILLED, SURVIVOR = "triggerer", "triggerer-2"
SETTINGS = {
    "triggerer.capacity" if airflow_version() >= (3, 0) else "triggerer.default_capacity": 12_000,
    "triggerer.max_trigger_to_select_per_loop": 1_000,
    # So many triggers or events keep a triggerer from its heartbeat for longer than a few.
    "triggerer.triggerer_health_check_threshold": 30,
}
HELD = """
SELECT DISTINCT job.hostname FROM task_instance LEFT JOIN trigger ON trigger.id = task_instance.trigger_id
LEFT JOIN job ON job.id = trigger.triggerer_id
WHERE task_instance.run_id = %(run_id)s AND task_instance.state = 'deferred'
"""
STATE = "SELECT state, count(*) FROM task_instance WHERE run_id = %(run_id)s AND task_id = 'video' GROUP BY 1"
EVENTS = """
SELECT map_index, state, next_method, next_kwargs FROM task_instance WHERE run_id = %(run_id)s AND task_id = 'video'
"""
CHANGES = f"SELECT map_index, state FROM {STATES} WHERE run_id = %(run_id)s ORDER BY map_index"


@pytest.fixture
def wiro(tmp_path: Path) -> Iterator[ManyTasks]:
    with many_tasks(COUNT, tmp_path) as service:
        yield service


@pytest.fixture
def airflow(tmp_path: Path, wiro: ManyTasks) -> Iterator[RealAirflow]:
    """Without a scheduler: nothing else changes the tasks, and what is scheduled for a worker stays so."""
    with chaos_airflow(tmp_path / "home", {CONN_ID: wiro.connection}, settings=SETTINGS) as running:
        for name in ("scheduler", KILLED, SURVIVOR):
            running.components[name].stop(signal.SIGKILL)
        yield running


def test_sigkill_to_the_triggerer_that_has_10000_triggers(airflow: RealAirflow, wiro: ManyTasks, row: Row) -> None:
    waiting = Waiting.begin(airflow, wiro)
    airflow.start_triggerer(KILLED)
    waiting.until_held_by(KILLED)
    airflow.start_triggerer(SURVIVOR)
    wiro.end(0, EARLY)
    waiting.until(lambda: waiting.states()["scheduled"] >= WRITTEN, "the first events are written")
    waiting.until_looked_at()
    airflow.kill_triggerer(signal.SIGKILL, KILLED)
    killed, written, looks = time.monotonic(), waiting.states()["scheduled"], wiro.calls.total()
    waiting.until_held_by(SURVIVOR)
    taken_over = time.monotonic() - killed
    wiro.end(EARLY, COUNT)
    ended = time.monotonic()
    waiting.until(lambda: waiting.states()["deferred"] == 0, "all of them are over")
    wall = time.monotonic() - ended
    row.runs, row.state, row.remote = wiro.calls["Run"], told(waiting.states()), told(wiro.statuses)
    row.outcome = (
        f"killed when {written} events were written; the other triggerer had the rest {taken_over:.0f} s later; all "
        f"events were there {wall:.0f} s after the last end; requests: {looks} before the kill, "
        f"{wiro.calls.total() - looks} after it"
    )
    assert written < EARLY
    waiting.judge()


class Waiting:
    """The tasks that wait.

    :param run_id: of their run.
    """

    def __init__(self, airflow: RealAirflow, wiro: ManyTasks, run_id: str) -> None:
        self._airflow, self._wiro, self._run_id = airflow, wiro, run_id

    @classmethod
    def begin(cls, airflow: RealAirflow, wiro: ManyTasks) -> Waiting:
        """Has a run of the storm's DAG wait, with a trigger for each task."""
        run_id = airflow.trigger("storm", {"generations": COUNT})
        code, _ = airflow.python("-m", "many_waiting", run_id, str(COUNT), CONN_ID, wiro.url, str(FIRST))
        assert code == 0, airflow.component_logs / "commands.log"
        with airflow.database() as cursor:
            cursor.execute(WATCH)
        for name in {*airflow.components} - {*airflow.triggerers}:
            airflow.components[name].stop(signal.SIGKILL)
        return cls(airflow, wiro, run_id)

    def until(self, condition: Any, what: str, timeout: float = 400) -> None:
        self._airflow.wait_until(condition, what, timeout)

    def until_held_by(self, name: str) -> None:
        """Waits until a triggerer has all that wait, and asks for them."""
        self.until(lambda: self._rows(HELD) == [(name,)], f"{name} has all triggers")
        self.until_looked_at()

    def until_looked_at(self) -> None:
        """Waits for the next look."""
        before = self._wiro.calls.total()
        self.until(lambda: self._wiro.calls.total() > before, "Wiro is asked")

    def states(self) -> Counter[str]:
        return Counter(dict(self._rows(STATE)))

    def judge(self) -> None:
        """Each has the verdict of its own task, was given to a worker once, and cost nothing."""
        assert set(self._wiro.calls) <= {"Task/Detail", "Task/List"}
        assert self._wiro.statuses == {OVER: COUNT}
        changes: dict[int, list[str]] = {number: [] for number in range(COUNT)}
        for number, state in self._rows(CHANGES):
            changes[number].append(state)
        assert {number: states for number, states in changes.items() if states != ["scheduled"]} == {}
        events = {number: (state, method, *event_in(kwargs)) for number, state, method, kwargs in self._rows(EVENTS)}
        due = {number: ("scheduled", "execute_complete", str(FIRST + number), "success") for number in range(COUNT)}
        assert {number: events.get(number) for number in due if events.get(number) != due[number]} == {}

    def _rows(self, statement: str) -> list[Any]:
        with self._airflow.database() as cursor:
            cursor.execute(statement, {"run_id": self._run_id})
            return list(cursor.fetchall())


def event_in(kwargs: dict[str, Any]) -> tuple[str, str]:
    """The taskid and the verdict of the event that a worker goes on with, whatever Airflow has wrapped around it."""
    while "verdict" not in kwargs:
        kwargs = kwargs.get("__var") or kwargs["event"]
    return kwargs["taskid"], kwargs["verdict"]


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
