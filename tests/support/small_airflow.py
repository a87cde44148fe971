"""Runs DAGs on the installed Airflow inside this process, with triggers in line and a database in a file."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pendulum
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_1_PLUS, AIRFLOW_V_3_3_PLUS

BUNDLE = "dags-folder"
BEFORE_3_3 = AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_3_PLUS


@dataclass
class Run:
    """A DAG run that has ended.

    :param errors: what ``on_failure_callback`` and ``on_retry_callback`` saw, in order.
    """

    state: str
    instances: list[Any] = field(repr=False)
    errors: list[BaseException]

    def states(self) -> dict[tuple[str, int], str]:
        return {(ti.task_id, ti.map_index): ti.state for ti in self.instances}

    def xcom(self, key: str = "return_value", task_id: str = "video", map_index: int = -1) -> Any:
        [ti] = [ti for ti in self.instances if (ti.task_id, ti.map_index) == (task_id, map_index)]
        if not AIRFLOW_V_3_0_PLUS:
            return ti.xcom_pull(task_ids=task_id, key=key, map_indexes=map_index)
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        where = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": task_id, "map_index": map_index, "key": key}
        with create_session() as session:  # as the task wrote it: the server's own reading takes "1" for 1
            return session.query(XComModel.value).filter_by(**where).scalar()

    @property
    def tries(self) -> int:
        return max(int(ti.try_number) for ti in self.instances)


@contextmanager
def warnings_of_airflow() -> Iterator[None]:
    """Let Airflow and its dependencies warn about one another; what our code causes stays an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", module="airflow_provider_wiro")
        yield


def migrate() -> None:
    """Make the database."""
    (Path(os.environ["AIRFLOW_HOME"]) / "dags").mkdir()
    with warnings_of_airflow():
        from airflow.utils.db import initdb

        initdb()
        if AIRFLOW_V_3_0_PLUS:
            from airflow.dag_processing.bundles.manager import DagBundlesManager

            DagBundlesManager().sync_bundles_to_db()
        if BEFORE_3_3:
            from airflow.sdk.execution_time import supervisor

            # Seconds for each task and trigger; Airflow 3.3 makes only one, too.
            supervisor.in_process_api_server = cache(supervisor.in_process_api_server)


def run(build: Callable[[], object], *, tried_out: bool = False, **dag_arguments: Any) -> Run:
    """Run a DAG made of the tasks that *build* makes.

    :param tried_out: whether the tasks may see that the DAG is only tried out, and not run by a scheduler.
    :param dag_arguments: passed on to the DAG.
    """
    errors: list[BaseException] = []

    def keep(context: Any) -> None:
        errors.append(context["exception"])

    defaults = {"on_failure_callback": keep, "on_retry_callback": keep} | dag_arguments.pop("default_args", {})
    with warnings_of_airflow(), contextlib.nullcontext() if tried_out else _unseen():
        return _run(build, defaults, dag_arguments, errors)


def run_as_written(dag: DAG, *, beside: DAG | None = None, **arguments: Any) -> Run:
    """Run a DAG as its author would try it out, by ``DAG.test``, which calls its own callbacks, if any.

    :param beside: another DAG of the same file; only what is in the database has assets.
    :param arguments: passed on to ``DAG.test``.
    """
    with warnings_of_airflow():
        register(dag, *([beside] if beside else []))
        if beside is not None and not AIRFLOW_V_3_1_PLUS:
            _store(dag, beside)
        ended = dag.test(**dated() | arguments)
    return Run(str(ended.state), ended.get_task_instances(), [])


def dated() -> dict[str, Any]:
    """Give the run a logical date where ``DAG.test`` by itself gives it none: on early releases of Airflow 3."""
    return {"logical_date": pendulum.now("UTC")} if BEFORE_3_3 else {}


def _unseen() -> Any:
    return mock.patch("airflow_provider_wiro.stages.this_try.is_tried_out", return_value=False)


def _run(
    build: Callable[[], object], defaults: dict[str, Any], dag_arguments: dict[str, Any], errors: list[BaseException]
) -> Run:
    with DAG(f"dag_{os.urandom(6).hex()}", schedule=None, default_args=defaults, **dag_arguments) as dag:
        build()
    register(dag)
    with _seeing_errors(errors):
        ended = dag.test(**dated())
    return Run(str(ended.state), ended.get_task_instances(), errors)


@contextmanager
def _seeing_errors(errors: list[BaseException]) -> Iterator[None]:
    """Take the errors where ``DAG.test`` calls no callbacks: from Airflow 3.0 to 3.2."""
    if not BEFORE_3_3:
        yield
        return
    from airflow.sdk.execution_time import task_runner

    def finalize(*arguments: Any) -> None:
        errors.extend(error for error in arguments if isinstance(error, BaseException))

    with mock.patch.object(task_runner, "finalize", finalize):
        yield


def _store(*dags: DAG) -> None:
    from airflow.models.dag import DAG as Stored
    from airflow.serialization.serialized_objects import SerializedDAG

    if AIRFLOW_V_3_0_PLUS:
        Stored.bulk_write_to_db(BUNDLE, None, [SerializedDAG.from_dict(SerializedDAG.to_dict(dag)) for dag in dags])
    else:
        Stored.bulk_write_to_db(dags)


def register(*dags: DAG) -> None:
    """Put DAGs where ``DAG.test`` of Airflow 3.1+ looks for their versions."""
    if not AIRFLOW_V_3_1_PLUS:
        return
    try:
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    except ImportError:  # Airflow 3.1
        from airflow.models.dagbag import DagBag, sync_bag_to_db  # type: ignore[no-redef]
    bag = DagBag(dag_folder=os.devnull)
    for dag in dags:
        bag.bag_dag(dag)
    sync_bag_to_db(bag, BUNDLE, None)
