"""A success ends its task in the triggerer, with the XComs that a worker would have pushed; all else needs a worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from airflow.triggers.base import TaskSuccessEvent, TriggerEvent

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS
from airflow_provider_wiro.core.at_the_end import EndHere
from airflow_provider_wiro.core.rules.worker import NEEDS
from airflow_provider_wiro.core.verdict import EVENT_LIMIT
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroNoOutput, WiroTaskFailed
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger
from doubles import FakeTaskInstance, Lines, context_of
from operators import defer, generic, runway
from small_airflow import Run
from taskids import FIRST
from triggerer import WaitingTask, events_of, make_trigger

TEXT = {"outputs": [{"contenttype": "raw", "content": {"raw": "A poem.", "answer": ["A poem."]}}]}
PLAIN_TEXT = {"outputs": [{"url": "https://cdn.wiro.ai/a.txt", "name": "a.txt", "contenttype": "text/plain"}]}
LONG_TEXT = {"outputs": [{"contenttype": "raw", "content": {"raw": "x" * 9_000, "answer": ["x" * 9_000]}}]}


@pytest.fixture(autouse=True)
def xcoms_stay_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the event carry the XComs, as on Airflow 2, which keeps them as they are."""
    monkeypatch.setattr("airflow_provider_wiro.stages.end_here.AIRFLOW_V_3_0_PLUS", False)
    monkeypatch.setattr("airflow_provider_wiro.triggers.ending.AIRFLOW_V_3_3_PLUS", False)


def ended(make: Any, **arguments: Any) -> tuple[FakeTaskInstance, TriggerEvent, Any]:
    """Return the task instance as the deferral leaves it, the event, and the trigger."""
    ti = FakeTaskInstance()
    trigger: Any = defer(make(deferrable=True, end_from_trigger=True, **arguments), ti).trigger
    [event] = asyncio.run(events_of(trigger))
    return ti, event, trigger


def in_a_worker(make: Any, ti: FakeTaskInstance, trigger: WiroTaskTrigger) -> dict[str, Any]:
    """Return all XComs of the same task where a worker ends it."""
    kwargs = {**trigger.serialize()[1], "ends_with": None}
    [event] = asyncio.run(events_of(WiroTaskTrigger(**kwargs)))
    returned = make().execute_complete(context_of(ti), dict(event.payload))
    return {**ti.xcoms, "return_value": returned}


@pytest.mark.parametrize(("make", "outcome"), [(runway, {}), (generic, {}), (generic, TEXT)])
def test_its_xcoms_are_those_that_a_worker_pushes(
    wiro_emulator: WiroEmulator, make: Any, outcome: dict[str, Any]
) -> None:
    wiro_emulator.outcome(duration=0.0, **outcome)
    ti, event, trigger = ended(make)
    assert isinstance(event, TaskSuccessEvent)
    by_the_trigger = {**ti.xcoms, **(event.xcoms or {})}
    assert by_the_trigger == in_a_worker(make, ti, trigger)
    assert by_the_trigger["wiro_generation"]["outcome"] == "success"
    assert by_the_trigger["return_value"]["taskid"] == FIRST


def test_the_log_says_that_it_is_done(wiro_emulator: WiroEmulator, lines: Lines) -> None:
    wiro_emulator.outcome(duration=0.0)
    ended(runway)
    assert f"taskid {FIRST}: done, 1 output(s), 0.25 USD: http" in lines.text


def test_with_do_xcom_push_false_nothing_is_pushed_at_the_end(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti, event, _ = ended(generic, do_xcom_push=False)
    assert isinstance(event, TaskSuccessEvent)
    assert not event.xcoms
    assert list(ti.xcoms) == ["taskid"]


@pytest.mark.parametrize(
    ("fact", "make", "outcome", "error"),
    [
        ("unsuccessful", generic, {"pexit": "1"}, WiroTaskFailed),
        ("no_output", runway, {"outputs": 0}, WiroNoOutput),
        ("text_in_files", generic, PLAIN_TEXT, None),
        ("too_large", generic, LONG_TEXT, None),
        ("too_large", generic, {"outputs": [{"url": f"https://cdn.wiro.ai/{'x' * 7_000}"}]}, None),
        ("too_large", generic, {"outputs": [{"url": f"https://cdn.wiro.ai/{'x' * 7_000}"}] * 3}, None),
    ],
)
def test_what_needs_a_worker_goes_there(
    wiro_emulator: WiroEmulator, lines: Lines, fact: str, make: Any, outcome: dict[str, Any], error: Any
) -> None:
    wiro_emulator.outcome(duration=0.0, **outcome)
    ti, event, _ = ended(make)
    assert type(event) is TriggerEvent
    assert event.payload["taskid"] == FIRST
    [need] = [need for need in NEEDS if need.fact == fact]
    assert f"taskid {FIRST}: a worker ends this task, because {need.name}" in lines.text
    operator = make()
    if error is None:
        assert operator.execute_complete(context_of(ti), dict(event.payload))["taskid"] == FIRST
        return
    with pytest.raises(error):
        operator.execute_complete(context_of(ti), dict(event.payload))


def test_trigger_and_event_hold_no_secret_and_are_json(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    hidden = "https://user:pass-word@example.com/callback?token=t0ken"
    _, event, trigger = ended(generic, inputs={"prompt": "x", "callbackUrl": hidden, "image": hidden})
    assert isinstance(event, TaskSuccessEvent)
    told = json.dumps([trigger.serialize(), event.xcoms])
    login, password = (str(wiro_emulator.connection[name]) for name in ("login", "password"))
    for secret in (wiro_emulator.runs[0].token, login, password, "pass-word", "t0ken"):
        assert secret not in told


def test_what_the_trigger_carries_is_bounded(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    _, event, trigger = ended(generic, inputs={f"input{number}": "y" * 2_000 for number in range(12)})
    assert isinstance(event, TaskSuccessEvent)
    assert len(trigger.ends_with) < 6_000
    assert len(json.dumps(event.xcoms)) <= EVENT_LIMIT
    told = EndHere.from_text(trigger.ends_with)
    assert told is not None
    assert told.to_text() == trigger.ends_with


class Pushed:
    """Takes XComs as Airflow 3.3 does from a trigger."""

    def __init__(self, fails: Callable[[str], Any] | None = None) -> None:
        self.xcoms: dict[str, Any] = {}
        self.whose: list[dict[str, Any]] = []
        self.fails = fails

    async def aset(self, key: str, value: Any, **whose: Any) -> None:
        if self.fails is not None and self.xcoms:
            await self.fails(key)
        self.xcoms[key] = value
        self.whose.append(whose)


def ended_on_3_3(
    monkeypatch: pytest.MonkeyPatch, pushed: Pushed, **arguments: Any
) -> tuple[FakeTaskInstance, TriggerEvent, Any]:
    monkeypatch.setattr("airflow_provider_wiro.triggers.ending.AIRFLOW_V_3_3_PLUS", True)
    monkeypatch.setattr("airflow_provider_wiro.triggers.ending.XCom", pushed)
    ti = FakeTaskInstance()
    trigger: Any = defer(generic(deferrable=True, end_from_trigger=True, **arguments), ti).trigger
    trigger.task_instance = ti
    [event] = asyncio.run(events_of(trigger))
    return ti, event, trigger


def test_on_airflow_3_3_the_xcoms_are_there_before_the_event(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(duration=0.0)
    pushed = Pushed()
    ti, event, trigger = ended_on_3_3(monkeypatch, pushed)
    assert isinstance(event, TaskSuccessEvent)
    assert not event.xcoms
    assert {**ti.xcoms, **pushed.xcoms} == in_a_worker(generic, ti, trigger)
    whose = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": ti.map_index}
    assert pushed.whose == [whose] * len(pushed.xcoms)


def test_on_airflow_3_3_nothing_is_pushed_where_nothing_is_asked_for(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(duration=0.0)
    pushed = Pushed()
    _, event, _ = ended_on_3_3(monkeypatch, pushed, do_xcom_push=False)
    assert isinstance(event, TaskSuccessEvent)
    assert not pushed.xcoms


async def refuse(key: str) -> None:
    raise RuntimeError(f"API server: no {key}")


async def hang(_: str) -> None:
    await asyncio.sleep(60)


@pytest.mark.parametrize(("fails", "said"), [(refuse, "RuntimeError: API server: no "), (hang, "TimeoutError")])
def test_where_airflow_does_not_take_them_a_worker_ends_the_task(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines, fails: Any, said: str
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.triggers.ending.PUSHING", 0.2)
    wiro_emulator.outcome(duration=0.0)
    ti, event, _ = ended_on_3_3(monkeypatch, Pushed(fails))
    assert type(event) is TriggerEvent
    assert f"WARNING taskid {FIRST}: a worker ends this task, because its XComs were not taken: {said}" in lines.text
    assert generic().execute_complete(context_of(ti), dict(event.payload))["taskid"] == FIRST


@pytest.mark.parametrize("written", ["", "[]", "7", '{"pushes": true}', '{"version": 9}'])
def test_what_another_release_has_written_goes_to_a_worker(wiro_emulator: WiroEmulator, written: str) -> None:
    wiro_emulator.outcome(duration=0.0)
    trigger = make_trigger(WiroHook().run("owner/video", {"prompt": "x"}).taskid, ends_with=written)
    [event] = asyncio.run(events_of(trigger))
    assert type(event) is TriggerEvent
    assert event.payload["verdict"] == "success"


@pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="the triggerer of Airflow 2 is one process")
def test_the_event_passes_through_airflows_channel_as_it_is(wiro_emulator: WiroEmulator) -> None:
    from airflow.triggers.base import DiscrimatedTriggerEvent
    from pydantic import TypeAdapter

    wiro_emulator.outcome(duration=0.0)
    _, event, _ = ended(runway)
    adapter: TypeAdapter[Any] = TypeAdapter(DiscrimatedTriggerEvent)
    read = adapter.validate_json(adapter.dump_json(event))
    assert isinstance(read, TaskSuccessEvent)
    assert read.xcoms == event.xcoms  # type: ignore[attr-defined]


@pytest.mark.skipif(AIRFLOW_V_3_0_PLUS, reason="Airflow 3 keeps an event's XComs as text")
def test_airflow_ends_the_task_with_all_its_xcoms(run_dag: Callable[..., Run], wiro_emulator: WiroEmulator) -> None:
    """As Airflow's own triggerer does once it has the event: a mapped task, in the database."""
    wiro_emulator.outcome(duration=0.0, times=-1)
    arguments: dict[str, Any] = {"task_id": "video", "model": "owner/video", "wait_for_completion": False}
    run = run_dag(lambda: WiroRunOperator.partial(**arguments).expand(inputs=[{"prompt": "x"}]))
    waiting = WaitingTask(run)
    _, event, _ = ended(generic)
    assert isinstance(event, TaskSuccessEvent)
    state, end_date = waiting.fired(event)
    assert state == "success"
    assert end_date is not None
    assert {key: run.xcom(key, map_index=0) for key in event.xcoms or {}} == event.xcoms
