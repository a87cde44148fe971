"""Airflow's public REST API, as far as the tests act on it: /api/v2 of Airflow 3, /api/v1 of Airflow 2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import requests

NOT_MAPPED = -1


class ApiError(AssertionError):
    """The API refused a call."""


class AirflowApi:
    """A thin client. On Airflow 3 everybody is an admin and gets a token; on Airflow 2 the public role is Admin."""

    def __init__(self, port: int, major: int) -> None:
        self.root = f"http://127.0.0.1:{port}"
        self._major = major
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, path: str, body: Any = None, *, missing_ok: bool = False, **query: Any) -> Any:
        """One call below /api/v1 or /api/v2; None for a 404 when that is allowed."""
        if self._major >= 3 and "Authorization" not in self._session.headers:
            answer = self._session.get(f"{self.root}/auth/token", timeout=30)
            self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        version = "v2" if self._major >= 3 else "v1"
        answer = self._session.request(
            method, f"{self.root}/api/{version}{path}", json=body, params=query or None, timeout=60
        )
        if answer.status_code == 404 and missing_ok:
            return None
        if not answer.ok:
            raise ApiError(f"{method} {path}: HTTP {answer.status_code}: {answer.text[:2000]}")
        return answer.json() if answer.content else None

    def health(self) -> dict[str, str | None]:
        """The status that each component has reported: healthy, unhealthy, or None. Empty while the API is silent."""
        path = "/api/v2/monitor/health" if self._major >= 3 else "/health"
        try:
            answer = self._session.get(self.root + path, timeout=5)
            answer.raise_for_status()
            return {name: (part or {}).get("status") for name, part in answer.json().items()}
        except requests.RequestException:
            return {}

    def knows(self, dag_id: str) -> bool:
        return self.call("GET", f"/dags/{dag_id}", missing_ok=True) is not None

    def import_errors(self) -> str:
        try:
            errors = self.call("GET", "/importErrors")["import_errors"]
        except requests.RequestException as error:
            return f"the API server does not answer: {error}"
        return "\n\n".join(f"{error['filename']}\n{error['stack_trace']}" for error in errors)

    def trigger(self, dag_id: str, run_id: str, conf: Mapping[str, Any]) -> None:
        body: dict[str, Any] = {"dag_run_id": run_id, "conf": dict(conf)}
        if self._major >= 3:
            body["logical_date"] = None
        self.call("POST", f"/dags/{dag_id}/dagRuns", body)

    def task_instance(self, dag_id: str, run_id: str, task_id: str, map_index: int) -> dict[str, Any] | None:
        path = _task_path(dag_id, run_id, task_id, map_index)
        return cast("dict[str, Any] | None", self.call("GET", path, missing_ok=True))

    def set_task_state(self, dag_id: str, run_id: str, task_id: str, state: str, map_index: int) -> None:
        body: dict[str, Any] = {"new_state": state}
        if self._major < 3:
            body["dry_run"] = False
        self.call("PATCH", _task_path(dag_id, run_id, task_id, map_index), body)

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        self.call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", {"state": state})

    def clear(self, dag_id: str, run_id: str, task_id: str) -> None:
        body = {"dry_run": False, "only_failed": False, "dag_run_id": run_id, "task_ids": [task_id]}
        self.call("POST", f"/dags/{dag_id}/clearTaskInstances", {**body, "reset_dag_runs": True})

    def logical_date(self, dag_id: str, run_id: str) -> str:
        return str(self.call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["logical_date"])

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str, map_index: int) -> Any:
        """The value, or None where nothing was pushed. Airflow 2 shows the text of a value unless told otherwise."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        how = {"deserialize": "true" if self._major < 3 else "false", "stringify": "false", "map_index": map_index}
        entry = self.call("GET", path, missing_ok=True, **how)
        return None if entry is None else entry["value"]

    def set_connection(self, conn_id: str, connection: Mapping[str, Any]) -> None:
        """Creates the connection, or changes it if it is there."""
        body: dict[str, Any] = {"connection_id": conn_id, **connection}
        if isinstance(body.get("extra"), Mapping):
            body["extra"] = json.dumps(body["extra"])
        if self.call("GET", f"/connections/{conn_id}", missing_ok=True) is None:
            self.call("POST", "/connections", body)
        else:
            self.call("PATCH", f"/connections/{conn_id}", body)


def _task_path(dag_id: str, run_id: str, task_id: str, map_index: int) -> str:
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
    return path if map_index == NOT_MAPPED else f"{path}/{map_index}"
