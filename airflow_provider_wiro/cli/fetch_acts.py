"""What the command ``fetch`` does, in a process that has Airflow."""

from __future__ import annotations

import logging
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_provider_wiro.clients.download import Progress, no_progress
from airflow_provider_wiro.core.calls import detail
from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.saving import folder
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.exceptions import WiroError, WiroJournalError, WiroTaskError
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.hooks.connection import DEFAULT_CONN_ID
from airflow_provider_wiro.landing import About, land, place_of
from airflow_provider_wiro.sweep.recorded import open_recorded

log = logging.getLogger(__name__)


def fetch(options: Namespace) -> int:
    """Save the outputs of one task, and return the exit code."""
    to = folder(options.to if "://" in options.to else str(Path(options.to).absolute()), "--to")
    place_of(to, "--to")
    record = None if options.taskid else _record(options)
    taskid: str = options.taskid or str(record and record.taskid)
    caller = Caller(options.conn_id or (record.conn_id if record else DEFAULT_CONN_ID), log)
    task = _succeeded(caller, taskid, record.base_url if record else None)
    with _bar() as progress:
        landed = land(
            task.result(),
            to,
            _about(taskid, record, task.cost_usd, task.elapsed_seconds),
            looks=caller.looks(),
            max_bytes=options.max_bytes,
            log=log,
            progress=progress,
        )
    for one in landed:
        print(f"{one.uri} {one.size} bytes, SHA-256 {one.sha256}")
    print(f"{len(landed)} file(s) of Wiro task {taskid} are saved")
    unread = Verdict.of(task).reason
    if unread:
        print(f"fetch: {unread}", file=sys.stderr)
    return 1 if unread else 0


def _succeeded(caller: Caller, taskid: str, service: str | None) -> Task:
    if service and not same_service(service, caller.base_url):
        raise WiroError(
            f"taskid {taskid} is of {one_line(service)}, and the connection leads to {one_line(caller.base_url)}; name "
            "another one with --conn-id"
        )
    task = caller.drive(detail(taskid=taskid))
    if task.succeeded:
        return task
    if task.terminal:
        raise error_of(Verdict.of(task), watches=True)
    raise WiroTaskError(f"Wiro task {taskid} is not over ({task.status}). Wait for its end, and repeat the command")


def _record(options: Namespace) -> Record:
    identity = Identity(options.dag_id, options.run_id, options.task_id, options.map_index, options.execution)
    recorded = open_recorded()
    record = recorded.of(identity)
    if record is None:
        raise WiroJournalError(f"there is no record in {recorded.place_of(identity)}")
    if not record.sent:
        raise WiroJournalError(f"the record in {recorded.place_of(identity)} says that nothing was submitted last")
    if record.taskid is None:
        raise WiroJournalError(
            f"the record in {recorded.place_of(identity)} has no taskid: it is not known whether Wiro has accepted a "
            "submission. Look in the Wiro dashboard, and name the TASKID"
        )
    return record


def _about(taskid: str, record: Record | None, cost_usd: float | None, elapsed_seconds: float | None) -> About:
    about = About(taskid, cost_usd=cost_usd, elapsed_seconds=elapsed_seconds)
    if record is None:
        return about
    its = record.identity
    return About(
        taskid,
        model=record.model,
        cost_usd=cost_usd,
        submitted_at=record.submitted_at,
        elapsed_seconds=elapsed_seconds,
        dag_id=its.dag_id,
        run_id=its.run_id,
        task_id=its.task_id,
        map_index=its.map_index,
    )


@contextmanager
def _bar() -> Iterator[Progress]:
    """Show on a terminal how far the present file is."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        bar = shown.add_task("")
        yield lambda there, of: shown.update(bar, completed=there, total=of)
