"""A small real Airflow for one run: its settings, its four processes, and its public REST API."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from demonstration.processes import Failed, Processes

# Seconds for one answer, and how often to ask: a busy machine may be slow.
PATIENCE, ATTEMPTS = 20, 3

AUTH_MANAGER = "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
EVERYBODY_IS_ADMIN = 'AUTH_ROLE_PUBLIC = "Admin"\nWTF_CSRF_ENABLED = False\n'
"""The web server of Airflow 2, on loopback: whoever asks is an admin."""


def version() -> tuple[int, int]:
    """Major and minor of this environment's Airflow."""
    major, minor, *_ = importlib.metadata.version("apache-airflow").split(".")
    return int(major), int(minor)


def components(port: int) -> dict[str, list[str]]:
    """Airflow's processes and their options: nobody reads the logs over the network here, so no more are needed."""
    both = {"scheduler": ["--skip-serve-logs"], "triggerer": ["--skip-serve-logs"]}
    if version() < (3, 0):
        return {"webserver": ["--port", str(port), "--hostname", "127.0.0.1", "--workers", "1"], **both}
    return {"api-server": [], "dag-processor": [], **both}


def settings(home: Path, dags: Path, port: int) -> dict[str, str]:
    """Airflow's configuration, as environment variables: on loopback, on a port of its own, and quick."""
    values = {
        "core.dags_folder": dags,
        "core.parallelism": 2,
        "core.dags_are_paused_at_creation": False,
        "core.fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "database.sql_alchemy_conn": f"sqlite:///{home / 'airflow.db'}",
        "logging.logging_level": "INFO",
        "scheduler.scheduler_idle_sleep_time": 0.1,
        "usage_data_collection.enabled": False,
        **(_airflow_2() if version() < (3, 0) else _airflow_3(port)),
    }
    if version() < (3, 3):  # later ones have a store of their own for it
        values["wiro.journal_path"] = f"file://{home / 'journal'}"
    return {f"AIRFLOW__{name.replace('.', '__').upper()}": str(value) for name, value in values.items()}


def _airflow_3(port: int) -> dict[str, object]:
    return {
        "api.host": "127.0.0.1",
        "api.port": port,
        "api.workers": 1,
        "api.secret_key": secrets.token_hex(),
        "api_auth.jwt_secret": secrets.token_hex(),
        "core.auth_manager": AUTH_MANAGER,
        "core.execution_api_server_url": f"http://127.0.0.1:{port}/execution/",
        "core.executor": "LocalExecutor",
        "core.simple_auth_manager_all_admins": True,
    }


def _airflow_2() -> dict[str, object]:
    return {
        "api.auth_backends": "airflow.api.auth.backend.default",
        "api.enable_xcom_deserialize_support": True,
        "core.executor": "SequentialExecutor",  # the one that goes with SQLite there
        "database.load_default_connections": False,
        "logging.log_format": "[%(asctime)s] {%(name)s} %(levelname)s - %(message)s",
        "metrics.timer_unit_consistency": True,  # else each process warns
        "webserver.secret_key": secrets.token_hex(),
    }


def makes_the_database() -> list[str]:
    """The commands of `airflow` that make an empty database; its web server would need minutes for what is missing."""
    return ["db migrate", *(["sync-perm"] if version() < (3, 0) else [])]


def prepare(home: Path) -> None:
    """Write the files that Airflow reads from its home, besides its settings."""
    if version() < (3, 3):
        (home / "journal").mkdir()
        (home / "journal" / ".wiro-journal").touch()
    if version() < (3, 0):
        (home / "webserver_config.py").write_text(EVERYBODY_IS_ADMIN)


class Api:
    """What the demonstration asks of Airflow's REST API."""

    def __init__(self, port: int) -> None:
        self._major = version()[0]
        self._root = f"http://127.0.0.1:{port}"
        self._url = f"{self._root}/api/{'v2' if self._major > 2 else 'v1'}"
        self._token = ""
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def wait_until_up(self, processes: Processes, dag_ids: Collection[str], patience: float) -> None:
        """Return when every component has reported itself and the DAGs are there."""
        deadline = time.monotonic() + patience
        while not (self._healthy() and all(map(self._has, dag_ids))):
            processes.check()
            if time.monotonic() > deadline:
                raise Failed(f"Airflow was not ready after {patience:.0f} s", processes.log("scheduler"))
            time.sleep(0.3)

    def start_run(self, dag_id: str, conf: Mapping[str, str]) -> str:
        run_id = f"demo__{secrets.token_hex(4)}"
        body = {"dag_run_id": run_id, "conf": conf} | ({"logical_date": None} if self._major > 2 else {})
        try:
            self._call("POST", f"/dags/{dag_id}/dagRuns", body)
        except urllib.error.HTTPError as error:
            if error.code != 409:  # an attempt whose answer did not come in time has started it
                raise
        return run_id

    def newest_run(self, dag_id: str) -> str | None:
        """The run of a DAG that something else has started; None as long as there is none."""
        runs = self._call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]
        return str(runs[-1]["dag_run_id"]) if runs else None

    def task(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        return self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}")

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        # Each major version shows the value itself in a way of its own.
        how = "deserialize=false&stringify=false" if self._major > 2 else "deserialize=true&stringify=false"
        return self._call("GET", f"{path}?{how}")["value"]

    def taskid(self, dag_id: str, run_id: str, task_id: str) -> str:
        """What the operator pushes when Wiro has accepted the run; empty until then."""
        try:
            return str(self.xcom(dag_id, run_id, task_id, "taskid"))
        except urllib.error.HTTPError:
            return ""

    def _healthy(self) -> bool:
        try:
            path = "/monitor/health" if self._major > 2 else "/health"
            health = self._call("GET", path, signed=False)
        except (OSError, ValueError):
            return False
        wanted = ("scheduler", "triggerer", *(["dag_processor"] if self._major > 2 else []))
        return all(health[name]["status"] == "healthy" for name in wanted)

    def _has(self, dag_id: str) -> bool:
        try:
            self._call("GET", f"/dags/{dag_id}")
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            for broken in self._call("GET", "/importErrors")["import_errors"]:
                raise Failed(f"the DAG cannot be imported:\n{broken['stack_trace']}") from None
            return False
        return True

    def _call(self, method: str, path: str, body: object = None, *, signed: bool = True) -> dict[str, Any]:
        if signed and self._major > 2 and not self._token:
            self._token = self._asked(urllib.request.Request(f"{self._root}/auth/token"))["access_token"]
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return self._asked(urllib.request.Request(self._url + path, method=method, data=data, headers=headers))

    def _asked(self, request: urllib.request.Request) -> dict[str, Any]:
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
            f"{request.get_method()} {request.full_url} had no answer within {PATIENCE} s, {ATTEMPTS} times. "
            "Is the machine busy? Run scripts/demo again"
        )


def _is_slow(error: OSError) -> bool:
    return isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError)
