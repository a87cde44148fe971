"""What the tests talk about: a run of a DAG with one Wiro task, and the emulated Wiro that this run alone uses."""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_harness.api import NOT_MAPPED
from airflow_harness.real_airflow import RealAirflow
from airflow_provider_wiro.emulator import EmulatedTask, WiroEmulator

TASK_ID = "video"


class Services:
    """Every emulated Wiro of a session. Each has credentials of its own, which nothing else contains."""

    def __init__(self) -> None:
        self._exits = contextlib.ExitStack()
        self.emulators: dict[str, WiroEmulator] = {}
        self._secrets: dict[str, str] = {}

    def open(self, name: str, duration: float = 3.0, concurrency: int | None = None) -> WiroEmulator:
        key, secret = self.new_credentials(name)
        emulator = WiroEmulator(api_key=key, api_secret=secret, duration=duration, concurrency=concurrency)
        self._exits.enter_context(emulator)
        self.emulators[name] = emulator
        return emulator

    def new_credentials(self, name: str) -> tuple[str, str]:
        """A key and a secret, which the search for leaks looks for from now on."""
        key, secret = f"key-{secrets.token_hex(12)}", f"secret-{secrets.token_hex(12)}"
        self._secrets |= {key: f"API key of {name}", secret: f"API secret of {name}"}
        return key, secret

    def secrets(self) -> dict[str, str]:
        """All that must be nowhere, mapped to a name for it: keys, secrets, the tokens of tasks, and signatures."""
        found = dict(self._secrets)
        for name, emulator in self.emulators.items():
            found |= {task.token: f"token of task {task.taskid} of {name}" for task in emulator.runs}
            signatures = (request.headers.get("x-signature") for request in emulator.requests)
            found |= {signature: f"signature sent to {name}" for signature in signatures if signature}
        return found

    def close(self) -> None:
        self._exits.close()


@dataclass(frozen=True)
class Job:
    """A run of a DAG whose task is called `video`."""

    airflow: RealAirflow
    wiro: WiroEmulator
    dag_id: str
    run_id: str
    conn_id: str
    reports: Path

    def wait(self, state: str | Collection[str], *, timeout: float = 90) -> dict[str, Any]:
        return self.airflow.wait_task(self.dag_id, self.run_id, TASK_ID, state, timeout=timeout)

    def wait_until_polled(self, times: int = 2) -> None:
        """Waits until the trigger has asked for the task's status so often from now on."""
        wanted = self.wiro.count("Detail") + times
        self.until(lambda: self.wiro.count("Detail") >= wanted, "Wiro is asked for the status")

    def wait_for_remote(self, status: str, number: int = 0) -> None:
        """Waits until the task at Wiro has the status."""
        self.until(lambda: self.remote(number).status == status, f"task {number} at Wiro is {status}", timeout=30)

    def until(self, condition: Callable[[], object], what: str, timeout: float = 60) -> None:
        self.airflow.wait_until(condition, what, timeout, self._story)

    def _story(self) -> str:
        remote = [(task.taskid, task.status) for task in self.wiro.runs]
        calls = [(request.call, request.status, request.error) for request in self.wiro.requests][-12:]
        story = self.airflow.story(self.dag_id, self.run_id, TASK_ID)
        return f"at Wiro: {remote}\nlast calls: {calls}\n{story}"

    def remote(self, number: int = 0) -> EmulatedTask:
        return self.wiro.runs[number]

    def mark(self, state: str) -> None:
        self.airflow.set_task_state(self.dag_id, self.run_id, TASK_ID, state)

    def clear(self) -> None:
        self.airflow.clear(self.dag_id, self.run_id, TASK_ID)

    def release(self, number: int = 0) -> None:
        self.wiro.release(self.remote(number).taskid)

    def xcom(self, key: str = "return_value", map_index: int = NOT_MAPPED) -> Any:
        return self.airflow.xcom(self.dag_id, self.run_id, TASK_ID, key, map_index)

    @property
    def log(self) -> str:
        return self.airflow.task_log(self.dag_id, self.run_id, TASK_ID)

    @property
    def report(self) -> dict[str, Any]:
        """What the DAG's on_failure_callback saw."""
        path = self.reports / f"{self.run_id}.json"
        self.until(path.exists, "on_failure_callback has been called", timeout=20)
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    @contextlib.contextmanager
    def rows(self, statement: str) -> Iterator[list[tuple[Any, ...]]]:
        """Runs a statement on the database; `%(dag_id)s` and `%(run_id)s` stand for this run."""
        with self.airflow.database() as cursor:
            cursor.execute(statement, {"dag_id": self.dag_id, "run_id": self.run_id})
            yield list(cursor.fetchall()) if cursor.description else []


@dataclass(frozen=True)
class Starter:
    """Starts jobs."""

    airflow: RealAirflow
    services: Services
    reports: Path

    def __call__(self, dag_id: str, *, duration: float = 3.0, **outcome: object) -> Job:
        """Runs the DAG on a Wiro of its own; `outcome` says how its first task goes there."""
        conn_id, wiro = self.open(duration)
        if outcome:
            wiro.outcome(**outcome)  # type: ignore[arg-type]
        return self.run(dag_id, wiro, conn_id)

    def open(self, duration: float = 3.0, concurrency: int | None = None) -> tuple[str, WiroEmulator]:
        """Starts a Wiro and puts a connection to it into Airflow's database; gives the connection's id too."""
        conn_id = f"wiro_{len(self.services.emulators)}"
        wiro = self.services.open(conn_id, duration, concurrency)
        self.airflow.set_connection(conn_id, wiro.connection)
        return conn_id, wiro

    def limited(self, dag_id: str, most: int | None, duration: float) -> Job:
        """Runs the DAG over a connection that says how many tasks may run at Wiro at once."""
        conn_id, wiro = self.open(duration)
        if most is not None:
            self.airflow.set_connection(conn_id, wiro.connection | {"extra": {"max_active": most}})
        return self.run(dag_id, wiro, conn_id)

    def run(self, dag_id: str, wiro: WiroEmulator, conn_id: str, **conf: object) -> Job:
        """Runs the DAG on a Wiro that is there; `conf` goes into the run's configuration."""
        run_id = self.airflow.trigger(dag_id, {"conn": conn_id, "reports": str(self.reports), **conf})
        return Job(self.airflow, wiro, dag_id, run_id, conn_id, self.reports)
