"""A small real Airflow for one run: its settings, its four processes, and its public REST API."""

from __future__ import annotations

import json
import secrets
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from demonstration.processes import Failed, Processes

# Seconds for one answer, and how often to ask: a busy machine may be slow.
PATIENCE, ATTEMPTS = 20, 3

COMPONENTS = {
    "api-server": [],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
"""Airflow's processes and their options: nobody reads the logs over the network here, so two more are not needed."""


def settings(home: Path, dags: Path, port: int) -> dict[str, str]:
    """Airflow's configuration, as environment variables: on loopback, on a port of its own, and quick."""
    values = {
        "api.host": "127.0.0.1",
        "api.port": port,
        "api.workers": 1,
        "api.secret_key": secrets.token_hex(),
        "api_auth.jwt_secret": secrets.token_hex(),
        "core.auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "core.dags_folder": dags,
        "core.execution_api_server_url": f"http://127.0.0.1:{port}/execution/",
        "core.executor": "LocalExecutor",
        "core.parallelism": 2,
        "core.simple_auth_manager_all_admins": True,
        "core.dags_are_paused_at_creation": False,
        "database.sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}",
        "logging.logging_level": "INFO",
        "scheduler.scheduler_idle_sleep_time": 0.1,
        "usage_data_collection.enabled": False,
    }
    return {f"AIRFLOW__{name.replace('.', '__').upper()}": str(value) for name, value in values.items()}


class Api:
    """What the demonstration asks of Airflow's REST API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"
        self._token = ""
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def wait_until_up(self, processes: Processes, dag_id: str, patience: float) -> None:
        """Return when every component has reported itself and the DAG is there."""
        deadline = time.monotonic() + patience
        while not (self._healthy() and self._has(dag_id)):
            processes.check()
            if time.monotonic() > deadline:
                raise Failed(f"Airflow was not ready after {patience:.0f} s", processes.log("scheduler"))
            time.sleep(0.3)

    def start_run(self, dag_id: str) -> str:
        run_id = f"demo__{secrets.token_hex(4)}"
        try:
            self._call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "dag_run_id": run_id})
        except urllib.error.HTTPError as error:
            if error.code != 409:  # an attempt whose answer did not come in time has started it
                raise
        return run_id

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        return self._call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        return self._call("GET", f"{path}?deserialize=true")["value"]

    def taskid(self, dag_id: str, run_id: str, task_id: str) -> str:
        """What the operator pushes when Wiro has accepted the run; empty until then."""
        try:
            return str(self.xcom(dag_id, run_id, task_id, "taskid"))
        except urllib.error.HTTPError:
            return ""

    def _healthy(self) -> bool:
        try:
            health = self._call("GET", "/api/v2/monitor/health", signed=False)
        except (OSError, ValueError):
            return False
        return all(health[name]["status"] == "healthy" for name in ("scheduler", "triggerer", "dag_processor"))

    def _has(self, dag_id: str) -> bool:
        try:
            self._call("GET", f"/api/v2/dags/{dag_id}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            for broken in self._call("GET", "/api/v2/importErrors")["import_errors"]:
                raise Failed(f"the DAG cannot be imported:\n{broken['stack_trace']}") from None
            return False
        return True

    def _call(self, method: str, path: str, body: object = None, *, signed: bool = True) -> dict[str, Any]:
        if signed and not self._token:
            self._token = self._call("GET", "/auth/token", signed=False)["access_token"]
        request = urllib.request.Request(
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self._token}"},
        )
        for left in reversed(range(ATTEMPTS)):
            try:
                with self._open(request, timeout=PATIENCE) as response:
                    answer: dict[str, Any] = json.load(response)
                return answer
            except (TimeoutError, urllib.error.URLError) as error:
                if isinstance(error, urllib.error.HTTPError) or not _is_slow(error):
                    raise
                if not left:
                    break
        raise Failed(
            f"{method} {request.full_url} had no answer within {PATIENCE} s, {ATTEMPTS} times. "
            "Is the machine busy? Run scripts/demo again"
        )


def _is_slow(error: OSError) -> bool:
    return isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError)
