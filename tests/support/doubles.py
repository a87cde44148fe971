"""Stand-ins for what only a running Airflow has, and small helpers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, cast

from airflow_provider_wiro.compat import Context
from taskids import FIRST

try:
    import structlog
except ImportError:  # Airflow 2 may do without it
    structlog = None  # type: ignore[assignment]

from airflow_provider_wiro.core.verdict import Kind, Verdict
from airflow_provider_wiro.emulator import WiroEmulator


class FakeTaskInstance:
    """As much of a task instance as an operator touches.

    :param xcoms: what is pushed already.
    :param broken: whether pushing fails.
    """

    dag_id = "videos"
    run_id = "manual__2026-01-01"
    task_id = "video"
    map_index = -1
    next_method: str | None = None
    try_number, max_tries = 1, 0

    def __init__(self, xcoms: dict[str, Any] | None = None, *, broken: bool = False) -> None:
        self.xcoms = dict(xcoms or {})
        self.broken = broken
        self.start_date: datetime | None = datetime.now(UTC)

    def xcom_push(self, key: str, value: Any) -> None:
        if self.broken:
            raise ConnectionError("the XCom backend is away")
        self.xcoms[key] = value

    def xcom_pull(self, *, task_ids: str, key: str, map_indexes: int) -> Any:
        return self.xcoms.get(key) if (task_ids, map_indexes) == (self.task_id, self.map_index) else None


def context_of(ti: FakeTaskInstance) -> Context:
    return cast(Context, {"ti": ti})


class Lines(logging.Handler):
    """Keeps what is logged, as the code wrote it: before anything is masked."""

    def __init__(self) -> None:
        super().__init__(level=logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record of the standard library's logging."""
        self.lines.append(f"{record.levelname} {record.getMessage()} {record.exc_info or ''}")

    def take(self, logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Take an event of structlog, which Airflow 3 logs with."""
        if method == "debug":
            return event  # not logged; Airflow 3.0 sends its secrets to be masked this way
        said = {name: value for name, value in event.items() if name not in ("event", "positional_args")}
        arguments = event.get("positional_args") or ()
        message = str(event.get("event", ""))
        self.lines.append(f"{method.upper()} {message % arguments if arguments else message} {said}")
        return event

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @contextmanager
    def listening(self) -> Iterator[None]:
        root = logging.getLogger()
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.INFO)
        processors = structlog.get_config()["processors"] if structlog else []
        processors.insert(0, self.take)
        try:
            yield
        finally:
            processors.remove(self.take)
            root.removeHandler(self)
            root.setLevel(level)


def wait_until(condition: Callable[[], object], within: float = 15.0) -> None:
    """Poll *condition* until it holds; fail where it does not."""
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def when(condition: Callable[[], object], action: Callable[[], object]) -> threading.Thread:
    """Do *action* in a thread once *condition* holds."""

    def watch() -> None:
        wait_until(condition)
        action()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


def statuses(emulator: WiroEmulator) -> list[str]:
    return [task.status for task in emulator.runs]


def event(kind: Kind = "success", **fields: Any) -> dict[str, Any]:
    """Return the event of a verdict, as the trigger makes it."""
    fields = {"taskid": FIRST, "status": "task_start"} | fields
    return Verdict(kind, **fields).to_event()
