"""What goes wrong around a task: strangers on its account, another host, a worker that wakes, no API server."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from functools import partial
from pathlib import Path

from emulator_client import Client

from airflow_harness.jobs import Job, Starter
from airflow_provider_wiro.emulator import WiroEmulator
from chaos_harness.acts import TURN, lives, until_it_waits
from chaos_harness.board import Board, pids

# By this a test knows a stranger's task. It is not among what makes the work the same.
STRANGER = {"projectid": "a stranger's"}
OURS = {"prompt": "A steam engine", "inputImageUrl": "https://example.com/first-frame.png"}
MARKER = ".wiro-journal"
# More than the pause between two looks at a task of some minutes, in seconds: a tenth of its age.
LONGEST_PAUSE = 25.0


def a_stranger_submits(job: Job, **inputs: str) -> None:
    """Somebody else submits the same to the same account; `inputs` are what theirs has beyond ours."""
    login, password = job.wiro.connection["login"], job.wiro.connection["password"]
    with Client(job.wiro.url, login, password) as client:
        client.run(**OURS, **STRANGER, **inputs)


def a_stranger_before(job: Job, board: Board) -> None:
    """Some seconds before ours (see the row's `pause`), which Wiro does not get."""
    pids(job)
    a_stranger_submits(job)
    job.wiro.script("Run", "hang", seconds=2.0)


def a_stranger_with_more(job: Job, board: Board) -> None:
    """While our submission is on its way, with one input more than ours."""
    job.until(lambda: job.wiro.count("Run"), "the submission is on its way", TURN)
    a_stranger_submits(job, ratio="720:1280")


def a_stranger_with_more_beside_ours(job: Job, board: Board) -> None:
    a_stranger_with_more(job, board)
    job.wait_until_polled(1)
    job.release()


def lead_elsewhere(job: Job, start: Starter) -> WiroEmulator:
    """The connection gets the host of another service, and keeps its keys."""
    other = start.services.open(f"{job.conn_id} elsewhere")
    start.airflow.set_connection(job.conn_id, {**job.wiro.connection, "host": other.url})
    return other


def lead_back(job: Job, other: WiroEmulator) -> None:
    """Once the task has noticed; then the connection leads where it did, and the task at Wiro ends."""
    host = other.url.removeprefix("http://").partition("/")[0]
    job.until(lambda: host in job.log, "the log names the other service")
    time.sleep(3)
    asked = list(other.requests)
    job.airflow.set_connection(job.conn_id, job.wiro.connection)
    job.wait_until_polled(1)
    job.release()
    assert asked == list(other.requests) == []


def kill_and_lead_elsewhere(start: Starter, job: Job, board: Board) -> None:
    """The worker dies, and the next try finds that the connection leads elsewhere."""
    until_it_waits(job, board)
    other = lead_elsewhere(job, start)
    os.kill(pids(job)[0], signal.SIGKILL)
    board.wait(job, "running", try_number=2, timeout=TURN)
    lead_back(job, other)


def wake_after_the_next_try_has_attached(job: Job, board: Board) -> None:
    """The worker stands still before it writes the taskid down, and wakes when the next try waits for the same task."""
    own, supervisor = pids(job)
    job.until((job.reports / f"{job.run_id}.frozen").exists, "the worker stands still", TURN)
    waits = "running" if job.dag_id.startswith("sync") else "deferred"
    board.wait(job, waits, try_number=2, timeout=TURN)
    job.wait_until_polled(1)
    for pid in (own, supervisor):
        os.kill(pid, signal.SIGCONT)
    # Longer than Airflow 3 needs to end a worker that it has given up. Airflow 2 lets it run.
    time.sleep(12)
    if job.wiro.active:
        job.wait_until_polled(1)
    job.release()


def terminate_without_a_record(job: Job, board: Board) -> None:
    """SIGTERM to the worker, whose taskid could not be written down (see the row's `full_disk`)."""
    until_it_waits(job, board)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pids(job)[0], signal.SIGTERM)


def mount(folder: Path, job: Job, board: Board) -> None:
    """The share is mounted where only its empty place was, once the first try has failed."""
    board.wait(job, ("up_for_retry", "queued", "running"), try_number=1, timeout=TURN)
    job.until(lambda: MARKER in job.log, "the first try has failed")
    (folder / MARKER).touch()


def release_when_it_waits(job: Job, board: Board) -> None:
    until_it_waits(job, board)
    job.release()


def take_the_api_server_away(jobs: list[Job], board: Board) -> None:
    """Until the supervisors have told the workers to end; then it is back."""
    for job in jobs:
        until_it_waits(job, board)
    workers = [pids(job)[0] for job in jobs]
    server = board.airflow.components["api-server"]
    server.stop(signal.SIGKILL)
    try:
        jobs[0].until(partial(wait_no_more, jobs, workers), "the workers have been told to end", 240)
    finally:
        server.start()
    board.airflow.wait_until(board.airflow.api.health, "the API server is back", 180)


def wait_no_more(jobs: list[Job], workers: list[int]) -> bool:
    """Whether each worker is gone, or hangs: Airflow 3.1's supervisor breaks while it ends one, and never kills it."""
    looks = [job.wiro.count("Detail") for job in jobs]
    deadline = time.monotonic() + LONGEST_PAUSE
    while any(map(lives, workers)) and time.monotonic() < deadline:
        time.sleep(0.5)
    now = [job.wiro.count("Detail") for job in jobs]
    return all(was == is_ or not lives(worker) for was, is_, worker in zip(looks, now, workers, strict=True))


def go_on_after_the_outage(job: Job, board: Board) -> None:
    board.wait(job, "running", try_number=2, timeout=TURN)
    job.wait_until_polled(1)
    job.release()
