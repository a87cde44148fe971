"""What the demonstration tells while it runs: one line for one thing that happened."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

# As `small_airflow` sets it for Airflow 2.
PLAIN = re.compile(r"\[[^\]]*\] \{(?P<logger>[^}]*)\} [A-Z]+ - (?P<said>.*)")


class Story:
    """Prints lines with the seconds since the start."""

    def __init__(self) -> None:
        self._started = float(os.environ.get("WIRO_DEMO_STARTED", time.time()))

    def tell(self, who: str, what: str) -> None:
        print(f"[{self.seconds():5.1f} s]  {who:<15} {what}", flush=True)

    def seconds(self) -> float:
        return time.time() - self._started


class TaskLog:
    """Follows the log files of a task, its trigger's included, and picks out what this provider said."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}

    def new_lines(self) -> Iterator[str]:
        for file in self._files():
            text = file.read_text(errors="replace")
            complete = text.rfind("\n") + 1
            for line in text[self._read.get(file, 0) : complete].splitlines():
                yield from _words_of_the_provider(line)
            self._read[file] = complete

    def accepted_taskid(self) -> str:
        """The task that Wiro has accepted, as the operator logs it at once; empty if there is none."""
        for file in self._files():
            if found := re.search(r"taskid (\S+): Wiro accepted", file.read_text(errors="replace")):
                return found[1]
        return ""

    def newest(self) -> Path | None:
        """The file that was written last."""
        return max(self._files(), key=lambda file: file.stat().st_mtime, default=None)

    def _files(self) -> list[Path]:
        return sorted(self._folder.rglob("attempt=*.log*"))


def _words_of_the_provider(line: str) -> Iterator[str]:
    """The first line of what this provider, or a DAG of the demonstration, says in a line of a log."""
    logger, said = _structured(line) or _plain(line)
    if "wiro" in logger.lower():
        yield said.partition("\n")[0]


def _structured(line: str) -> tuple[str, str] | None:
    """Logger and words of a line as Airflow 3 writes it; None if it is no such line."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return (str(record.get("logger", "")), str(record.get("event", ""))) if isinstance(record, dict) else None


def _plain(line: str) -> tuple[str, str]:
    """The same of a line as Airflow 2 writes it here; nothing if it is none."""
    found = PLAIN.fullmatch(line)
    return (found["logger"], found["said"]) if found else ("", "")


def tail(file: Path, lines: int = 25) -> str:
    """The last lines of a log, readable: of a structured line only what it says."""
    if not file.exists():
        return "(empty)"
    return "\n".join(map(_readable, file.read_text(errors="replace").splitlines()[-lines:]))


def _readable(line: str) -> str:
    try:
        record = json.loads(line)
        said = f"{record['level']}: {record['event']}"
    except (ValueError, TypeError, KeyError):
        return line[:500]
    errors = (f"{error.get('exc_type')}: {error.get('exc_value')}" for error in record.get("error_detail") or [])
    return "\n".join([said[:500], *errors])
