"""Recall, over real sockets and files: what an earlier try left is found, taken, left alone, or a person's case."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_wiro.core import elsewhere, search
from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.core.recalled import Attach, Decision, Fresh
from airflow_provider_wiro.core.whose import Doubt
from airflow_provider_wiro.core.work import Work
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroSubmissionUnknown, WiroWrongService
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import FolderJournal, mark
from airflow_provider_wiro.stages.recall import ANOTHER_KEY, find, recall
from fake_driver import START, FakeDriver, Outcome, page
from listing import BEFORE, listing
from records import intent as lost_one

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")

MODEL = "Runway/image-to-video-gen4-turbo"
INPUTS: dict[str, object] = {"prompt": "A kite", "inputImageUrl": "https://x.example/kite.jpg"}
log = logging.getLogger(__name__)
Recalled = Callable[..., Decision]


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SETTLED_AFTER", 0.3)
    monkeypatch.setattr(elsewhere, "READ_AGAIN", 0.1)


@pytest.fixture
def folder(tmp_path: Path) -> ObjectStoragePath:
    made = ObjectStoragePath((tmp_path / "journal").as_uri())
    made.mkdir()
    mark(made)
    return made


def intent(wiro: WiroEmulator, task_id: str = "video", **fields: Any) -> Record:
    work = Work(wiro.connection["host"], MODEL, INPUTS)
    identity = Identity("videos", "manual__2026-01-01", task_id, -1)
    return replace(
        Record.of(work, identity, at=time.time(), conn_id="wiro_default", account=Caller("wiro_default", log).account),
        **fields,
    )


@pytest.fixture
def recalled(folder: ObjectStoragePath) -> Recalled:
    """Write the record of an earlier try down, and recall it in the next one."""

    def run(found: Record, *others: Record, wanted: Record | None = None, **options: Any) -> Decision:
        for record in (found, *others):
            FolderJournal(folder, record.identity).replace(None, record)
        journal = FolderJournal(folder, found.identity)
        given = {"on_unknown": "fail", "deadline": time.time() + 20, "outage_tolerance": 0.5} | options
        return recall(Caller("wiro_default", log), journal, found, wanted or found, **given)

    return run


def submit(inputs: dict[str, object] = INPUTS) -> str:
    return WiroHook().run(MODEL, inputs).taskid


def test_a_lost_submission_is_found(wiro_emulator: WiroEmulator, recalled: Recalled) -> None:
    wiro_emulator.outcome(times=-1, hold=True)
    lost = intent(wiro_emulator)
    taskid = submit()
    decision = recalled(lost)
    assert isinstance(decision, Attach)
    assert decision.record.taskid == taskid


def test_a_task_of_the_same_run_with_more_inputs_is_not_taken_for_it(
    wiro_emulator: WiroEmulator, recalled: Recalled
) -> None:
    lost = intent(wiro_emulator)
    submit(INPUTS | {"ratio": "720:1280", "seed": 99})
    with pytest.raises(WiroSubmissionUnknown, match="no task of that time has exactly its inputs"):
        recalled(lost)


def test_what_stands_in_the_record_of_a_sibling_is_the_siblings(
    wiro_emulator: WiroEmulator, recalled: Recalled
) -> None:
    wiro_emulator.outcome(times=-1, hold=True)
    lost, sibling = intent(wiro_emulator), intent(wiro_emulator, "sibling")
    its, ours = submit(), submit()
    decision = recalled(lost, sibling.submitted(its, time.time()))
    assert isinstance(decision, Attach)
    assert decision.record.taskid == ours


def test_where_only_the_siblings_was_accepted_nothing_was_accepted_of_ours(
    wiro_emulator: WiroEmulator, recalled: Recalled
) -> None:
    wiro_emulator.outcome(times=-1, hold=True)
    lost, sibling = intent(wiro_emulator), intent(wiro_emulator, "sibling")
    decision = recalled(lost, sibling.submitted(submit(), time.time()))
    assert decision == Fresh(nothing_accepted=True)
    assert len(wiro_emulator.runs) == 1


@pytest.mark.parametrize("skew", [0.0, 60.0])
def test_the_identical_one_of_another_dag_run_that_came_before_is_a_persons_case(
    wiro_emulator: WiroEmulator, recalled: Recalled, skew: float
) -> None:
    wiro_emulator.skew(skew)
    submit()
    time.sleep(1.4)
    with pytest.raises(WiroSubmissionUnknown, match="older than the submission"):
        recalled(intent(wiro_emulator))


def test_where_wiro_is_behind_the_only_match_is_a_persons_case(wiro_emulator: WiroEmulator, recalled: Recalled) -> None:
    wiro_emulator.outcome(times=-1, hold=True)
    wiro_emulator.skew(-7)
    lost = intent(wiro_emulator)
    submit()
    with pytest.raises(WiroSubmissionUnknown, match="may be older"):
        recalled(lost)


@pytest.mark.parametrize("fingerprint", ["of other work", None])
def test_the_same_taskid_at_another_service_is_left_alone(
    wiro_emulator: WiroEmulator, recalled: Recalled, monkeypatch: pytest.MonkeyPatch, fingerprint: str | None
) -> None:
    wiro_emulator.outcome(times=-1, hold=True)
    found = intent(wiro_emulator).submitted(submit(), time.time())
    with WiroEmulator(first_taskid=wiro_emulator.first_taskid) as there:
        there.outcome(times=-1, hold=True)
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(there.connection))
        assert submit() == found.taskid
        sent = len(there.requests)
        with pytest.raises(WiroWrongService) as caught:
            recalled(found, wanted=intent(there, **({"fingerprint": fingerprint} if fingerprint else {})))
        for part in (wiro_emulator.connection["host"], there.connection["host"], "may run on at"):
            assert part in str(caught.value)
        assert len(there.requests) == sent
    assert len(wiro_emulator.active) == 1


def test_the_list_of_a_key_that_was_read_during_the_search_proves_nothing_by_what_is_missing() -> None:
    keys = ["its key"]

    def script(step: Send, age: float) -> Outcome:
        if "modelName" not in step.body and keys == ["its key"]:
            keys[:] = ["the key of another account"]  # as a driver reads it again after a 401
            return page(401)
        return listing(BEFORE)(step, age)

    driver = FakeDriver(script, time=START + 60)
    lost = replace(lost_one(), account="its key")
    seen = find(driver.drive, lost, lambda: (), account=lambda: keys[0])
    assert seen == Doubt(ANOTHER_KEY)
