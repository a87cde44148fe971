"""A Wiro that knows thousands of tasks from the start and is quick about them: `python -m chaos_harness.many_tasks …`.

The emulator remembers every request, and is too slow for as many. This one only counts. It runs in a process of its
own; `ManyTasks` is what a test has of it.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from aiohttp import web

from airflow_harness.processes import Component, free_port, wait_for
from airflow_provider_wiro.emulator.signing import refusal

KEY, SECRET = "key-of-the-many", "secret-of-the-many"
FIRST = 1_000_001
RUNNING, OVER, STOPPED = "task_start", "task_postprocess_end", "task_cancel"
TESTS = Path(__file__).parents[2]


class Service:
    """What the process answers.

    :param count: how many tasks there are.
    """

    def __init__(self, count: int) -> None:
        self.statuses = [RUNNING] * count
        self.counts: Counter[str] = Counter()

    async def call(self, request: web.Request) -> web.Response:
        """Answer a call of the API."""
        if refusal(request.headers, KEY, SECRET):
            return web.json_response({"result": False, "errors": [{"code": 98, "message": "signature"}]}, status=401)
        asked, name = await request.json(), request.match_info["call"]
        self.counts[name] += 1
        if name == "Task/List":
            newest = range(len(self.statuses) - 1, -1, -1)
            numbers = newest[int(asked["start"]) : int(asked["start"]) + int(asked["limit"])]
        elif name in ("Task/Detail", "Task/Kill", "Task/Cancel"):
            numbers = range(int(asked["taskid"]) - FIRST, int(asked["taskid"]) - FIRST + 1)
        else:
            return web.json_response({"result": False, "errors": [{"code": 96, "message": f"not here: {name}"}]})
        if name in ("Task/Kill", "Task/Cancel"):
            self.statuses[numbers[0]] = STOPPED
        rows = [self.row(number) for number in numbers]
        return web.json_response({"total": str(len(rows)), "errors": [], "tasklist": rows, "result": True})

    def row(self, number: int) -> dict[str, Any]:
        """Return a task as the API shows it."""
        status = self.statuses[number]
        over = status == OVER
        return {
            "id": str(FIRST + number),
            "status": status,
            "pexit": "0" if over else None,
            "outputs": [{"url": f"https://cdn.wiro.ai/{number}.mp4"}] if over else [],
            "debugoutput": "",
            "debugerror": "",
            "totalcost": "0.500000000000" if over else "0.000000000000",
            "parameters": {"prompt": f"Scene {number}"},
        }

    async def end(self, request: web.Request) -> web.Response:
        """Let some tasks succeed that have not ended."""
        asked = await request.json()
        for number in range(asked["first"], asked["end"]):
            if self.statuses[number] == RUNNING:
                self.statuses[number] = OVER
        return web.json_response({})

    async def books(self, _: web.Request) -> web.Response:
        """Tell what it has been asked, and what has become of the tasks."""
        return web.json_response({"calls": self.counts, "statuses": Counter(self.statuses)})


class ManyTasks:
    """The service, seen by a test.

    :param count: how many tasks there are.
    :param url: of the service.
    """

    def __init__(self, count: int, url: str) -> None:
        self.count = count
        self.url = f"{url}/v1"
        self.connection = {"conn_type": "wiro", "login": KEY, "password": SECRET, "host": self.url}
        self._url = url

    def end(self, first: int, end: int) -> None:
        """Let the tasks from that number up to another one succeed, the other one excluded."""
        requests.post(f"{self._url}/end", json={"first": first, "end": end}, timeout=30).raise_for_status()

    @property
    def calls(self) -> Counter[str]:
        """How often each call has been made."""
        return Counter(self._books()["calls"])

    @property
    def statuses(self) -> Counter[str]:
        """How many tasks have each status."""
        return Counter(self._books()["statuses"])

    def _books(self) -> dict[str, dict[str, int]]:
        books: dict[str, dict[str, int]] = requests.get(f"{self._url}/books", timeout=30).json()
        return books


@contextmanager
def many_tasks(count: int, folder: Path) -> Iterator[ManyTasks]:
    """Runs the service.

    :param folder: for its log.
    """
    port = free_port()
    process = Component(
        "many-tasks",
        [sys.executable, "-m", __name__, str(port), str(count)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*_paths(), TESTS.parent)))},
        log=folder / "many-tasks.log",
        cwd=folder,
    )
    process.start()
    try:
        service = ManyTasks(count, f"http://127.0.0.1:{port}")
        assert wait_for(lambda: _answers(service), 30), process.tail()
        yield service
    finally:
        process.stop()


def _paths() -> tuple[Path, ...]:
    return TESTS / "chaos", TESTS / "airflow"


def _answers(service: ManyTasks) -> bool:
    try:
        return bool(service.statuses)
    except requests.ConnectionError:
        return False


def serve(port: int, count: int) -> None:
    """Serves until this process is ended."""
    service, app = Service(count), web.Application()
    app.router.add_post("/v1/{call:.*}", service.call)
    app.router.add_post("/end", service.end)
    app.router.add_get("/books", service.books)
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
