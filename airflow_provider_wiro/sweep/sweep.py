"""Find what was paid for, runs on at Wiro, and is no longer wanted."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence

from airflow_provider_wiro.core.calls import detail, stop
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.protocol import Flow, T
from airflow_provider_wiro.core.recall import contradictions
from airflow_provider_wiro.core.search import NoListing
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.core.whose import Doubt, Others, Proven
from airflow_provider_wiro.exceptions import WiroJournalError, WiroTaskError, WiroTaskNotFound, WiroWrongService
from airflow_provider_wiro.stages.recall import find
from airflow_provider_wiro.sweep.errors import said
from airflow_provider_wiro.sweep.recorded import ENDED, NO_SUCH_DAG, Recorded, states_of
from airflow_provider_wiro.sweep.services import Services

# The clocks of those who write and of this machine may differ by so many seconds.
CLOCKS_DIFFER = 3600.0
FAILURES_IN_A_ROW = 3

WOULD_STOP, STOPPED, NOT_STOPPED = "would stop", "stopped", "COULD NOT BE STOPPED"
NOT_ASKED, UNREADABLE, UNKNOWN, OTHER_SERVICE = "COULD NOT BE ASKED", "UNREADABLE", "UNKNOWN", "OTHER SERVICE"
WANTED, WANTED_AGAIN, OVER, NOT_ACCEPTED = "wanted", "wanted again", "over", "not accepted by Wiro"
NOT_KNOWN_HERE = "this Airflow knows no DAG of that name"
OF_ANOTHER = (
    "if another deployment shares the folder, leave the record alone, and give each a folder of its own; if the DAG "
    "was deleted, nobody waits for it: "
)


class Sweep:
    """One look at all that is recorded.

    :param recorded: the journals.
    :param hours: how old a submission may be at most.
    :param stop: whether to stop what is no longer wanted, or only to list it.
    """

    def __init__(self, recorded: Recorded, *, hours: float, stop: bool) -> None:
        self._recorded = recorded
        self._hours = hours
        self._stop = stop
        self._states: dict[Identity, str | None] = {}
        self._services = Services()
        self._done: Counter[str] = Counter()

    def run(self) -> int:
        """Do it, print a line for each record that matters, and return the exit code."""
        records = self._read()
        self._states = states_of([record.identity for record in records])
        wanted = [record for record in records if self._is_wanted(record)]
        asked: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            # One Wiro task may be in two journals, if a lost answer was taken for one's own: then either may want it.
            if self._is_wanted(record) or any(self._services.same_task(record, other) for other in wanted):
                self._done[WANTED] += 1
            else:
                asked[record.conn_id].append(record)
        for conn_id, of_connection in asked.items():
            self._settle_all(conn_id, of_connection)
        return self._sum_up(len(records))

    def _is_wanted(self, record: Record) -> bool:
        return self._states[record.identity] not in ENDED | {NO_SUCH_DAG}

    def _read(self) -> list[Record]:
        since, records = time.time() - self._hours * 3600, []
        for found in self._recorded.since(since - CLOCKS_DIFFER):
            if isinstance(found, WiroJournalError):
                self._done[UNREADABLE] += 1
                print(f"{UNREADABLE}: {said(found)}")
            elif found.sent and found.landed is None and found.stop_when_ended and _moment(found) >= since:
                records.append(found)
        return sorted(records, key=_moment)

    def _settle_all(self, conn_id: str, records: Sequence[Record]) -> None:
        failures = 0
        for number, record in enumerate(records):
            if failures == FAILURES_IN_A_ROW:
                left = len(records) - number
                self._done[NOT_ASKED] += left
                print(f"{NOT_ASKED}: {left} more of connection {one_line(conn_id)}, which fails")
                return
            try:
                self._settle(record)
                failures = 0
            except WiroTaskNotFound as error:
                self._tell_unknown(record, said(error))
                failures = 0
            except WiroWrongService as error:
                self._tell(OTHER_SERVICE, record, said(error))
                failures = 0
            except Exception as error:
                failures = 0 if isinstance(error, WiroTaskError) else failures + 1
                self._tell(NOT_ASKED, record, said(error))

    def _settle(self, record: Record) -> None:
        task = self._find(record) if record.taskid is None else self._read_task(record, record.taskid)
        if task is None:
            self._done[NOT_ACCEPTED] += 1
        elif isinstance(task, Task) and task.terminal:
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
            stopped = self._services.drive(record, stop(task.taskid), to_the_end=True)
            done = STOPPED if stopped.over else NOT_STOPPED
            self._tell(done, record, f"{task.status}; {stopped.note}", task.taskid)

    def _read_task(self, record: Record, taskid: str) -> Task | str:
        """Read the task of a record; return it, or in words why it may be that of another service."""
        task = self._services.drive(record, detail(taskid=taskid))
        if record.base_url is not None or task.terminal:
            return task
        names = self._services.drive(record, contradictions(record))
        return f"the record does not name its service; the task here has another {', '.join(names)}" if names else task

    def _find(self, record: Record) -> Task | str | None:
        """Look for the task of an intent; return it, in words why none is proven to be its own, or None for none."""
        if self._states[record.identity] == NO_SUCH_DAG:
            return NOT_KNOWN_HERE
        lost = self._services.named(record)

        def drive(flow: Flow[T]) -> T:
            return self._services.drive(lost, flow)

        seen = find(
            drive,
            lost,
            lambda: self._others(lost),
            account=lambda: self._services.account(record),
            quiet_since=record.at,
        )
        if isinstance(seen, Doubt | NoListing):
            return seen.why
        return seen.row.task if isinstance(seen, Proven) else None

    def _others(self, lost: Record) -> Others:
        """Return the records of others that may own a task of that time, as they are now."""
        others = list(self._recorded.since(lost.at - CLOCKS_DIFFER))
        return [
            other if isinstance(other, WiroJournalError) else self._services.named(other)
            for other in others
            if isinstance(other, WiroJournalError) or (other.identity != lost.identity and self._may_want(other))
        ]

    def _may_want(self, other: Record) -> bool:
        """Return whether a task that *other* may own is not to be stopped for a lost submission."""
        if other.taskid is not None or not other.sent or not other.stop_when_ended:
            return True
        return states_of([other.identity])[other.identity] not in ENDED

    def _wanted_again(self, record: Record) -> bool:
        """Look again, right before stopping: a user may have cleared the task meanwhile."""
        now = self._recorded.of(record.identity)
        self._states |= states_of([record.identity])
        return now is None or now.taskid != record.taskid or self._states[record.identity] not in ENDED

    def _tell_unknown(self, record: Record, why: str) -> None:
        delete = f"delete {self._recorded.place_of(record.identity)}"
        advice = f"look in the Wiro dashboard, stop there what is no longer wanted, then {delete}"
        if self._states[record.identity] == NO_SUCH_DAG:
            why = why if why == NOT_KNOWN_HERE else f"{why}, and {NOT_KNOWN_HERE}"
            advice = f"{OF_ANOTHER}{advice}"
        self._tell(UNKNOWN, record, f"{why}; {advice}")

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
        print(f"{done}:", *(f"{name}={one_line(value)}" for name, value in fields.items()), f"({one_line(why, 3000)})")

    def _sum_up(self, records: int) -> int:
        counted = ", ".join(f"{count} {what}" for what, count in self._done.items())
        submissions = "1 submission" if records == 1 else f"{records} submissions"
        looked_at = f"{submissions} of the last {self._hours:g} h in {self._recorded.place}"
        print(f"{looked_at}: {counted or 'nothing to do'}")
        if any(self._done[bad] for bad in (UNREADABLE, UNKNOWN, NOT_ASKED, NOT_STOPPED, OTHER_SERVICE)):
            return 1
        return 3 if self._done[WOULD_STOP] else 0


def _moment(record: Record) -> float:
    return record.at if record.submitted_at is None else record.submitted_at
