"""The upgrade itself neither stops nor pays: what earlier releases have left behind is gone on with."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.work import Work
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroError
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, context_of, when
from triggerer import fire

sys.path.insert(0, str(Path(__file__).parent))

from as_of_0_1_0 import Left, fingerprint_of

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")

OPERATORS = {kind.__name__: kind for kind in (RunwayImageToVideoOperator, WiroRunOperator)}
SAMPLES = {path.stem: json.loads(path.read_text()) for path in (Path(__file__).parent / "samples/0.1.0").glob("*.json")}
EVENTS = json.loads((Path(__file__).parents[1] / "triggers/samples/0.1.0/events.json").read_text())
ENDED_BADLY = [event for event in EVENTS if event["verdict"] != "success"]

each_sample = pytest.mark.parametrize("name", sorted(SAMPLES))
each_way = pytest.mark.parametrize("deferrable", [False, True], ids=["worker", "deferrable"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    return tmp_path


def operator_of(name: str, **arguments: Any) -> WiroRunOperator:
    """The operator as the author of the DAG wrote it, before the upgrade and after."""
    given = {"task_id": "video", "poll_interval": 0.1, "retries": 2} | SAMPLES[name]["arguments"] | arguments
    return OPERATORS[SAMPLES[name]["operator"]](**given)


def resumed(name: str, ti: FakeTaskInstance, method: str, kwargs: dict[str, Any], **arguments: Any) -> Any:
    return operator_of(name, **arguments).resume_execution(method, kwargs, context_of(ti))


def try_of(name: str, ti: FakeTaskInstance, **arguments: Any) -> Any:
    """One try from its beginning to its end, through its deferrals."""
    try:
        return operator_of(name, **arguments).execute(context_of(ti))
    except TaskDeferred as error:
        deferred = error
    kwargs = (deferred.kwargs or {}) | {"event": fire(deferred.trigger)}  # type: ignore[arg-type]
    return resumed(name, ti, deferred.method_name, kwargs, **arguments)


def assert_delivered(result: Any, left: Left, emulator: WiroEmulator) -> None:
    assert result["taskid"] == left.taskid
    assert result["outputs"][0]["url"]
    assert (emulator.count("Run"), emulator.count("Kill"), emulator.count("Cancel")) == (1, 0, 0)
    assert [task.status for task in emulator.runs] == ["task_postprocess_end"]


def test_there_are_samples_of_each_release() -> None:
    assert len(SAMPLES) == 7
    assert {"odd_slug", "native_5", "prompt_1_50", "idempotency_key"} < set(SAMPLES)


@each_sample
def test_the_frozen_rule_is_the_one_that_wrote_the_samples(name: str) -> None:
    sample = SAMPLES[name]
    assert fingerprint_of(sample, sample["base_url"]) == sample["journal"]["record"]["fingerprint"]


@each_sample
def test_a_record_is_compared_by_the_rule_that_wrote_it(name: str) -> None:
    sample, operator = SAMPLES[name], operator_of(name)
    found = Record.from_json(sample["journal"]["record"])
    given = {"model": operator.model, "inputs": operator.build_inputs(), "idempotency_key": operator.idempotency_key}

    def wanted(**changed: Any) -> Record:
        work = Work(**({"base_url": sample["base_url"]} | given | changed))
        return Record.of(work, found.identity, at=found.at, conn_id=found.conn_id)

    assert found.is_same_work(wanted())
    assert not found.is_same_work(wanted(inputs={"prompt": "another"}, idempotency_key=None))


@each_way
@each_sample
def test_a_record_whose_task_runs_is_waited_for(
    wiro_emulator: WiroEmulator, folder: Path, name: str, deferrable: bool
) -> None:
    wiro_emulator.outcome(hold=True, duration=0.0)
    left = Left(SAMPLES[name], wiro_emulator)
    left.write_record(folder)
    going = when(lambda: wiro_emulator.count("Detail") > 1, lambda: wiro_emulator.release(left.taskid))
    result = try_of(name, FakeTaskInstance(), deferrable=deferrable)
    going.join()
    assert_delivered(result, left, wiro_emulator)


@each_way
@each_sample
def test_a_record_whose_task_has_finished_is_delivered(
    wiro_emulator: WiroEmulator, folder: Path, name: str, deferrable: bool
) -> None:
    wiro_emulator.outcome(duration=0.0)
    left = Left(SAMPLES[name], wiro_emulator)
    left.write_record(folder)
    for _ in range(2):
        assert_delivered(try_of(name, FakeTaskInstance(), deferrable=deferrable), left, wiro_emulator)


def test_an_idempotency_key_still_makes_inputs_that_differ_the_same_work(
    wiro_emulator: WiroEmulator, folder: Path
) -> None:
    wiro_emulator.outcome(duration=0.0)
    left = Left(SAMPLES["idempotency_key"], wiro_emulator)
    left.write_record(folder)
    url = "https://x.example/0.png?signature=b"
    assert_delivered(try_of("idempotency_key", FakeTaskInstance(), input_image_url=url), left, wiro_emulator)


@pytest.mark.parametrize("durable", [True, False])
@each_sample
def test_a_deferred_task_is_waited_for_and_delivered(
    wiro_emulator: WiroEmulator, folder: Path, name: str, durable: bool
) -> None:
    """The old worker deferred; triggerer and worker are new."""
    left = Left(SAMPLES[name], wiro_emulator)
    if durable:
        left.write_record(folder)
    module, _, kind = left.classpath.rpartition(".")
    trigger = getattr(importlib.import_module(module), kind)(**left.kwargs)
    kwargs = left.resumes | {"event": fire(trigger)}
    result = resumed(name, FakeTaskInstance(left.xcoms), left.method, kwargs, deferrable=True, durable=durable)
    assert_delivered(result, left, wiro_emulator)


@each_sample
def test_an_event_that_waits_for_a_worker_is_taken_without_a_request(
    wiro_emulator: WiroEmulator, folder: Path, name: str
) -> None:
    """The old triggerer has fired; the worker is new."""
    wiro_emulator.outcome(duration=0.0)
    left = Left(SAMPLES[name], wiro_emulator)
    left.write_record(folder)
    kwargs = left.resumes | {"event": left.event}
    result = resumed(name, FakeTaskInstance(left.xcoms), left.method, kwargs, deferrable=True)
    told = left.event["result"]
    outputs = [{**output, "content": None} for output in told["outputs"]]
    assert result == {**told, "outputs": outputs, "text": None}
    assert_delivered(result, left, wiro_emulator)


@pytest.mark.parametrize("event", ENDED_BADLY, ids=[f"{event['verdict']}-{event['stopped']}" for event in ENDED_BADLY])
def test_an_event_that_carries_no_try_is_of_this_try(
    wiro_emulator: WiroEmulator, folder: Path, event: dict[str, Any]
) -> None:
    """A later try of a task that an upgrade found deferred fails as it would have; it begins nothing anew."""
    wiro_emulator.outcome(hold=True, duration=0.0)
    left = Left(SAMPLES["native_5"], wiro_emulator)
    left.write_record(folder)
    ti = FakeTaskInstance(left.xcoms)
    ti.try_number, ti.max_tries = 2, 3
    kwargs = left.resumes | {"event": event | {"taskid": left.taskid}}
    with pytest.raises(WiroError):
        resumed("native_5", ti, left.method, kwargs, deferrable=True)
    assert wiro_emulator.count("Run") == 1
