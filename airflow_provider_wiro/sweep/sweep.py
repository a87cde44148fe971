"""Find what was paid for, runs on at Wiro, and is wanted no more."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import astuple

from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroJournalError, WiroTaskError, WiroTaskNotFound
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.sweep.errors import said
from airflow_provider_wiro.sweep.recorded import GONE, NO_SUCH_DAG, Recorded, states_of

ENDED = frozenset({"failed", "success", "skipped", "upstream_failed", "removed", GONE})
# The clocks of those who write and of this machine may differ by so many seconds.
CLOCKS_DIFFER = 3600.0
FAILURES_IN_A_ROW = 3

WOULD_STOP, STOPPED, NOT_STOPPED = "would stop", "stopped", "COULD NOT BE STOPPED"
NOT_ASKED, UNREADABLE, UNKNOWN = "COULD NOT BE ASKED", "UNREADABLE", "UNKNOWN"
WANTED, WANTED_AGAIN, OVER = "wanted", "wanted again", "over"
NOT_KNOWN_HERE = (
    "this Airflow knows no DAG of that name: if another deployment shares the folder, leave it alone and give each its "
    "own; if the DAG was deleted, nobody waits for it"
)


class Sweep:
    """One look at all that is recorded.

    :param recorded: the journals.
    :param hours: how old a Run may be at most.
    :param stop: whether to stop what is wanted no more, or only to list it.
    """

    def __init__(self, recorded: Recorded, *, hours: float, stop: bool) -> None:
        self._recorded = recorded
        self._hours = hours
        self._stop = stop
        self._states: dict[Identity, str | None] = {}
        self._services: dict[str, str | None] = {}
        self._done: Counter[str] = Counter()

    def run(self) -> int:
        """Do it, print a line for each record that matters, and return the exit code."""
        records = self._read()
        self._states = states_of([record.identity for record in records])
        wanted = [record for record in records if self._is_wanted(record)]
        asked: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            # One Wiro task may be in two journals, if a lost answer was taken for one's own: then either may want it.
            if self._is_wanted(record) or any(self._same_task(record, other) for other in wanted):
                self._done[WANTED] += 1
            else:
                asked[record.conn_id].append(record)
        for conn_id, of_connection in asked.items():
            self._settle_all(WiroHook(conn_id), of_connection)
        return self._sum_up(len(records))

    def _is_wanted(self, record: Record) -> bool:
        return self._states[record.identity] not in ENDED | {NO_SUCH_DAG}

    def _read(self) -> list[Record]:
        since, records = time.time() - self._hours * 3600, []
        for found in self._recorded.since(since - CLOCKS_DIFFER):
            if isinstance(found, WiroJournalError):
                self._done[UNREADABLE] += 1
                print(f"{UNREADABLE}: {said(found)}")
            elif found.stop_when_ended and _moment(found) >= since:
                records.append(found)
        return sorted(records, key=_moment)

    def _settle_all(self, hook: WiroHook, records: Sequence[Record]) -> None:
        failures = 0
        for number, record in enumerate(records):
            if failures == FAILURES_IN_A_ROW:
                left = len(records) - number
                self._done[NOT_ASKED] += left
                print(f"{NOT_ASKED}: {left} more of connection {one_line(hook.wiro_conn_id)}, which fails")
                return
            try:
                self._settle(hook, record)
                failures = 0
            except WiroTaskNotFound as error:
                self._tell_unknown(record, said(error))
                failures = 0
            except Exception as error:
                failures = 0 if isinstance(error, WiroTaskError) else failures + 1
                self._tell(NOT_ASKED, record, said(error))

    def _settle(self, hook: WiroHook, record: Record) -> None:
        task = self._find(hook, record) if record.taskid is None else hook.get_task(record.taskid)
        if isinstance(task, Task) and task.terminal:
            self._done[OVER] += 1
        elif self._states[record.identity] == NO_SUCH_DAG:
            self._tell_unknown(record, NOT_KNOWN_HERE)
        elif isinstance(task, str):
            self._tell_unknown(record, task)
        elif not self._stop:
            self._tell(WOULD_STOP, record, task.status, task.taskid)
        elif self._wanted_again(record):
            self._tell(WANTED_AGAIN, record, f"{task.status}; left alone")
        else:
            stop = hook.stop(task.taskid)
            self._tell(STOPPED if stop.over else NOT_STOPPED, record, f"{task.status}; {stop.note}", task.taskid)

    def _find(self, hook: WiroHook, record: Record) -> Task | str:
        """Look for the task of an intent; return it, or in words why none is known to be its own."""
        if self._states[record.identity] == NO_SUCH_DAG:
            return NOT_KNOWN_HERE
        task = hook.find(record)
        if isinstance(task, str):
            return task
        # The journals are read after the search: whoever submitted what it found has written an intent before.
        for other in self._recorded.since(record.at - CLOCKS_DIFFER):
            if isinstance(other, WiroJournalError):
                return f"task {task.taskid} has its inputs, but may be that of a journal that cannot be read"
            if other.identity != record.identity and self._may_own(other, task, record):
                owner = ", ".join(str(part) for part in astuple(other.identity))
                return f"the only task of that time with its inputs, {task.taskid}, is or may be that of {owner}"
        return task

    def _may_own(self, other: Record, task: Task, lost: Record) -> bool:
        """Return whether *task*, which was found for the *lost* Run, is that of *other*, or one that it may want."""
        if not self._same_service(other, lost):
            return False
        if other.taskid is not None:
            return other.taskid == task.taskid
        alike = all(lost.inputs.get(name, value) == value for name, value in other.inputs.items())
        return alike and not (other.stop_when_ended and states_of([other.identity])[other.identity] in ENDED)

    def _same_task(self, record: Record, other: Record) -> bool:
        return record.taskid is not None and record.taskid == other.taskid and self._same_service(record, other)

    def _same_service(self, record: Record, other: Record) -> bool:
        """Return whether taskids of both are of one service, as they are where a connection cannot be read."""
        services = {self._service(conn_id) for conn_id in {record.conn_id, other.conn_id}}
        return len(services) == 1 or None in services

    def _service(self, conn_id: str) -> str | None:
        if conn_id not in self._services:
            try:
                self._services[conn_id] = WiroHook(conn_id).base_url
            except Exception:
                self._services[conn_id] = None
        return self._services[conn_id]

    def _wanted_again(self, record: Record) -> bool:
        """Look again, right before stopping: a user may have cleared the task meanwhile."""
        now = self._recorded.of(record.identity)
        self._states |= states_of([record.identity])
        return now is None or now.taskid != record.taskid or self._states[record.identity] not in ENDED

    def _tell_unknown(self, record: Record, why: str) -> None:
        delete = f"delete {self._recorded.place_of(record.identity)}"
        self._tell(UNKNOWN, record, f"{why}; look in the Wiro dashboard, stop there what nobody wants, then {delete}")

    def _tell(self, done: str, record: Record, why: str, taskid: str | None = None) -> None:
        self._done[done] += 1
        identity, minutes = record.identity, (time.time() - _moment(record)) / 60
        fields = {
            "dag_id": identity.dag_id,
            "run_id": identity.run_id,
            "task_id": identity.task_id,
            "map_index": identity.map_index,
            "state": self._states[identity],
            "taskid": taskid or record.taskid,
            "conn_id": record.conn_id,
            "age": f"{minutes:.0f}min",
        }
        print(f"{done}:", *(f"{name}={one_line(value)}" for name, value in fields.items()), f"({one_line(why, 1000)})")

    def _sum_up(self, records: int) -> int:
        counted = ", ".join(f"{count} {what}" for what, count in self._done.items())
        print(f"{records} Runs of the last {self._hours:g} h in {self._recorded.place}: {counted or 'nothing to do'}")
        if any(self._done[bad] for bad in (UNREADABLE, UNKNOWN, NOT_ASKED, NOT_STOPPED)):
            return 1
        return 3 if self._done[WOULD_STOP] else 0


def _moment(record: Record) -> float:
    return record.at if record.submitted_at is None else record.submitted_at
