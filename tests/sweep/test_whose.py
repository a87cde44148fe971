"""The sweep tells whose a Wiro task is: this one's, somebody else's, or another deployment's."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.work import digests, loose_digests
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import file_name
from airflow_provider_wiro.sweep import sweep
from doubles import statuses
from sweeping import IN_THE_FOLDER, INPUTS, OLD_PATHS, Deployment, Swept, lose

pytestmark = OLD_PATHS

Owner = Callable[[Deployment], object]


def intent_of_another(deployment: Deployment, state: str | None, **fields: Any) -> None:
    """Give a task instance a state, and a Run that was accepted and is not written down yet."""
    WiroHook().run("owner/any-model", {"prompt": "A kite 0"})
    deployment.set_state(0, state)
    deployment.write(deployment.record(0, inputs=INPUTS, **fields))


def foreign(record: Record) -> Record:
    return replace(record, identity=Identity("of_another_one", "scheduled__1", "video", -1))


def test_a_lost_run_that_is_found_is_stopped(deployment: Deployment, swept: Swept) -> None:
    WiroHook().run("owner/any-model", {"prompt": "A kite 0"})
    lose(deployment)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_cancel"])
    assert "task_id=lost map_index=-1 state=gone taskid=" in said


def lose_one_of_two(deployment: Deployment) -> Record:
    """Lose the answer to one of two submissions of the same inputs; nobody knows which."""
    for _ in range(2):
        WiroHook().run("owner/any-model", {"prompt": "A kite 0"})
    return lose(deployment)


def test_a_submission_whose_outcome_nobody_knows_is_shown_and_never_stopped(
    deployment: Deployment, swept: Swept
) -> None:
    lose_one_of_two(deployment)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_start"] * 2)
    assert said.startswith("UNKNOWN: ")
    assert "2 tasks of that time have the same inputs" in said
    assert "look in the Wiro dashboard" in said


def test_a_lost_one_is_found_by_elimination_and_stopped(deployment: Deployment, swept: Swept) -> None:
    deployment.runs_on(0, "running", inputs=INPUTS)
    WiroHook().run("owner/any-model", {"prompt": "A kite 0"})
    lose(deployment)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_start", "task_cancel"]), said


SUBMITTED_BY_HAND: list[tuple[str, dict[str, object]]] = [
    ("owner/any-model", {"prompt": "A kite 0", "ratio": "720:1280"}),
    ("owner/another-model", {"prompt": "A kite 0"}),
]


@pytest.mark.parametrize(("model", "inputs"), SUBMITTED_BY_HAND, ids=str)
def test_what_somebody_has_submitted_by_hand_is_not_stopped(
    deployment: Deployment, swept: Swept, model: str, inputs: dict[str, object]
) -> None:
    WiroHook().run(model, inputs)
    lose(deployment)
    swept("--stop")
    assert statuses(deployment.wiro) == ["task_start"]


RECORDED: dict[str, Owner] = {
    "it waits": lambda deployment: deployment.runs_on(0, "running", inputs=INPUTS),
    "its task is to outlive it": lambda deployment: deployment.runs_on(
        0, "success", inputs=INPUTS, stop_when_ended=False
    ),
}


@pytest.mark.parametrize("owner", RECORDED.values(), ids=RECORDED)
def test_what_stands_in_the_record_of_another_is_not_that_of_a_lost_submission(
    deployment: Deployment, swept: Swept, owner: Owner
) -> None:
    owner(deployment)
    lose(deployment)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_start"])
    assert "1 not accepted by Wiro" in said


OWNERS: dict[str, Owner] = {
    "it has not written down the answer yet": lambda deployment: intent_of_another(deployment, "running"),
    "it is to be tried again": lambda deployment: intent_of_another(deployment, "up_for_retry"),
    "its lost task is to outlive it": lambda deployment: intent_of_another(
        deployment, "success", stop_when_ended=False
    ),
}


@pytest.mark.parametrize("owner", OWNERS.values(), ids=OWNERS)
def test_what_another_task_instance_may_own_is_not_stopped_for_a_lost_submission(
    deployment: Deployment, swept: Swept, owner: Owner
) -> None:
    owner(deployment)
    lose(deployment)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_start"])
    assert "UNKNOWN: " in said
    assert f"may belong to {deployment.dag_id}, {deployment.run_id}, video, 0" in said


def test_an_owner_that_is_older_than_hours_still_owns_its_task(deployment: Deployment, swept: Swept) -> None:
    record = deployment.runs_on(0, "running", inputs=INPUTS)
    deployment.write(replace(record, at=time.time() - 120, submitted_at=time.time() - 120))
    lose(deployment)
    assert "1 not accepted by Wiro" in swept("--stop", "--hours", str(110 / 3600))[1]
    assert statuses(deployment.wiro) == ["task_start"]


@pytest.fixture
def submitted_meanwhile(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another task instance submits the same inputs while the sweep searches."""
    search = sweep.find

    def submit_and_search(*arguments: Any, **options: Any) -> Any:
        deployment.runs_on(0, "running", inputs=INPUTS)
        return search(*arguments, **options)

    monkeypatch.setattr(sweep, "find", submit_and_search)


@pytest.mark.usefixtures("submitted_meanwhile")
def test_an_owner_that_submits_while_the_sweep_searches_is_seen(deployment: Deployment, swept: Swept) -> None:
    lose(deployment)
    assert "1 not accepted by Wiro" in swept("--stop")[1]
    assert statuses(deployment.wiro) == ["task_start"]


@IN_THE_FOLDER
@pytest.mark.usefixtures("submitted_meanwhile")
def test_it_is_seen_where_the_storage_remembers_what_it_has_listed(
    deployment: Deployment, swept: Swept, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: dict[str, Any] = {}
    find = LocalFileSystem.find

    def find_once(fs: LocalFileSystem, path: str, **options: Any) -> Any:
        return listed[path] if path in listed else listed.setdefault(path, find(fs, path, **options))

    monkeypatch.setattr(LocalFileSystem, "find", find_once)
    monkeypatch.setattr(LocalFileSystem, "invalidate_cache", lambda fs, path=None: listed.clear())
    lose(deployment)
    assert "1 not accepted by Wiro" in swept("--stop")[1]
    assert statuses(deployment.wiro) == ["task_start"]


def test_an_unreadable_journal_may_be_the_owners(deployment: Deployment, swept: Swept) -> None:
    WiroHook().run("owner/any-model", {"prompt": "A kite 0"})
    deployment.write_text(deployment.record(0).identity, '{"version": 99}')
    lose(deployment)
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_start"])
    assert "a task whose record cannot be read" in said


def test_neither_wants_what_two_lost_runs_may_own(deployment: Deployment, swept: Swept) -> None:
    intent_of_another(deployment, "failed")
    lose(deployment)
    swept("--stop")
    assert statuses(deployment.wiro) == ["task_cancel"]


def test_a_wanted_run_of_other_inputs_owns_nothing_of_a_lost_one(deployment: Deployment, swept: Swept) -> None:
    WiroHook().run("owner/any-model", {"prompt": "A kite 0"})
    deployment.set_state(1, "running")
    boat = {"prompt": "A boat"}
    deployment.write(deployment.record(1, inputs=digests(boat), loose=loose_digests(boat)))
    lose(deployment)
    assert swept("--stop")[0] == 0
    assert statuses(deployment.wiro) == ["task_cancel"]


def test_the_line_of_an_unknown_run_says_which_record_to_delete(deployment: Deployment, swept: Swept) -> None:
    record = lose_one_of_two(deployment)
    code, said = swept()
    assert code == 1
    if deployment.place == "folder":
        file = deployment.folder / file_name(record.identity)
        assert f"then delete the file {deployment.folder.as_uri()}/{file_name(record.identity)})" in said
        file.unlink()
        assert swept()[0] == 0
    else:
        assert "delete the key wiro_journal in Storage → Task State Store of the task instance" in said


@IN_THE_FOLDER
def test_what_another_deployment_wants_is_not_stopped(deployment: Deployment, swept: Swept) -> None:
    record = deployment.runs_on(0, "running")
    deployment.runs_on(1, "running")
    deployment.write(foreign(record))
    (deployment.folder / file_name(record.identity)).unlink()
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (1, ["task_start", "task_start"])
    assert said.startswith("UNKNOWN: dag_id=of_another_one run_id=scheduled__1 task_id=video map_index=-1 ")
    assert f"state=no_such_dag taskid={record.taskid} " in said


@IN_THE_FOLDER
def test_what_is_over_needs_nobody_though_its_dag_is_not_known(deployment: Deployment, swept: Swept) -> None:
    record = deployment.runs_on(0, "running")
    deployment.write(foreign(record))
    (deployment.folder / file_name(record.identity)).unlink()
    assert record.taskid
    WiroHook().stop(record.taskid)
    assert swept()[0] == 0


@IN_THE_FOLDER
def test_a_lost_run_of_another_deployment_is_not_searched_for(deployment: Deployment, swept: Swept) -> None:
    deployment.write(foreign(deployment.record(0)))
    code, said = swept()
    assert code == 1
    assert "this Airflow knows no DAG" in said
    assert "if another deployment shares the folder, leave the record alone" in said
    assert not deployment.wiro.requests


@IN_THE_FOLDER
def test_of_another_deployment_nobody_is_told_to_delete_what_wiro_does_not_know(
    deployment: Deployment, swept: Swept
) -> None:
    deployment.write(foreign(deployment.record(0).submitted("99", time.time())))
    code, said = swept()
    assert code == 1
    assert "state=no_such_dag taskid=99 " in said
    assert said.index("this Airflow knows no DAG") < said.index("leave the record alone") < said.index("then delete")


def test_a_task_that_two_journals_hold_is_left_to_the_one_that_waits(deployment: Deployment, swept: Swept) -> None:
    record = deployment.runs_on(0, "running")
    deployment.set_state(1, "failed")
    deployment.write(deployment.record(1, taskid=record.taskid, submitted_at=time.time()))
    code, said = swept("--stop")
    assert (code, statuses(deployment.wiro)) == (0, ["task_start"]), said
    assert "2 wanted" in said
