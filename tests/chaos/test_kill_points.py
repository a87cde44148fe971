"""A worker is killed at every point of a Run's life, and the generation is paid for once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from airflow_harness.jobs import Job, Starter
from airflow_harness.real_airflow import airflow_version
from chaos_harness.board import NOT_MAPPED, Board
from chaos_harness.killing import (
    kill_the_scheduler,
    kill_the_waiting_worker,
    kill_the_worker,
    kill_the_worker_and_its_supervisor,
)
from chaos_harness.recorder import Row
from chaos_harness.stories import Stories, chosen

TABLE = "Kill points"
pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(airflow_version() == (3, 0), reason="Airflow 3.0 tries no task again that a signal has killed"),
]

HOLD = {"hold": True}
EMPTY = {"parameters": "empty", "times": -1}
SIBLINGS = "siblings"
# The same DAGs without the first word, where Wiro never lists its tasks.
BLIND, BLIND_SUBMITS = "blind deferred_retries_twice", "blind deferred_submits"


@dataclass(frozen=True)
class Point:
    """Where a SIGKILL strikes the first try.

    :param name: the row's name.
    :param kill: the point in the task's own process, a key of `kill_points.POINTS`; or how the test kills it.
    :param dag_id: the DAG.
    :param unanswered: Wiro accepts the first Run and does not answer.
    :param outcome: how the emulated tasks go.
    :param quick: whether it runs with all other tests too.
    """

    name: str
    kill: str | Callable[[Job, Board], None]
    dag_id: str = "deferred_retries"
    unanswered: bool = False
    outcome: dict[str, Any] = field(default_factory=dict)
    quick: bool = False


PAID_ONCE = [
    Point("before the intent", "before the intent"),
    Point("between intent and send", "after the intent"),
    Point("Task/List fails: between intent and send, told to submit then", "after the intent", BLIND_SUBMITS),
    Point("after Wiro accepted, before the answer", kill_the_worker, unanswered=True, quick=True),
    Point("the same, its supervisor too", kill_the_worker_and_its_supervisor, unanswered=True),
    Point("after the answer, before the record", "after the answer", quick=True),
    Point("after the record, before XCom", "after the record", quick=True),
    Point("during defer", "during defer"),
    Point("while deferred: the scheduler with its workers", kill_the_scheduler, outcome=HOLD),
    Point("after the event, before execute_complete", "after the event", outcome={"duration": 8.0}),
    Point("not deferrable: after the answer, before the record", "after the answer", "sync_retries"),
    Point("not deferrable: while it waits", kill_the_waiting_worker, "sync_retries", outcome=HOLD),
]
NOT_SENT = [
    Point("Task/List fails: between intent and send", "after the intent", BLIND),
]
NOT_KNOWN = [
    Point("Task/List fails: after Wiro accepted, before the answer", kill_the_worker, BLIND, unanswered=True),
    Point("Task/List fails: after the answer, before the record", "after the answer", BLIND, quick=True),
    Point("empty parameters: after the answer", "after the answer", "deferred_retries_twice", outcome=EMPTY),
    Point("identical mapped siblings, empty parameters: after the answer", "after the answer", SIBLINGS, outcome=EMPTY),
]
IN_A_FOLDER = Point(
    "two identical mapped siblings, journal in a folder: after the answer", "after the answer", SIBLINGS
)
if airflow_version() >= (3, 3):
    in_the_state_store = "identical mapped siblings, records in the task state store: after the answer"
    NOT_KNOWN += [Point(in_the_state_store, "after the answer", SIBLINGS, quick=True)]


def rows(points: list[Point]) -> Any:
    slow = [pytest.mark.slow]
    return pytest.mark.parametrize(
        "point", [pytest.param(point, id=point.name, marks=[] if point.quick else slow) for point in points]
    )


@pytest.fixture(scope="module")
def board(start: Starter) -> Board:
    return Board(start.airflow)


@pytest.fixture(scope="module")
def jobs(request: pytest.FixtureRequest, start: Starter, board: Board) -> Iterator[dict[str, Job]]:
    """All of them run and are killed at the same time; each test looks at its own."""
    names = chosen(request)
    points = [point for point in [*PAID_ONCE, *NOT_SENT, *NOT_KNOWN, IN_A_FOLDER] if point.name in names]
    # The scheduler takes everything with it that runs, so it is killed before anything else does.
    points.sort(key=lambda point: point.kill is not kill_the_scheduler)
    jobs: dict[str, Job] = {}
    stories = Stories()
    for point in points:
        job = jobs[point.name] = submit(start, point)
        if point.kill is kill_the_scheduler:
            kill_the_scheduler(job, board)
        elif callable(point.kill):
            stories.start(point.name, partial(point.kill, job, board))
    yield jobs
    stories.close()


def submit(start: Starter, point: Point) -> Job:
    conn_id, wiro = start.open()
    if point.outcome:
        wiro.outcome(**point.outcome)
    blind, _, dag_id = point.dag_id.rpartition(" ")
    if blind:
        wiro.script("List", "5xx", times=-1)
    if point.unanswered:
        wiro.script("Run", "hang", after=True)
    if callable(point.kill):
        return start.run(dag_id, wiro, conn_id)
    folder = {"AIRFLOW__WIRO__JOURNAL_PATH": (start.airflow.home / "journal").as_uri()}
    environment = folder if point is IN_A_FOLDER else {}
    index = 0 if dag_id == SIBLINGS else NOT_MAPPED
    return start.run(dag_id, wiro, conn_id, kill=point.kill, kill_index=index, environment=environment)


def fill(row: Row, job: Job, state: str | None) -> None:
    row.runs = len(job.wiro.runs)
    row.state = str(state)
    row.remote = ", ".join(task.status for task in job.wiro.runs) or "nothing was sent"


def was_killed(job: Job, point: Point) -> bool:
    return callable(point.kill) or (job.reports / f"{job.run_id}.killed").exists()


@rows(PAID_ONCE)
def test_a_task_whose_worker_is_killed_delivers_and_has_paid_once(
    point: Point, jobs: dict[str, Job], board: Board, row: Row
) -> None:
    job = jobs[point.name]
    seen = board.wait(job, "success")
    fill(row, job, seen.state)
    assert was_killed(job, point)
    assert [task.status for task in job.wiro.runs] == ["task_postprocess_end"]
    assert seen.try_number == (1 if point.kill is kill_the_scheduler else 2)
    result = job.xcom()
    assert result["taskid"] == job.xcom("taskid") == job.remote().taskid
    urls = [output["url"] for output in job.remote().outputs]
    assert [output["url"] for output in result["outputs"]] == job.xcom("output_urls") == urls


@rows([IN_A_FOLDER])
def test_a_mapped_task_is_told_from_its_siblings_by_their_records(
    point: Point, jobs: dict[str, Job], board: Board, row: Row
) -> None:
    job = jobs[point.name]
    for index in (0, 1):
        board.wait(job, "success", map_index=index)
    fill(row, job, "success")
    row.runs = "2, one for each sibling"
    assert was_killed(job, point)
    assert board.look(job, 0).try_number == 2
    assert {job.xcom("taskid", index) for index in (0, 1)} == {task.taskid for task in job.wiro.runs}
    assert job.wiro.count("Run") == len(job.wiro.runs) == 2


@rows(NOT_SENT)
def test_a_run_that_may_have_been_sent_is_left_to_a_person(
    point: Point, jobs: dict[str, Job], board: Board, row: Row
) -> None:
    job = jobs[point.name]
    ends_with_a_clear_error(job, board, row)
    row.outcome = "an error tells a person what to look for"
    assert was_killed(job, point)
    assert job.wiro.count("Run") == 0


@rows(NOT_KNOWN)
def test_where_nobody_can_tell_what_became_of_a_run_no_second_one_is_sent(
    point: Point, jobs: dict[str, Job], board: Board, row: Row
) -> None:
    job = jobs[point.name]
    index = 0 if point.dag_id == SIBLINGS else NOT_MAPPED
    ends_with_a_clear_error(job, board, row, index)
    row.outcome = "an error tells a person what to look for"
    if point.dag_id == SIBLINGS:
        board.wait(job, "success", map_index=1)
        row.runs, row.outcome = "2, one for each sibling", f"{row.outcome}; the sibling succeeds"
    assert was_killed(job, point)
    assert job.wiro.count("Run") == len(job.wiro.runs) == (2 if point.dag_id == SIBLINGS else 1)


def ends_with_a_clear_error(job: Job, board: Board, row: Row, map_index: int = NOT_MAPPED) -> None:
    """The second try of three fails, and there is no third."""
    seen = board.wait(job, "failed", map_index=map_index)
    fill(row, job, seen.state)
    assert seen.try_number == 2
    assert {"WiroSubmissionUnknown", "AirflowFailException"} <= set(job.report["classes"])
    message = job.report["message"]
    for clue in ("dashboard", "durable=False", "on_unknown_submission", "image-to-video-gen4-turbo"):
        assert clue in message, message
