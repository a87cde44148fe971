"""Generations in the metadata database, as operators leave them; for the gallery's tests and its benchmark."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.utils.session import create_session
from sqlalchemy import delete, insert, select

NOW = dt.datetime(2026, 11, 27, 12, tzinfo=dt.UTC)
BUNDLE = "dags-folder"
TASKID = "534574"


def generation(**told: Any) -> dict[str, Any]:
    """Return what XCom ``wiro_generation`` says of a success, but for what is given."""
    return {
        "version": 1,
        "taskid": TASKID,
        "model": "google/veo3.1",
        "inputs": {"prompt": "A cat on a roof", "aspectRatio": "16:9", "duration": "8"},
        "base_url": "https://api.wiro.ai/v1",
        "submitted_at": NOW.timestamp() - 60,
        "try_number": 1,
        "attached": False,
        "outcome": "success",
        "error": None,
        "cost_usd": 0.5,
    } | told


def output(**told: Any) -> dict[str, Any]:
    """Return one output of a result, but for what is given."""
    url = "https://cdn1.wiro.ai/abc/0.mp4"
    return {"url": url, "name": "0.mp4", "content_type": "video/mp4", "size": 9, "content": None} | told


def result(*outputs: dict[str, Any], **told: Any) -> dict[str, Any]:
    """Return what a task returned."""
    made = list(outputs) or [output()]
    return {
        "taskid": TASKID,
        "status": "task_postprocess_end",
        "outputs": made,
        "text": None,
        "cost_usd": 0.5,
        "elapsed_seconds": 42.5,
    } | told


@dataclass
class Kept:
    """Puts things into the database."""

    dags: set[str] = field(default_factory=set)
    runs: dict[tuple[str, str], int] = field(default_factory=dict)

    def task(
        self,
        dag_id: str = "films",
        task_id: str = "video",
        run_id: str = "manual__2026-11-27T12:00:00+00:00",
        map_index: int = -1,
        *,
        state: str = "success",
        at: dt.datetime = NOW,
        **xcoms: Any,
    ) -> None:
        """Keep a task instance with these XComs."""
        with create_session() as session:
            dag_run_id = self._run(session, dag_id, run_id)
            instance = {
                "dag_id": dag_id,
                "task_id": task_id,
                "run_id": run_id,
                "map_index": map_index,
                "state": state,
                "pool": "default_pool",
                "try_number": 1,
            }
            session.execute(insert(TaskInstance).values(**instance))
            where = {"dag_id": dag_id, "task_id": task_id, "run_id": run_id, "map_index": map_index}
            rows = [
                {**where, "dag_run_id": dag_run_id, "key": key, "value": value, "timestamp": at}
                for key, value in xcoms.items()
            ]
            if rows:
                session.execute(insert(XComModel), rows)

    def _run(self, session: Any, dag_id: str, run_id: str) -> int:
        if dag_id not in self.dags:
            self.dags.add(dag_id)
            dag = DagModel(dag_id=dag_id, bundle_name=BUNDLE, is_stale=False, max_active_tasks=1)
            dag.max_consecutive_failed_dag_runs, dag.has_task_concurrency_limits = 0, False
            session.add(dag)
            session.flush()
        if (dag_id, run_id) not in self.runs:
            run = {"dag_id": dag_id, "run_id": run_id, "run_type": "manual", "run_after": NOW, "state": "success"}
            session.execute(insert(DagRun).values(**run))
            asked = select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)
            self.runs[dag_id, run_id] = session.scalar(asked)
        return self.runs[dag_id, run_id]

    def forget(self) -> None:
        """Take all of it away."""
        with create_session() as session:
            for model in (XComModel, TaskInstance, DagRun, DagModel):
                session.execute(delete(model).where(model.dag_id.in_(self.dags)))


@contextmanager
def keeping() -> Iterator[Kept]:
    """Keep things in the database until the end of the block."""
    kept = Kept()
    with create_session() as session:  # what the tests before have left
        session.execute(delete(XComModel).where(XComModel.key.in_(("wiro_generation", "output_urls"))))
    try:
        yield kept
    finally:
        kept.forget()
