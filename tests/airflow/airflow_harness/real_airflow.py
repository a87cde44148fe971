"""One real Airflow for a whole test session: database, API server, scheduler, triggerer, and their end."""

from __future__ import annotations

import contextlib
import importlib.metadata
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

import airflow_provider_wiro
from airflow_harness.api import NOT_MAPPED, AirflowApi
from airflow_harness.config import environment, write_local_settings
from airflow_harness.leaks import REMEMBER_ROWS
from airflow_harness.postgres import PostgresServer
from airflow_harness.processes import Component, free_port, kept, processes_in, tail_of, wait_for

HERE = Path(__file__).parents[1]
ROOT = HERE.parents[1]
EXAMPLES = ROOT / "example_dags"
RUNS_BY_ITSELF, NEEDS_3_1 = ("wiro_nightly_video.py",), ("wiro_human_approval.py", "wiro_three_candidates.py")
FINAL = frozenset({"success", "failed", "skipped", "upstream_failed", "removed"})


def airflow_version() -> tuple[int, int]:
    """Major and minor of this environment's Airflow, without importing it: an import would make an AIRFLOW_HOME."""
    major, minor, *_ = importlib.metadata.version("apache-airflow").split(".")
    return int(major), int(minor)


class RealAirflow:
    """Starts and stops the components, and does what a user does, through the public REST API.

    :param home: a folder for everything.
    :param connections: Airflow connections that come from the environment, by their ids.
    :param triggerers: how many; they are called "triggerer", "triggerer-2"…
    :param dags: folders that are copied into the DAG folder.
    :param stubs: folders on the Python path of every process.
    :param settings: of Airflow, over the harness's own, as in {"core.parallelism": 10}.
    """

    def __init__(
        self,
        home: Path,
        connections: Mapping[str, Mapping[str, Any]],
        *,
        triggerers: int = 1,
        dags: Sequence[Path] = (HERE / "dags", EXAMPLES),
        stubs: Sequence[Path] = (HERE / "stubs",),
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self.version = airflow_version()
        self.home = home
        self.logs = home / "logs"
        self.component_logs = home / "component-logs"
        self.component_logs.mkdir(parents=True)
        self._numbers = itertools.count(1)
        self.port = free_port()
        self.postgres = PostgresServer(self.component_logs / "postgres.log")
        self.env = environment(self.version, home, self.postgres.url, self.port, settings or {})
        # The same package as is imported here.
        self.env["PYTHONPATH"] = os.pathsep.join(map(str, (*stubs, Path(airflow_provider_wiro.__file__).parents[1])))
        for conn_id, connection in connections.items():
            self.env[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(connection)
        self.fernet_key = self.env["AIRFLOW__CORE__FERNET_KEY"]
        self.api = AirflowApi(self.port, self.version[0])
        self._dags = dags
        self.triggerers = ["triggerer", *(f"triggerer-{number}" for number in range(2, triggerers + 1))]
        names = ["scheduler", *self.triggerers]
        names += ["api-server", "dag-processor"] if self.version >= (3, 0) else ["webserver"]
        self.components = {name: self._component(name) for name in names}

    # Start and end

    def start(self, patience: float = 120) -> None:
        self.postgres.start()
        write_local_settings(self.version, self.home)
        (self.home / "journal").mkdir()
        left_out = shutil.ignore_patterns(
            "__pycache__", *RUNS_BY_ITSELF, *([] if self.version >= (3, 1) else NEEDS_3_1)
        )
        for folder in self._dags:
            shutil.copytree(folder, self.home / "dags" / folder.name, ignore=left_out)
        self.command("db", "migrate")
        with self.database() as cursor:
            cursor.execute(REMEMBER_ROWS)
        for component in self.components.values():
            component.start()
        wanted = ["scheduler", "triggerer"] + (["dag_processor"] if self.version >= (3, 0) else [])
        deadline = time.monotonic() + patience
        while not all(self.api.health().get(name) == "healthy" for name in wanted):
            dead = [component.name for component in self.components.values() if not component.running]
            if dead or time.monotonic() > deadline:
                raise AssertionError(f"Airflow is not healthy; dead: {dead or 'nothing'}\n{self.component_tails()}")
            time.sleep(0.3)

    def stop(self) -> None:
        """Stops everything, and fails if anything of this session is still there."""
        with contextlib.ExitStack() as stops:
            stops.callback(self.postgres.stop)
            for component in self.components.values():
                stops.callback(component.stop, signal.SIGKILL)
        folders = (self.home, self.postgres.folder)
        assert wait_for(lambda: not any(map(processes_in, folders)), 5), [*map(processes_in, folders)]

    def command(self, *arguments: str) -> str:
        """Runs `airflow …` and gives what it prints on standard output."""
        code, printed = self.python("-m", "airflow", *arguments)
        assert code == 0, f"airflow {' '.join(arguments)}: {code}\n{tail_of(self.component_logs / 'commands.log', 100)}"
        return printed

    def python(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Runs Python with Airflow's environment; gives its exit code and what it prints on standard output.

        `variables` are added to the environment.
        """
        env = {**self.env, **variables}
        with tempfile.TemporaryFile("w+") as output, (self.component_logs / "commands.log").open("a") as log:
            log.write(f"$ python {' '.join(arguments)}\n")
            log.flush()
            command = kept([sys.executable, *arguments])
            with subprocess.Popen(
                command, env=env, cwd=self.home, stdin=subprocess.PIPE, stdout=output, stderr=log
            ) as running:
                code = running.wait(300)
            output.seek(0)
            printed = output.read()
            log.write(printed)
        return code, printed

    def kill_triggerer(self, how: signal.Signals = signal.SIGTERM, name: str = "triggerer") -> None:
        self.components[name].stop(how)

    def start_triggerer(self, name: str = "triggerer") -> None:
        if not self.components[name].running:
            self.components[name].start()

    def restart_triggerer(self, how: signal.Signals = signal.SIGTERM) -> None:
        self.kill_triggerer(how)
        self.start_triggerer()

    # What a user does

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Starts a run of the DAG and gives its run_id."""
        self.wait_until(lambda: self.api.knows(dag_id), f"Airflow has read the DAG {dag_id}", 60)
        run_id = f"{dag_id}-{next(self._numbers)}"
        self.api.trigger(dag_id, run_id, conf or {})
        return run_id

    def set_task_state(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int = NOT_MAPPED) -> None:
        self.api.set_task_state(dag_id, run_id, task_id, state, map_index)

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        self.api.set_run_state(dag_id, run_id, state)

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        """Clears the task of this run. The API of Airflow 2.11 forgets to do so to a running task; its CLI does not."""
        if self.version >= (3, 0):
            self.api.clear(dag_id, run_id, task_id)
            return
        day = self.api.logical_date(dag_id, run_id)
        self.command("tasks", "clear", dag_id, "-t", f"^{task_id}$", "-s", day, "-e", day, "--yes")

    def set_connection(self, conn_id: str, connection: Mapping[str, Any]) -> None:
        self.api.set_connection(conn_id, connection)

    # What a user sees

    def wait_task(
        self,
        dag_id: str,
        run_id: str,
        task_id: str,
        state: str | Collection[str],
        map_index: int = NOT_MAPPED,
        timeout: float = 90,
    ) -> dict[str, Any]:
        """Waits until the task is in the state (one of the states), and fails early when it ended in another one."""
        wanted = {state} if isinstance(state, str) else set(state)
        deadline = time.monotonic() + timeout
        while True:
            task = self.api.task_instance(dag_id, run_id, task_id, map_index) or {}
            now = task.get("state")
            if now in wanted:
                return task
            if now in FINAL or time.monotonic() > deadline:
                why = "ended as" if now in FINAL else f"is, after {timeout:.0f} s,"
                raise AssertionError(
                    f"{dag_id}.{task_id} [{run_id}, {map_index}] {why} {now}, not {' or '.join(sorted(wanted))}.\n"
                    + self.story(dag_id, run_id, task_id, map_index)
                )
            time.sleep(0.25)

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = NOT_MAPPED
    ) -> Any:
        return self.api.xcom(dag_id, run_id, task_id, key, map_index)

    def rendered_fields(self, dag_id: str, run_id: str, task_id: str, map_index: int = NOT_MAPPED) -> Any:
        return (self.api.task_instance(dag_id, run_id, task_id, map_index) or {}).get("rendered_fields")

    def task_log(self, dag_id: str, run_id: str, task_id: str, map_index: int = NOT_MAPPED) -> str:
        """All that the task and its triggers have logged, every try, in the order of the files' names."""
        folder = self.logs / f"dag_id={dag_id}" / f"run_id={run_id}" / f"task_id={task_id}"
        if map_index != NOT_MAPPED:
            folder /= f"map_index={map_index}"
        return "\n".join(path.read_text(errors="replace") for path in sorted(folder.glob("attempt=*")))

    def story(self, dag_id: str, run_id: str, task_id: str, map_index: int = NOT_MAPPED) -> str:
        """What one wants to read when a test has failed."""
        log = self.task_log(dag_id, run_id, task_id, map_index).splitlines()[-60:]
        return "\n".join([f"--- log of {dag_id}.{task_id}", *log, self.component_tails()])

    def component_tails(self, lines: int = 25) -> str:
        names = [*self.components, "postgres"]
        return "\n".join(f"--- {name}\n{tail_of(self.component_logs / f'{name}.log', lines)}" for name in names)

    # What nobody but a test does

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg2.extensions.cursor]:
        """A cursor on the metadata database, in a transaction that is committed at the end."""
        with (
            contextlib.closing(psycopg2.connect(self.postgres.dsn)) as connection,
            connection,
            connection.cursor() as c,
        ):
            yield c

    def wait_until(
        self, condition: Callable[[], object], what: str, timeout: float = 60, story: Callable[[], str] | None = None
    ) -> None:
        """Waits for something; *story* tells what else one wants to read where it does not come."""
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                told = (story or self.component_tails)()
                raise AssertionError(f"not within {timeout:.0f} s: {what}\n{self.api.import_errors()}\n{told}")
            time.sleep(0.2)

    def _component(self, name: str) -> Component:
        command = [sys.executable, "-m", "airflow", "triggerer" if name in self.triggerers else name]
        if name == "scheduler" or name in self.triggerers:
            # The tests read log files. A server of logs would listen on every interface.
            command.append("--skip-serve-logs")
        if name == "webserver":
            command += ["--port", str(self.port), "--hostname", "127.0.0.1", "--workers", "1"]
        if name == "api-server":
            command += ["--port", str(self.port), "--host", "127.0.0.1", "--workers", "1"]
        env = {**self.env, "COMPONENT_NAME": name}
        return Component(name, command, env=env, log=self.component_logs / f"{name}.log", cwd=self.home)
