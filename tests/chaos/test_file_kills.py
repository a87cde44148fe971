"""A worker is killed while it uploads, saves, moves or deletes: one submission, and each file whole or not there."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from airflow_harness.jobs import Job, Starter
from airflow_provider_wiro.emulator.media import video_of
from chaos_harness.board import Board
from chaos_harness.killing import kill_the_worker_that_deletes
from chaos_harness.recorder import Row
from chaos_harness.storages import SOURCE, Storage, a_bucket, a_folder, a_shelf
from chaos_harness.stories import Stories, chosen

TABLE = "Files"
pytestmark = [pytest.mark.timeout(900), pytest.mark.slow]

VIDEO, MANIFEST = "0.mp4", "manifest.json"
NOTHING: tuple[str, ...] = ()
BOTH = (VIDEO, MANIFEST)
LOST: dict[str, Any] = {"call": "Delete", "fault": "hang"}


@dataclass(frozen=True)
class Point:
    """Where a SIGKILL strikes the first try.

    :param name: the row's name.
    :param kill: the point in the task's own process, a key of `kill_points.POINTS`; or how the test kills it.
    :param there: the files that are saved when it is killed.
    :param left: how many half-written files stay, under names that are no file's.
    :param storage: where the source file comes from, and the outputs go.
    :param size: bytes of the video.
    :param dag_id: the DAG.
    :param uploads: how many whole uploads Wiro gets, in both tries.
    :param fault: what goes wrong at Wiro: a call, a fault and its options.
    """

    name: str
    kill: str | Callable[[Job, Board], None]
    there: tuple[str, ...] = NOTHING
    left: int = 0
    storage: Callable[[Path], AbstractContextManager[Storage]] = a_folder
    size: int = 3_000_000
    dag_id: str = "deferred_files"
    uploads: int = 1
    fault: dict[str, Any] = field(default_factory=dict)


# In a worker all of it is one process; a deferred task begins a new one for what comes after the wait.
IN_A_WORKER: dict[str, Any] = {"dag_id": "sync_files"}
IN_PARTS: dict[str, Any] = {"storage": a_bucket, "size": 18_000_000, **IN_A_WORKER}
MOVED: dict[str, Any] = {"storage": a_shelf, **IN_A_WORKER}
# How long to wait for a kill, and then for the end, in seconds: all of them run at the same time.
PATIENCE = 300.0
POINTS = [
    Point("upload: while the file goes out", "in the upload"),
    Point("upload: sent, before its record", "before the upload's record", uploads=2),
    Point("upload: recorded, before the intent", "after the upload's record"),
    Point("folder: in the middle of the video", "in a file", left=1),
    Point("folder, not deferrable: in the middle of the video", "in a file", left=1, **IN_A_WORKER),
    Point("folder: between the last byte and its place", "before the move", left=1),
    Point("folder: in its place, before what was aside is gone", "after the move", (VIDEO,), left=1),
    Point("folder: between video and manifest", "before the manifest", (VIDEO,)),
    Point("folder: in the middle of the manifest", "in the manifest", (VIDEO,), left=1),
    Point("folder: saved, before that is recorded", "before landed", BOTH),
    Point("delete: recorded as saved, before the delete", "before the delete", BOTH, **IN_A_WORKER),
    Point("delete: sent, before Wiro does it", kill_the_worker_that_deletes, BOTH, fault=LOST, **IN_A_WORKER),
    Point("delete: done, before the answer", kill_the_worker_that_deletes, BOTH, fault={**LOST, "after": True}),
    Point("delete: answered, before that is recorded", "after the delete", BOTH, **IN_A_WORKER),
    Point("S3: between two parts of the video", "between two parts", left=1, **IN_PARTS),
    Point("S3: between the last part and the end of the upload", "before the move", left=1, **IN_PARTS),
    Point("S3: between video and manifest", "before the manifest", (VIDEO,), **IN_PARTS),
    Point("moved by fsspec: in the middle of the video", "in a file", left=1, **MOVED),
    Point("moved by fsspec: between the last byte and the move", "before the move", left=1, **MOVED),
    Point("moved by fsspec: between move and manifest", "after the move", (VIDEO,), **MOVED),
    Point("moved by fsspec: in the middle of the manifest", "in the manifest", (VIDEO,), left=1, **MOVED),
]


@dataclass
class Killed:
    """A job whose worker is killed.

    :param there: the files that were saved then, by name; None until it is killed.
    """

    job: Job
    storage: Storage
    there: dict[str, bytes] | None = None


@pytest.fixture(scope="module")
def board(start: Starter) -> Board:
    return Board(start.airflow)


@pytest.fixture(scope="module")
def stories() -> Iterator[Stories]:
    stories = Stories()
    yield stories
    stories.close()


@pytest.fixture(scope="module")
def killed(
    request: pytest.FixtureRequest,
    start: Starter,
    board: Board,
    stories: Stories,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Killed]]:
    """All of them run and are killed at the same time; each test looks at its own."""
    names, root = chosen(request), tmp_path_factory.mktemp("storages")
    with contextlib.ExitStack() as storages:
        found = {}
        for point in [point for point in POINTS if point.name in names]:
            storage = storages.enter_context(point.storage(root))
            found[point.name] = Killed(submit(start, point, storage), storage)
            stories.start(point.name, partial(kill_and_look, point, found[point.name], board))
        yield found
        stories.wait()


def submit(start: Starter, point: Point, storage: Storage) -> Job:
    conn_id, wiro = start.open()
    wiro.outcome(output_bytes=point.size)
    if point.fault:
        wiro.script(**point.fault)
    conf = {} if callable(point.kill) else {"kill": point.kill}
    return start.run(point.dag_id, wiro, conn_id, **storage.conf, **conf)


def kill_and_look(point: Point, killed: Killed, board: Board) -> None:
    """See what is saved once the worker is dead, and before the next try begins."""
    job = killed.job
    if callable(point.kill):
        point.kill(job, board)
    else:
        job.until((job.reports / f"{job.run_id}.killed").exists, "the worker is killed", PATIENCE)
    killed.there = killed.storage.visible(job.remote().taskid) if job.wiro.runs else killed.storage.saved()


def check_whole(files: dict[str, bytes], video: bytes) -> None:
    """Whatever is there is whole; and where there is a manifest, it is right of each file."""
    assert files.get(VIDEO, video) == video
    if MANIFEST in files:
        told = {one["name"]: (one["size"], one["sha256"]) for one in json.loads(files[MANIFEST])["outputs"]}
        assert told == {VIDEO: (len(video), hashlib.sha256(video).hexdigest())}


@pytest.mark.parametrize("point", [pytest.param(point, id=point.name) for point in POINTS])
def test_a_worker_that_is_killed_leaves_whole_files_or_none_and_the_next_try_pays_nothing(
    point: Point, killed: dict[str, Killed], stories: Stories, board: Board, row: Row
) -> None:
    job, storage, video = killed[point.name].job, killed[point.name].storage, video_of(point.size)
    stories.end(point.name)
    there = killed[point.name].there
    assert there is not None
    check_whole(there, video)
    seen = board.wait(job, "success", timeout=PATIENCE)
    row.runs, row.state = len(job.wiro.runs), str(seen.state)
    row.remote = ", ".join(task.status for task in job.wiro.runs)
    row.outcome = f"saved when it was killed: {', '.join(sorted(there)) or 'nothing'}"
    if storage.unfinished():
        row.outcome += f"; stays: {storage.left_behind}"
    assert (tuple(sorted(there)), storage.unfinished()) == (point.there, point.left)
    check_paid_once(job, point, seen.try_number)
    saved = storage.visible(job.remote().taskid)
    assert sorted(saved) == sorted(BOTH)
    check_whole(saved, video)
    check_told(job, saved)
    check_deleted(job)


def check_paid_once(job: Job, point: Point, try_number: int) -> None:
    """One submission, and no more uploads than it needed."""
    assert try_number > 1
    assert [task.status for task in job.wiro.runs] == ["task_postprocess_end"]
    assert (job.wiro.count("Run"), job.wiro.count("Upload")) == (1, point.uploads)


def check_told(job: Job, saved: dict[str, bytes]) -> None:
    """XCom and manifest say the same, and of this source file."""
    manifest, [output] = json.loads(saved[MANIFEST]), job.xcom()["outputs"]
    [landed] = manifest["outputs"]
    assert (output["uri"], output["size"], output["sha256"]) == (landed["uri"], landed["size"], landed["sha256"])
    assert manifest["files"] == {"inputImageUrl": hashlib.sha256(SOURCE).hexdigest()}
    assert manifest["taskid"] == job.xcom("taskid") == job.remote().taskid


def check_deleted(job: Job) -> None:
    """Wiro has done the last delete, and no file of it was asked for afterwards."""
    calls = [(request.call, request.status, request.error) for request in job.wiro.requests]
    assert ("Delete", 200, None) in calls
    assert [call for call, *_ in calls[calls.index(("Delete", 200, None)) :] if call == "Output"] == []
