"""A task that waits is ended, or its processes are: what a person or a timeout ended is stopped, all else lives on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from emulator_client import Client

from airflow_harness.jobs import Job, Starter
from airflow_harness.real_airflow import airflow_version
from chaos_harness import acts, triggerers
from chaos_harness.acts import Act
from chaos_harness.board import Board
from chaos_harness.recorder import Row
from chaos_harness.stories import Stories, chosen

TABLE = "Kill table"
pytestmark = pytest.mark.timeout(600)

STOPPED = ("task_cancel",)
DONE = ("task_postprocess_end",)
RUNS_ON = ("task_start",)
UNTIL_SWEPT = "runs on until `python -m airflow_provider_wiro.sweep --stop`"
SWEPT = f"no triggerer hears of it: {UNTIL_SWEPT}"
OFTEN_MISSED = f"before Airflow 3.3 a triggerer that starts may miss it: {UNTIL_SWEPT}"
KILLED_TOO_SOON = f"Airflow 3 kills a worker 5 s after it told it to end: {UNTIL_SWEPT}"
MADE_ANEW = ("task_cancel", "task_postprocess_end")


@dataclass(frozen=True)
class Case:
    """One row.

    :param name: the row's name.
    :param dag_id: the DAG.
    :param act: what happens; it starts when the run does.
    :param state: the Airflow task's state at the end.
    :param remote: the statuses of the tasks at Wiro at the end, or several that are right.
    :param conf: of the run.
    :param fault: what goes wrong at Wiro: a call, a fault and its options.
    :param occupied: whether the account is at its limit when the run starts.
    :param quick: whether it runs with all other tests too.
    :param outcome: in words, where the row needs some.
    """

    name: str
    dag_id: str
    act: Act
    state: str
    remote: tuple[str, ...] | list[tuple[str, ...]]
    conf: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)
    occupied: bool = False
    quick: bool = False
    outcome: str = ""

    @property
    def right(self) -> list[tuple[str, ...]]:
        return self.remote if isinstance(self.remote, list) else [self.remote]


@dataclass(frozen=True)
class Scene:
    """The jobs that run, and what happens to them, by the names of the cases."""

    jobs: dict[str, Job]
    stories: Stories


@dataclass(frozen=True)
class Swept:
    """What the maintenance command has done.

    :param before: what was at Wiro when it had only looked, by the names of the cases.
    :param found: what it has printed then.
    :param stopped: what it has printed when it was told to stop what it finds.
    """

    before: dict[str, tuple[str, ...]]
    found: str
    stopped: str


def ended_by_somebody(mode: str) -> list[Case]:
    """What people and timeouts do, to a task that is deferred and to one that waits in a worker."""
    return [
        Case(f"{mode}: marked failed", mode, acts.mark("failed"), "failed", STOPPED, quick=mode == "deferred"),
        Case(f"{mode}: marked as a success", mode, acts.mark("success"), "success", STOPPED),
        Case(f"{mode}: marked as skipped", mode, acts.mark("skipped"), "skipped", STOPPED),
        Case(f"{mode}: its DAG run is marked failed", mode, acts.mark_run("failed"), "failed", STOPPED),
        Case(f"{mode}: its DAG run is marked as a success", mode, acts.mark_run("success"), "success", STOPPED),
        Case(f"{mode}: cleared", mode, acts.clear, "success", [MADE_ANEW, DONE]),
        Case(
            f"{mode}: dagrun_timeout",
            f"{mode}_dagrun_timeout",
            acts.change(acts.RUN_STARTED_LONG_AGO),
            "skipped",
            STOPPED,
        ),
        Case(f"{mode}: execution_timeout", f"{mode}_execution_timeout", acts.nothing, "failed", STOPPED),
        Case(
            f"{mode}: marked failed while the Run is on its way",
            mode,
            acts.mark_while_the_run_is_on_its_way,
            "failed",
            STOPPED,
            fault={"call": "Run", "fault": "slow", "seconds": 3.0},
            quick=mode == "sync",
        ),
    ]


ALONE = [
    *ended_by_somebody("deferred"),
    *ended_by_somebody("sync"),
    Case("deferred: its deferral timeout passes", "deferred", acts.change(acts.DEFERRAL_TIMEOUT), "failed", STOPPED),
    Case(
        "deferred: cleared, and stopped before the next try looks",
        # On a busy machine Airflow also takes a try for dead that has not even begun: one more comes then.
        "deferred_retries",
        acts.clear_and_stop_first,
        "success",
        MADE_ANEW,
        conf={"gate": True},
        quick=True,
    ),
    Case(
        "deferred: cleared, and the next try attaches before the stop lands",
        "deferred_retries",
        acts.clear_and_attach_first,
        "success",
        MADE_ANEW,
        conf={"gate": True},
        quick=True,
    ),
    Case(
        "deferred: the trigger is given to another triggerer",
        "deferred",
        acts.give_to_the_other_triggerer,
        "success",
        DONE,
    ),
    Case(
        "sync: marked failed while a Run is on its way that takes 12 s",
        "sync",
        acts.mark_while_the_run_is_on_its_way,
        "failed",
        RUNS_ON if airflow_version() >= (3, 0) else STOPPED,
        fault={"call": "Run", "fault": "slow", "seconds": 12.0},
        outcome=KILLED_TOO_SOON if airflow_version() >= (3, 0) else "",
    ),
    Case(
        "sync: SIGTERM to its supervisor",
        "sync_retries",
        acts.terminate_the_supervisor,
        "success",
        DONE,
        outcome="the LocalExecutor of Airflow 3.1 ignores it" if airflow_version() == (3, 1) else "",
    ),
]

WAITING_FOR_A_PLACE = [
    Case(
        f"{mode}: marked failed while it waits for a place at Wiro (code 96)",
        mode,
        acts.mark_while_wiro_is_full,
        "failed",
        (),
        occupied=True,
    )
    for mode in ("deferred", "sync")
] + [
    Case(
        "deferred: it waits for a place at Wiro (code 96), and gets it",
        "deferred",
        acts.make_a_place,
        "success",
        DONE,
        occupied=True,
    ),
]
ALONE += WAITING_FOR_A_PLACE

FROZEN = Case(
    "deferred: its triggerer freezes, another one takes over, it wakes",
    "deferred",
    acts.until_it_waits,
    "success",
    DONE,
    quick=True,
)
TERMINATED = Case("deferred: SIGTERM to its triggerer", "deferred", acts.until_it_waits, "success", DONE)
SURVIVOR = Case("deferred: SIGKILL to its triggerer", "deferred", acts.until_it_waits, "success", DONE)
ORPHAN = Case(
    "deferred: SIGKILL to its triggerer, and marked failed a second later",
    "deferred",
    acts.until_it_waits,
    "failed",
    RUNS_ON,
    outcome=SWEPT,
)
NONE_RUNS = Case(
    "deferred: marked failed while no triggerer runs",
    "deferred",
    acts.until_it_waits,
    "failed",
    STOPPED if airflow_version() >= (3, 3) else [RUNS_ON, STOPPED],
    outcome="" if airflow_version() >= (3, 3) else OFTEN_MISSED,
)
RAISES = Case("deferred: its trigger raises", "deferred", acts.until_it_waits, "success", DONE)
UNKNOWN_CLASS = Case("deferred: its trigger cannot be loaded", "deferred", acts.until_it_waits, "success", DONE)
QUEUED = [
    Case(
        f"deferred: cleared, and stopped while the next try is queued, {how} a journal",
        dag_id,
        acts.until_it_waits,
        "success",
        MADE_ANEW,
        quick=True,
    )
    for how, dag_id in (("with", "deferred"), ("without", "deferred_no_journal"))
]
LOST = [FROZEN, TERMINATED, SURVIVOR, ORPHAN, NONE_RUNS, RAISES, UNKNOWN_CLASS, *QUEUED]
SPOILED = {
    "stub_triggers.RaisingTrigger": RAISES,
    "airflow_provider_wiro.triggers.wiro.NoSuchTrigger": UNKNOWN_CLASS,
}
LEFT_RUNNING = [case for case in ALONE + LOST if RUNS_ON in case.right]


def rows(cases: list[Case]) -> Any:
    marks = {True: [], False: [pytest.mark.slow]}
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.name, marks=marks[case.quick]) for case in cases]
    )


@pytest.fixture(scope="module")
def board(start: Starter) -> Board:
    return Board(start.airflow)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    scene = Scene({}, Stories())
    yield scene
    scene.stories.close()


@pytest.fixture(scope="module")
def alone(request: pytest.FixtureRequest, scene: Scene, start: Starter, board: Board) -> Scene:
    """Something happens to each job by itself, to all at the same time; each test looks at one."""
    begin([case for case in ALONE if case.name in chosen(request)], scene, start, board)
    return scene


def begin(cases: list[Case], scene: Scene, start: Starter, board: Board) -> None:
    for case in cases:
        job = scene.jobs[case.name] = submit(start, case)
        scene.stories.start(case.name, partial(case.act, job, board))


def submit(start: Starter, case: Case) -> Job:
    conn_id, wiro = start.open(concurrency=1 if case.occupied else None)
    if case.occupied:
        wiro.outcome(hold=True)
        login, password = wiro.connection["login"], wiro.connection["password"]
        with Client(wiro.url, login, password) as client:
            client.run()
    else:
        wiro.outcome(hold=True)
    if case.fault:
        wiro.script(**case.fault)
    return start.run(case.dag_id, wiro, conn_id, **case.conf)


@pytest.fixture(scope="module")
def lost(request: pytest.FixtureRequest, alone: Scene, start: Starter, board: Board) -> Scene:
    """What happens to triggerers, once nothing else needs them."""
    begin([case for case in LOST if case.name in chosen(request)], alone, start, board)
    alone.stories.wait()
    frozen, terminated, survivor, orphan, ended = (alone.jobs.get(case.name) for case in LOST[:5])
    spoiled = {path: alone.jobs[case.name] for path, case in SPOILED.items() if case.name in alone.jobs}
    if queued := [alone.jobs[case.name] for case in QUEUED if case.name in alone.jobs]:
        triggerers.clear_and_hold_in_the_queue(queued, board)
    if frozen:
        triggerers.freeze_and_wake(frozen, board)
    if terminated:
        triggerers.terminate(terminated, board)
    if survivor or orphan:
        # The triggerer that has been terminated has started anew, and has none of the old jobs.
        triggerers.kill_the_owner(survivor, orphan, board)
    if ended or spoiled:
        triggerers.while_none_runs(ended, spoiled, board)
    for job in (frozen, terminated, survivor, *spoiled.values()):
        if job:
            job.release()
    return alone


@pytest.fixture(scope="module")
def swept(lost: Scene, start: Starter) -> Swept:
    """What the maintenance command says, first without and then with leave to stop what it finds."""
    _, found = start.airflow.python("-m", "airflow_provider_wiro.sweep")
    before = {name: statuses(job) for name, job in lost.jobs.items()}
    _, stopped = start.airflow.python("-m", "airflow_provider_wiro.sweep", "--stop")
    return Swept(before, found, stopped)


@rows([case for case in ALONE if case not in LEFT_RUNNING])
def test_what_a_person_or_a_timeout_ended_is_stopped_and_all_else_lives_on(
    case: Case, alone: Scene, board: Board, row: Row
) -> None:
    alone.stories.end(case.name)
    check(case, alone.jobs[case.name], board, row)


@rows([case for case in LOST if case not in LEFT_RUNNING])
def test_a_task_that_waits_outlives_its_triggerer(case: Case, lost: Scene, board: Board, row: Row) -> None:
    check(case, lost.jobs[case.name], board, row)


@rows(LEFT_RUNNING)
def test_what_nobody_has_stopped_is_stopped_by_the_maintenance_command(
    case: Case, lost: Scene, swept: Swept, board: Board, row: Row
) -> None:
    job = lost.jobs[case.name]
    lost.stories.end(case.name)
    row.runs, row.state, row.outcome = len(job.wiro.runs), str(board.wait(job, case.state).state), case.outcome
    before = swept.before[case.name]
    row.remote = ", then ".join(dict.fromkeys([told(before), told(statuses(job))]))
    assert before in case.right
    assert statuses(job) == STOPPED
    if before == STOPPED:
        return
    for printed, said in ((swept.found, "would stop"), (swept.stopped, "stopped")):
        about = [line for line in printed.splitlines() if f" run_id={job.run_id} " in line]
        assert [line.split(":")[0] for line in about] == [said], printed


def statuses(job: Job, first: int = 0) -> tuple[str, ...]:
    return tuple(task.status for task in job.wiro.runs[first:])


def told(seen: tuple[str, ...]) -> str:
    return ", ".join(seen) or "nothing was sent"


def check(case: Case, job: Job, board: Board, row: Row) -> None:
    """The Airflow task's end, and what is left at Wiro."""
    others = int(case.occupied)
    row.outcome = case.outcome
    try:
        board.wait(job, case.state)
        job.until(lambda: statuses(job, others) in case.right, f"the tasks at Wiro are {case.right}", timeout=40)
    finally:
        seen = statuses(job, others)
        row.state, row.runs, row.remote = str(board.look(job).state), len(seen), told(seen)
    assert job.wiro.peak_active == 1
    if case.state == "success" and seen[-1:] == DONE:
        assert job.xcom()["taskid"] == job.remote(-1).taskid
