"""One run: start the emulator and Airflow, run the DAG, follow its task to the end."""

from __future__ import annotations

import json
import shutil
import sys
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from demonstration import live
from demonstration.processes import Failed, Processes, free_ports
from demonstration.small_airflow import COMPONENTS, Api, settings
from demonstration.story import Story, TaskLog
from environment import ROOT, isolated

DAG, TASK = "wiro_image_to_video", "generate_video"
DEMO = ROOT / ".demo"
HOME = DEMO / "airflow"
AIRFLOW = Path(sys.executable).with_name("airflow")
TASK_LOGS = HOME / "logs" / f"dag_id={DAG}"

WHAT_IT_MEANS = {
    None: "created",
    "scheduled": "scheduled",
    "queued": "queued",
    "running": "running: a worker has it",
    "deferred": "deferred: Wiro works, no worker waits",
    "success": "success",
}
"""The states of the Airflow task; it runs a second time, shortly, when its trigger has fired."""

OVER = ("success", "failed", "skipped", "upstream_failed", "up_for_retry")


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
        )
        self.processes = Processes(DEMO / "logs", self.environment)
        self.api = Api(api_port)
        self.taskid = ""
        self.at_stake = False

    def run(self) -> dict[str, Any]:
        """Do it all and return what the Airflow task returned."""
        self._start()
        self.at_stake = self.is_live
        run_id = self.api.start_run(DAG)
        self.story.tell("Airflow", f"runs the DAG {DAG}")
        self._follow(run_id, patience=1800 if self.is_live else 120)
        result: dict[str, Any] = self.api.xcom(DAG, run_id, TASK, "return_value")
        return result

    def save(self, result: dict[str, Any]) -> Path:
        """Download the video."""
        video = DEMO / f"wiro-{result['taskid']}.mp4"
        handlers = [] if self.is_live else [urllib.request.ProxyHandler({})]
        address = result["outputs"][0]["url"]
        try:
            with urllib.request.build_opener(*handlers).open(address, timeout=60) as answer, video.open("wb") as file:
                shutil.copyfileobj(answer, file)
        except TimeoutError:
            raise Failed(f"{address} had no answer within 60 s. Is the machine busy? Run scripts/demo again") from None
        return video

    def prepare(self) -> None:
        """Make empty folders; live, ask whether the money may be spent."""
        for folder in (HOME, DEMO / "dags", DEMO / "logs"):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        shutil.copy(ROOT / "example_dags" / f"{DAG}.py", DEMO / "dags")
        if self.is_live:
            live.agree(self.environment)

    def stop(self) -> None:
        """End all processes; live, also what still runs on Wiro. A worker may be about to learn what that is."""
        self.processes.stop(patience=5 if self.at_stake else 0)
        if not self.at_stake:
            return
        if taskid := self.taskid or TaskLog(TASK_LOGS).accepted_taskid():
            live.stop(self.environment, taskid)
        else:
            print("No taskid is known. Should Wiro have accepted a Run, its dashboard shows it: stop it there.")

    def _start(self) -> None:
        if not self.is_live:
            emulator = ["-m", "airflow_provider_wiro.emulator", "--port", str(self.wiro_port), "--duration", "6"]
            self.processes.start("emulator", sys.executable, *emulator)
            self.story.tell("Wiro", f"is emulated on http://127.0.0.1:{self.wiro_port}, 6 s for a video")
        self._make_database()
        for name, options in COMPONENTS.items():
            self.processes.start(name, AIRFLOW, name, *options)
        self.api.wait_until_up(self.processes, DAG, patience=90)
        self.story.tell("Airflow", f"is up: {', '.join(COMPONENTS)}")

    def _make_database(self) -> None:
        """An empty database; it is kept for the next time, as long as the pinned packages are the same."""
        database, pins = HOME / "airflow.db", Path(sys.prefix, ".pins").read_text()
        kept = DEMO / f"empty-{pins[:12]}.db"
        if not kept.exists():
            self.processes.start("database", AIRFLOW, "db", "migrate")
            self.processes.finish("database")
            shutil.copy(database, kept)
            self.story.tell("Airflow", "has made its database")
        shutil.copy(kept, database)

    def _follow(self, run_id: str, patience: float) -> None:
        """Tell what happens to the task until it has ended."""
        log, state, deadline = TaskLog(TASK_LOGS), "", time.monotonic() + patience
        while time.monotonic() < deadline:
            self.processes.check()
            self.taskid = self.taskid or self.api.taskid(DAG, run_id, TASK)
            before, state = state, self.api.task(DAG, run_id, TASK)["state"]
            self._tell(before, state, log.new_lines())
            if state in OVER:
                break
            time.sleep(0.25)
        if state != "success":
            raise Failed(f"the Airflow task ended as {state}", log.newest())
        self.at_stake = False

    def _tell(self, before: str | None, state: str | None, lines: Iterable[str]) -> None:
        """Tell what one look has found: what a task logs comes after its start, and before every other state."""
        change = [] if state == before else [(TASK, WHAT_IT_MEANS.get(state, str(state)))]
        said = [("  its log", line) for line in lines]
        for who, what in change + said if state == "running" else said + change:
            self.story.tell(who, what)


def _connection_to_emulator(port: int) -> str:
    keys = {"login": "emulator-key", "password": "emulator-secret"}
    return json.dumps({"conn_type": "wiro", **keys, "host": f"http://127.0.0.1:{port}/v1"})
