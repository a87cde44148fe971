"""What the command ``journal`` does, in a process that has Airflow."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from airflow_provider_wiro.cli.asking import agreed
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.journals import journal_folder, mark
from airflow_provider_wiro.sweep.errors import said
from airflow_provider_wiro.sweep.recorded import Recorded, open_recorded, states_of


def list_records(options: Namespace) -> int:
    """Print a line for each record, and return the exit code."""
    recorded = open_recorded()
    records: list[Record] = []
    unreadable = 0
    for found in recorded.since(0.0):
        if isinstance(found, WiroJournalError):
            unreadable += 1
            print(f"UNREADABLE: {said(found)}")
        elif _wanted(found.identity, options):
            records.append(found)
    states = _states(records)
    for record in sorted(records, key=lambda one: one.at):
        print(_line(record, recorded, states))
    kept = f"{len(records)} record(s) in {recorded.place}"
    print(f"{kept}, {unreadable} UNREADABLE" if unreadable else kept)
    return 1 if unreadable else 0


def show(options: Namespace) -> int:
    """Print what one record says, and return the exit code."""
    recorded, identity = open_recorded(), _identity(options)
    record = recorded.of(identity)
    if record is None:
        return _nothing(recorded, identity)
    print("\n".join(f"{name:<18}{one_line(value, 1000)}" for name, value in _told(record, recorded).items()))
    return 0


def forget(options: Namespace) -> int:
    """Delete one record, once a person has agreed, and return the exit code."""
    recorded, identity = open_recorded(), _identity(options)
    record = recorded.of(identity)
    if record is None:
        return _nothing(recorded, identity)
    print(_line(record, recorded, _states([record])))
    print(_price_of_forgetting(record))
    if not options.yes and not agreed("Forget it?"):
        print("Nothing was changed.")
        return 1
    recorded.forget(record)
    print("Forgotten.")
    return 0


def init(_: Namespace) -> int:
    """Mark the folder of ``[wiro] journal_path`` as one that holds a journal, and return the exit code."""
    folder = journal_folder()
    if folder is None:
        raise WiroJournalError(
            "[wiro] journal_path is not set, so there is no folder to mark. Airflow's Task State Store (3.3 and newer) "
            "needs none"
        )
    marker = mark(folder)
    print(f"{folder} needs no mark." if marker is None else f"{folder} is marked as a journal, by the file {marker}.")
    return 0


def _price_of_forgetting(record: Record) -> str:
    again = "The next try of this task instance then submits again, and pays for it."
    if not record.sent and not record.uploads:
        return f"It says that nothing was submitted last. {again}"
    if not record.sent:
        return "Only files were uploaded, at no cost, and nothing was submitted. The next try uploads them again."
    if record.taskid is None:
        return f"It is not known whether Wiro accepted this submission: if it did, it is paid too. {again}"
    return f"Wiro task {record.taskid} is not stopped by this: if it runs or has finished, it is paid. {again}"


def _nothing(recorded: Recorded, identity: Identity) -> int:
    print(f"journal: there is no record in {recorded.place_of(identity)}", file=sys.stderr)
    return 1


def _identity(options: Namespace) -> Identity:
    return Identity(options.dag_id, options.run_id, options.task_id, options.map_index, options.execution)


def _wanted(identity: Identity, options: Namespace) -> bool:
    return options.dag_id in (None, identity.dag_id) and options.run_id in (None, identity.run_id)


def _states(records: Sequence[Record]) -> Mapping[Identity, str | None]:
    """Return the states of the task instances; none where the database cannot be asked, for files alone can be."""
    try:
        return states_of([record.identity for record in records])
    except Exception as error:
        print(f"journal: the states of the tasks cannot be read: {said(error)}", file=sys.stderr)
        return {}


def _line(record: Record, recorded: Recorded, states: Mapping[Identity, str | None]) -> str:
    told = _told(record, recorded)
    if record.identity in states:
        told["state"] = states[record.identity] or "none"
    names = ("dag_id", "run_id", "task_id", "map_index", "execution", "phase", "taskid", "model", "state", "at")
    return " ".join(f"{name}={one_line(told[name], 500)}" for name in names if name in told)


def _told(record: Record, recorded: Recorded) -> dict[str, object]:
    identity = record.identity
    told = {
        "dag_id": identity.dag_id,
        "run_id": identity.run_id,
        "task_id": identity.task_id,
        "map_index": identity.map_index,
        "execution": identity.execution or None,
        "phase": record.phase,
        "taskid": record.taskid,
        "model": record.model,
        "inputs": ", ".join(record.inputs) or None,
        "uploads": len(record.uploads) or None,
        "at": _utc(record.at),
        "submitted_at": None if record.submitted_at is None else _utc(record.submitted_at),
        "conn_id": record.conn_id,
        "base_url": record.base_url,
        "stop_when_ended": record.stop_when_ended,
        "earlier": ", ".join(record.earlier) or None,
        "saved": ", ".join(file.uri for file in record.landed or ()) or None,
        "place": recorded.place_of(identity),
    }
    return {name: value for name, value in told.items() if value is not None}


def _utc(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
