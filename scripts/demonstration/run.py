"""One run: start the emulator and Airflow, run the DAG, follow its task to the end, and the DAG that it starts."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demonstration import live
from demonstration.buckets import Buckets
from demonstration.processes import Failed, Processes, free_ports
from demonstration.small_airflow import Api, components, makes_the_database, prepare, settings
from demonstration.story import Story, TaskLog
from environment import ROOT, isolated

DAG, TASK = "wiro_video_in_a_bucket", "generate_video"
READER, READING = "wiro_publish_from_the_bucket", "publish"
DEMO = ROOT / ".demo"
HOME = DEMO / "airflow"
AIRFLOW = Path(sys.executable).with_name("airflow")
TASK_LOGS = HOME / "logs"

WHAT_IT_MEANS = {
    "running": "running: a worker has it",
    "deferred": "deferred: Wiro works, no worker waits",
    "success": "success",
}
"""The states of an Airflow task that are told; it runs a second time when its trigger has fired."""

OVER = ("success", "failed", "skipped", "upstream_failed", "up_for_retry")


@dataclass(frozen=True)
class Shown:
    """What there is to see at the end.

    :param result: what the task returned.
    :param image: the file that went in.
    :param read: how many bytes the second DAG has read.
    """

    result: dict[str, Any]
    image: Path
    read: int


class Demonstration:
    """One run of the demonstration, with Wiro itself or with the emulator."""

    def __init__(self, story: Story, *, is_live: bool, connection: str = "") -> None:
        wiro_port, api_port = free_ports(2)
        self.story = story
        self.is_live = is_live
        self.wiro_port = wiro_port
        self.environment = isolated(
            HOME,
            **settings(HOME, DEMO / "dags", api_port),
            **(live.proxies() if is_live else {}),
            AIRFLOW_CONN_WIRO_DEFAULT=connection or _connection_to_emulator(wiro_port),
            NO_PROXY="127.0.0.1,localhost",
            PYTHONUNBUFFERED="1",
            PATH=f"{AIRFLOW.parent}{os.pathsep}{os.environ.get('PATH', '')}",  # Airflow 2 calls `airflow` by its name
        )
        self.processes = Processes(DEMO / "logs", self.environment)
        self.components = components(api_port)
        self.api = Api(api_port)
        self.buckets = Buckets(DEMO / "buckets")
        self.taskid = ""
        self.at_stake = False

    def run(self) -> Shown:
        """Do it all and return what came of it."""
        image = self._start()
        self.at_stake = self.is_live
        run_id = self.api.start_run(DAG, {"image": self.buckets.image, "folder": self.buckets.videos})
        self.story.tell("Airflow", f"runs the DAG {DAG}")
        self._follow(DAG, run_id, TASK, patience=1800 if self.is_live else 120)
        self.at_stake = False
        result: dict[str, Any] = self.api.xcom(DAG, run_id, TASK, "return_value")
        return Shown(result, image, self._read())

    def prepare(self) -> None:
        """Make empty folders; live, ask whether the money may be spent."""
        for folder in (HOME, DEMO / "dags", DEMO / "logs"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        shutil.copy(ROOT / "example_dags" / f"{DAG}.py", DEMO / "dags")
        prepare(HOME)
        if self.is_live:
            live.agree(self.environment)

    def stop(self) -> None:
        """End all processes; live, also what still runs on Wiro. A worker may be about to learn what that is."""
        self.processes.stop(patience=5 if self.at_stake else 0)
        if not self.at_stake:
            return
        if taskid := self.taskid or TaskLog(TASK_LOGS / f"dag_id={DAG}").accepted_taskid():
            live.stop(self.environment, taskid)
        else:
            print("No taskid is known. Should Wiro have accepted a Run, its dashboard shows it: stop it there.")

    def _start(self) -> Path:
        """Start everything, and return the image that lies in the first bucket."""
        image = self.buckets.fill()
        self.story.tell("bucket", f"{image.relative_to(ROOT)} is in it ({image.stat().st_size:,} bytes)")
        if not self.is_live:
            emulator = ["-m", "airflow_provider_wiro.emulator", "--port", str(self.wiro_port), "--duration", "6"]
            self.processes.start("emulator", sys.executable, *emulator)
            self.story.tell("Wiro", f"is emulated on http://127.0.0.1:{self.wiro_port}, 6 s for a video")
        self._make_database()
        for name, options in self.components.items():
            self.processes.start(name, AIRFLOW, name, *options)
        self.api.wait_until_up(self.processes, (DAG, READER), patience=180)
        self.story.tell("Airflow", f"is up: {', '.join(self.components)}")
        return image

    def _make_database(self) -> None:
        """An empty database; it is kept for the next time, as long as the pinned packages are the same."""
        database, pins = HOME / "airflow.db", Path(sys.prefix, ".pins").read_text()
        kept = DEMO / f"empty-{pins[:12]}.db"
        if not kept.exists():
            for command in makes_the_database():
                self.processes.start("database", AIRFLOW, *command.split())
                self.processes.finish("database")
            shutil.copy(database, kept)
            self.story.tell("Airflow", "has made its database")
        shutil.copy(kept, database)

    def _read(self) -> int:
        """Follow the DAG that the asset has started, and return how many bytes it has read."""
        deadline = time.monotonic() + 60
        while (run_id := self.api.newest_run(READER)) is None:
            self.processes.check()
            if time.monotonic() > deadline:
                raise Failed(f"the asset has not started {READER}", self.processes.log("scheduler"))
            time.sleep(0.25)
        self.story.tell("Airflow", f"runs the DAG {READER}: an asset has changed")
        self._follow(READER, run_id, READING, patience=60)
        return int(sum(self.api.xcom(READER, run_id, READING, "return_value")))

    def _follow(self, dag_id: str, run_id: str, task_id: str, patience: float) -> None:
        """Tell what happens to a task until it has ended."""
        log, state, deadline = TaskLog(TASK_LOGS / f"dag_id={dag_id}"), "", time.monotonic() + patience
        while time.monotonic() < deadline:
            self.processes.check()
            if task_id == TASK:
                self.taskid = self.taskid or self.api.taskid(dag_id, run_id, task_id)
            before, state = state, self.api.task(dag_id, run_id, task_id)["state"]
            self._tell(task_id, before, state, log.new_lines())
            if state in OVER:
                break
            time.sleep(0.25)
        if state != "success":
            raise Failed(f"the Airflow task {task_id} ended as {state}", log.newest())

    def _tell(self, task_id: str, before: str | None, state: str | None, lines: Iterable[str]) -> None:
        """Tell what one look has found: what a task logs comes after its start, and before every other state."""
        what = WHAT_IT_MEANS.get(state or "", f"{state}" if state in OVER else "")
        change = [(task_id, what)] if what and state != before else []
        said = [("  its log", line) for line in lines]
        for who, told in change + said if state == "running" else said + change:
            self.story.tell(who, told)


def _connection_to_emulator(port: int) -> str:
    keys = {"login": "emulator-key", "password": "emulator-secret"}
    return json.dumps({"conn_type": "wiro", **keys, "host": f"http://127.0.0.1:{port}/v1"})
