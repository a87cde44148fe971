"""A lean service with many tasks: Detail and List show each with its own id, and as over from its own moment on.

`served_with(tasks)` runs it in a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from lean_server import TASKID, Server, answer, reply, serve, served

FIRST = 1_000_001
_OVER = {"status": "task_postprocess_end", "pexit": "0", "outputs": [{"url": "https://cdn.wiro.ai/0.mp4"}]}


@dataclass(frozen=True)
class Tasks:
    """Which tasks there are.

    :param count: how many; their ids follow one another.
    :param ending: how many of them end, the oldest ones, one after the other.
    :param first_end: unix time of the first end.
    :param last_end: unix time of the last one.
    """

    count: int
    ending: int
    first_end: float
    last_end: float

    def end_of(self, number: int) -> float:
        """Return when the task of that number ends."""
        if number >= self.ending:
            return float("inf")
        return self.first_end + (self.last_end - self.first_end) * number / max(1, self.ending - 1)


class ManyTasks(Server):
    """Answers for each of *tasks*."""

    tasks: Tasks
    counts: ClassVar[Counter[str]] = Counter()

    def reply_to(self, head: bytes, body: bytes) -> bytes:
        """Answer a signed request."""
        path = head.split(b" ", 2)[1].decode()
        asked = json.loads(body or b"{}")
        if path.endswith("/counts"):
            return reply(b"200 OK", json.dumps(self.counts).encode())
        call = path.rpartition("/")[2]
        self.counts[call] += 1
        if call == "List":
            start, limit = int(asked["start"]), int(asked["limit"])
            numbers = range(self.tasks.count - 1 - start, max(-1, self.tasks.count - 1 - start - limit), -1)
        else:
            numbers = range(int(asked["taskid"]) - FIRST, int(asked["taskid"]) - FIRST + 1)
        rows = b",".join(map(self.row, numbers))
        return reply(b"200 OK", b'{"total":"1","errors":[],"result":true,"tasklist":[%b]}' % rows)

    def row(self, number: int) -> bytes:
        """Return a task as the API shows it."""
        row = _ROWS[time.time() >= self.tasks.end_of(number)]
        return row.replace(TASKID.encode(), str(FIRST + number).encode(), 1)


def _rows() -> tuple[bytes, bytes]:
    row = json.loads(answer())["tasklist"][0] | {"createtime": str(int(time.time()))}
    return json.dumps(row).encode(), json.dumps(row | _OVER).encode()


_ROWS = _rows()


def served_with(tasks: Tasks, certificate: Path | None = None) -> AbstractContextManager[str]:
    """Run the service in a process of its own; give its base URL."""
    arguments = [str(value) for value in (tasks.count, tasks.ending, tasks.first_end, tasks.last_end)]
    return served(*arguments, script=__file__, certificate=certificate)


if __name__ == "__main__":
    count, ending, first, last = sys.argv[1:]
    ManyTasks.tasks = Tasks(int(count), int(ending), float(first), float(last))
    asyncio.run(serve(ManyTasks))
