"""What goes wrong around a task costs no second generation, and nobody else's task is taken or stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from airflow_harness.jobs import Job, Starter
from airflow_harness.real_airflow import airflow_version
from chaos_harness import acts, hazards, triggerers
from chaos_harness.acts import Act
from chaos_harness.board import Board
from chaos_harness.recorder import Row
from chaos_harness.stories import Stories, chosen

TABLE = "Hazards"
pytestmark = pytest.mark.timeout(600)

NOTHING = ()
STOPPED = ("task_cancel",)
DONE = ("task_postprocess_end",)
MADE_ANEW = ("task_cancel", "task_postprocess_end")
LOST = {"call": "Run", "fault": "hang", "seconds": 4.0}
LOST_BUT_ACCEPTED = {**LOST, "after": True}
EMPTY_LIST = {"call": "Kill", "fault": "json", "body": {"result": True, "errors": [], "tasklist": []}}
LEFT_ALONE = "an error tells a person what to look for; the stranger's task is left alone"


@dataclass(frozen=True)
class Case:
    """One row.

    :param name: the row's name.
    :param dag_id: the DAG.
    :param act: what happens; it starts when the run does.
    :param state: the Airflow task's state at the end.
    :param remote: the statuses of its own tasks at Wiro at the end.
    :param tries: the try that brings the end, the last of those that are right.
    :param earlier: whether it may be the one before.
    :param conf: of the run.
    :param fault: what goes wrong at Wiro: a call, a fault and its options.
    :param skew: seconds by which Wiro's clock is ahead.
    :param strangers: how many tasks of others there are at the end, which must still run.
    :param outcomes: how the tasks at Wiro go, one after the other.
    :param since: the oldest Airflow that has what happens here.
    :param outcome: in words, where the row needs some.
    """

    name: str
    dag_id: str
    act: Act
    state: str
    remote: tuple[str, ...]
    tries: int = 1
    earlier: bool = False
    conf: dict[str, Any] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)
    skew: float = 0.0
    strangers: int = 0
    outcomes: tuple[dict[str, Any], ...] = ({"hold": True, "times": -1},)
    since: tuple[int, int] = (2, 11)
    outcome: str = ""


RETRIED = Case(
    "deferred: the generation fails at Wiro, with retries left",
    "deferred_retries_twice",
    acts.nothing,
    "success",
    ("task_postprocess_end", "task_postprocess_end"),
    tries=2,
    outcomes=({"pexit": "1"}, {}),
    outcome="the first brought nothing and was not charged",
)
WOKEN = {"freeze": "before the record"}
ALONE = [
    RETRIED,
    Case(
        "the submission never arrives, and a stranger's task has the same inputs and one more",
        "sync_plain",
        hazards.a_stranger_with_more,
        "failed",
        NOTHING,
        fault=LOST,
        strangers=1,
        outcome=LEFT_ALONE,
    ),
    Case(
        "the answer is lost, and a stranger's task has the same inputs and one more",
        "sync_plain",
        hazards.a_stranger_with_more_beside_ours,
        "success",
        DONE,
        fault=LOST_BUT_ACCEPTED,
        strangers=1,
        outcome="its own is found; the stranger's is left alone",
    ),
    Case(
        "the submission never arrives, and a stranger submitted the same some seconds before",
        "deferred_retries_twice",
        hazards.a_stranger_before,
        "failed",
        NOTHING,
        conf={"pause": 3.0},
        strangers=1,
        outcome=LEFT_ALONE,
    ),
    Case(
        "the same, and Wiro's clock is a minute ahead",
        "deferred_retries_twice",
        hazards.a_stranger_before,
        "failed",
        NOTHING,
        conf={"pause": 3.0},
        skew=60.0,
        strangers=1,
        outcome=LEFT_ALONE,
    ),
    Case(
        "sync: a worker stands still before it writes the taskid down, and wakes when the next try waits for the task",
        "sync_retries",
        hazards.wake_after_the_next_try_has_attached,
        "success",
        DONE,
        tries=2,
        conf=WOKEN,
    ),
    Case(
        "deferred: the same",
        "deferred_retries",
        hazards.wake_after_the_next_try_has_attached,
        "success",
        DONE,
        tries=2,
        earlier=airflow_version() < (3, 0),
        conf=WOKEN,
        outcome="Airflow 2 lets both tries defer" if airflow_version() < (3, 0) else "",
    ),
    Case(
        "sync: SIGTERM to a worker whose journal could not take the taskid",
        "sync_retries",
        hazards.terminate_without_a_record,
        "success",
        MADE_ANEW,
        tries=2,
        conf={"full_disk": True},
        outcomes=({"hold": True}, {}),
        outcome="the next try could not have found it",
    ),
    *[
        Case(
            f"{mode}: marked failed, and Wiro answers the Kill with success and an empty list, and stops nothing",
            mode,
            acts.mark("failed"),
            "failed",
            STOPPED,
            fault=EMPTY_LIST,
            outcome="the Kill is sent again",
        )
        for mode in ("deferred", "sync")
    ],
]
NOT_MOUNTED = Case(
    "the journal's folder is not mounted, with [wiro] require_marker; it is mounted before the next try",
    "deferred_retries",
    acts.nothing,
    "success",
    DONE,
    tries=2,
    outcomes=({},),
)
KILLED_ELSEWHERE = Case(
    "sync: its worker dies, and the connection has another host; then it is set back",
    "sync_retries",
    acts.nothing,
    "success",
    DONE,
    tries=2,
    outcome="the other service was sent nothing",
)
ELSEWHERE = Case(
    "deferred: its triggerer dies, and the connection has another host; then it is set back",
    "deferred",
    acts.until_it_waits,
    "success",
    DONE,
    outcome="the other service was sent nothing",
)
BROKEN = Case(
    "deferred: its trigger cannot be loaded, and an input renders differently each time",
    "deferred_renders",
    acts.until_it_waits,
    "success",
    DONE,
)
TRIGGERERS = [ELSEWHERE, BROKEN]
AWAY = Case(
    "sync: the API server is away until the worker is told to end, and another try comes",
    "sync_retries_later",
    acts.until_it_waits,
    "success",
    DONE,
    tries=2,
    since=(3, 0),
    outcome="the next try goes on with it",
)
AWAY_FOR_GOOD = Case(
    "sync: the API server is away until the worker is told to end, and no other try comes",
    "sync",
    acts.until_it_waits,
    "failed",
    STOPPED,
    since=(3, 0),
)
OUTAGE = [AWAY, AWAY_FOR_GOOD]
ALL = [*ALONE, NOT_MOUNTED, KILLED_ELSEWHERE, *TRIGGERERS, *OUTAGE]


@dataclass(frozen=True)
class Scene:
    """The jobs that run, and what happens to them, by the names of the cases."""

    jobs: dict[str, Job]
    stories: Stories


def rows(cases: list[Case]) -> Any:
    """Those that this Airflow runs: 3.0 only the one in which it differs from the others."""
    version = airflow_version()
    known = [case for case in cases if case.since <= version and (version != (3, 0) or case is RETRIED)]
    return pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in known])


@pytest.fixture(scope="module")
def board(start: Starter) -> Board:
    return Board(start.airflow)


@pytest.fixture(scope="module")
def alone(
    request: pytest.FixtureRequest, start: Starter, board: Board, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Something happens to each job by itself, to all at the same time; each test looks at one."""
    scene, folder = Scene({}, Stories()), tmp_path_factory.mktemp("not-mounted")
    unmounted = {"AIRFLOW__WIRO__JOURNAL_PATH": folder.as_uri(), "AIRFLOW__WIRO__REQUIRE_MARKER": "True"}
    stories: dict[str, Act] = {
        NOT_MOUNTED.name: partial(hazards.mount, folder),
        KILLED_ELSEWHERE.name: partial(hazards.kill_and_lead_elsewhere, start),
    }
    for case in [case for case in ALL if case.name in chosen(request) and case not in OUTAGE]:
        conf = {"environment": unmounted} if case is NOT_MOUNTED else case.conf
        begin(case, scene, start, board, stories.get(case.name, case.act), conf)
    yield scene
    scene.stories.close()


def begin(case: Case, scene: Scene, start: Starter, board: Board, act: Act, conf: dict[str, Any]) -> None:
    conn_id, wiro = start.open()
    for outcome in case.outcomes:
        wiro.outcome(**outcome)
    wiro.skew(case.skew)
    if case.fault:
        wiro.script(**case.fault)
    job = scene.jobs[case.name] = start.run(case.dag_id, wiro, conn_id, **conf)
    scene.stories.start(case.name, partial(act, job, board))


@pytest.fixture(scope="module")
def handed_over(alone: Scene, start: Starter, board: Board) -> Scene:
    """What happens while no triggerer runs, once nothing else needs one."""
    alone.stories.wait()
    elsewhere, broken = (alone.jobs.get(case.name) for case in TRIGGERERS)
    other = hazards.lead_elsewhere(elsewhere, start) if elsewhere else None
    spoiled = {"airflow_provider_wiro.triggers.wiro.NoSuchTrigger": broken} if broken else {}
    if elsewhere or spoiled:
        triggerers.while_none_runs(None, spoiled, board)
    if broken:
        broken.release()
    if elsewhere and other:
        alone.stories.start(ELSEWHERE.name, partial(hazards.lead_back, elsewhere, other))
    return alone


@pytest.fixture(scope="module")
def outage(request: pytest.FixtureRequest, handed_over: Scene, start: Starter, board: Board) -> Scene:
    """The API server is away, once nothing else needs it."""
    handed_over.stories.wait()
    cases = [case for case in OUTAGE if case.name in chosen(request)]
    for case in cases:
        begin(case, handed_over, start, board, case.act, case.conf)
    hazards.take_the_api_server_away([handed_over.jobs[case.name] for case in cases], board)
    if AWAY in cases:
        go_on = partial(hazards.go_on_after_the_outage, handed_over.jobs[AWAY.name], board)
        handed_over.stories.start(AWAY.name, go_on)
    return handed_over


@pytest.mark.slow
@rows([*ALONE, NOT_MOUNTED, KILLED_ELSEWHERE])
def test_each_task_is_told_from_all_others(case: Case, alone: Scene, board: Board, row: Row) -> None:
    check(case, alone, board, row)


@pytest.mark.slow
@rows(TRIGGERERS)
def test_what_waits_in_a_triggerer_is_found_again(case: Case, handed_over: Scene, board: Board, row: Row) -> None:
    check(case, handed_over, board, row)


@pytest.mark.slow
@rows(OUTAGE)
def test_an_airflow_that_is_away_costs_nothing(case: Case, outage: Scene, board: Board, row: Row) -> None:
    check(case, outage, board, row)


def check(case: Case, scene: Scene, board: Board, row: Row) -> None:
    """The Airflow task's end, and what is left at Wiro, of itself and of strangers."""
    job = scene.jobs[case.name]
    row.outcome = case.outcome
    try:
        scene.stories.end(case.name)
        seen = board.wait(job, case.state, try_number=case.tries - case.earlier)
        job.until(lambda: own(job) == case.remote, f"its tasks at Wiro are {case.remote}", timeout=40)
    finally:
        row.state, row.runs = str(board.look(job).state), len(own(job))
        row.remote = ", ".join(own(job)) or "nothing was accepted"
    assert strangers(job) == ["task_start"] * case.strangers
    assert job.wiro.peak_active == 1 + (case.strangers if case.remote else 0)
    assert seen.try_number in range(case.tries - case.earlier, case.tries + 1)
    if case.state == "success":
        assert job.xcom()["taskid"] == job.xcom("taskid") == mine(job)[-1].taskid
    if case.outcome == LEFT_ALONE:
        assert "WiroSubmissionUnknown" in job.report["classes"]


def mine(job: Job) -> list[Any]:
    return [task for task in job.wiro.runs if not is_a_strangers(task)]


def own(job: Job) -> tuple[str, ...]:
    return tuple(task.status for task in mine(job))


def strangers(job: Job) -> list[str]:
    return [task.status for task in job.wiro.runs if is_a_strangers(task)]


def is_a_strangers(task: Any) -> bool:
    return bool(task.inputs.get("projectid") == hazards.STRANGER["projectid"])
