"""``end_from_trigger=True``: what is known before a task defers, and what a later try sees of such an end."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from tempfile import gettempdir
from typing import Any, cast

import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow.triggers.base import TaskSuccessEvent

from airflow_provider_wiro.compat import Asset, BaseOperator, Context, TaskDeferred
from airflow_provider_wiro.core.at_the_end import EndHere
from airflow_provider_wiro.core.rules.worker import NEEDS
from airflow_provider_wiro.decorators.wiro import wiro_task
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.journals import FolderJournal
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages import record
from doubles import FakeTaskInstance, Lines
from operators import generic, runway
from taskids import FIRST
from tries import kept, run_try
from triggerer import events_of


@pytest.fixture(autouse=True)
def xcoms_stay_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the event carry the XComs, as on Airflow 2, which keeps them as they are."""
    monkeypatch.setattr("airflow_provider_wiro.stages.end_here.AIRFLOW_V_3_0_PLUS", False)
    monkeypatch.setattr("airflow_provider_wiro.triggers.ending.AIRFLOW_V_3_3_PLUS", False)


def deferred_with(operator: WiroRunOperator, ti: FakeTaskInstance | None = None) -> Any:
    """Return the trigger with which a task of a DAG defers."""
    if not operator.has_dag():
        DAG("videos", schedule=None).add_task(operator)
    context = cast(Context, {"ti": ti or FakeTaskInstance(), "task": operator})
    with pytest.raises(TaskDeferred) as caught:
        operator.execute(context)
    return caught.value.trigger


class WithPostExecute(WiroRunOperator):
    def post_execute(self, context: Any, result: Any = None) -> None:
        """Do something with the result."""


class Downstream(BaseOperator):
    """Is mapped over something."""

    def __init__(self, *, value: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value = value


def plain(**arguments: Any) -> WiroRunOperator:
    return generic(deferrable=True, end_from_trigger=True, **arguments)


def mapped_over() -> WiroRunOperator:
    with DAG("videos", schedule=None):
        operator = plain()
        Downstream.partial(task_id="each").expand(value=operator.output)
    return operator


def result_of_its_dag() -> WiroRunOperator:
    operator = plain()
    operator.returns_dag_result = True  # type: ignore[attr-defined,unused-ignore]
    return operator


def with_default(**arguments: Any) -> WiroRunOperator:
    with DAG("videos", schedule=None, default_args=arguments):
        return plain()


ARGUMENTS: dict[str, Any] = {"task_id": "video", "model": "owner/video", "deferrable": True, "end_from_trigger": True}
CASES: list[tuple[str, Callable[[], WiroRunOperator]]] = [
    ("saves", lambda: plain(save_to=gettempdir())),
    ("outlets", lambda: plain(outlets=[Asset(uri="s3://bucket/video.mp4")])),
    ("on_success_callback", lambda: plain(on_success_callback=print)),
    ("on_success_callback", lambda: with_default(on_success_callback=print)),
    ("post_execute", lambda: plain(post_execute=print)),
    ("post_execute", lambda: with_default(post_execute=print)),
    ("post_execute", lambda: WithPostExecute(**ARGUMENTS)),
    ("multiple_outputs", lambda: plain(multiple_outputs=True)),
    ("mapped_over", mapped_over),
    ("dag_result", result_of_its_dag),
    ("map_index_template", lambda: plain(map_index_template="{{ task.model }}")),
]


@pytest.fixture
def quick(wiro_emulator: WiroEmulator) -> WiroEmulator:
    """Every task is over at once."""
    wiro_emulator.outcome(duration=0.0, times=-1)
    return wiro_emulator


@pytest.mark.parametrize("operator", [generic, runway])
def test_a_task_that_asks_for_it_ends_in_the_triggerer(quick: WiroEmulator, operator: Any) -> None:
    trigger = deferred_with(operator(deferrable=True, end_from_trigger=True))
    told = EndHere.from_text(trigger.ends_with)
    assert told is not None
    assert (told.pushes, told.requires_output) == (True, operator is runway)
    assert told.generation is not None
    assert (told.generation["taskid"], told.generation["outcome"]) == (FIRST, None)
    [event] = asyncio.run(events_of(trigger))
    assert isinstance(event, TaskSuccessEvent)


def test_a_decorated_task_passes_it_on(quick: WiroEmulator) -> None:
    with DAG("videos", schedule=None) as dag:
        wiro_task(lambda: {"prompt": "x"}, **ARGUMENTS)()
    assert deferred_with(cast(WiroRunOperator, dag.get_task("video"))).ends_with


@pytest.mark.parametrize("pushes", [True, False])
def test_before_airflow_3_3_a_task_that_pushes_xcoms_ends_in_a_worker(
    quick: WiroEmulator, monkeypatch: pytest.MonkeyPatch, pushes: bool
) -> None:
    """Airflow 3.0 to 3.2 keep an event's XComs as JSON in a text, and the next task would get that text."""
    monkeypatch.setattr("airflow_provider_wiro.stages.end_here.AIRFLOW_V_3_0_PLUS", True)
    monkeypatch.setattr("airflow_provider_wiro.stages.end_here.AIRFLOW_V_3_3_PLUS", False)
    assert (deferred_with(plain(do_xcom_push=pushes)).ends_with is None) is pushes


def test_by_default_a_worker_ends_it(quick: WiroEmulator) -> None:
    assert deferred_with(generic(deferrable=True)).ends_with is None


def test_only_true_and_false_are_allowed() -> None:
    with pytest.raises(WiroInputError, match="end_from_trigger"):
        generic(end_from_trigger="yes")


@pytest.mark.parametrize(("fact", "make"), CASES)
def test_what_needs_a_worker_is_seen_before_it_defers(
    quick: WiroEmulator, lines: Lines, fact: str, make: Callable[[], WiroRunOperator]
) -> None:
    assert deferred_with(make()).ends_with is None
    [need] = [need for need in NEEDS if need.fact == fact]
    assert f"INFO taskid {FIRST}: a worker ends this task, because {need.name}: {need.why}" in lines.text


def test_each_need_that_is_asked_before_it_defers_is_tried_here() -> None:
    tried = {fact for fact, _ in CASES} | {"xcoms_as_text", "xcom_backend", "unrecorded"}
    assert tried == {need.fact for need in NEEDS if need.asked == "before it defers"}


def test_another_xcom_class_needs_a_worker(quick: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__XCOM_BACKEND", "our.xcoms.InABucket")
    assert deferred_with(plain()).ends_with is None


def test_what_cannot_be_looked_at_ends_nothing_that_is_paid(quick: WiroEmulator, lines: Lines) -> None:
    """A task that belongs to no DAG cannot say what is mapped over it."""
    context = cast(Context, {"ti": FakeTaskInstance(), "task": plain()})
    with pytest.raises(TaskDeferred) as caught:
        plain().execute(context)
    assert caught.value.trigger.ends_with is None  # type: ignore[attr-defined]
    assert f"WARNING taskid {FIRST}: a worker ends this task, because RuntimeError: " in lines.text


def test_a_mapped_task_may_be_mapped_over(quick: WiroEmulator) -> None:
    ti = FakeTaskInstance()
    ti.map_index = 0
    assert deferred_with(mapped_over(), ti).ends_with


@pytest.mark.usefixtures("journal_folder")
def test_a_taskid_that_is_not_recorded_yet_needs_a_worker(
    quick: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def broken(self: FolderJournal, content: dict[str, object]) -> None:
        raise OSError(errno.EIO, "Input/output error")

    for name in ("AT_ONCE", "WITH_PATIENCE"):
        monkeypatch.setattr(record, name, (0.01,))
    monkeypatch.setattr(FolderJournal, "_replace", broken)
    assert deferred_with(plain()).ends_with is None
    assert "because its taskid is not recorded yet" in lines.text


@pytest.mark.usefixtures("journal_folder")
def test_a_clear_after_such_an_end_pays_nothing(quick: WiroEmulator) -> None:
    trigger = deferred_with(plain())
    [event] = asyncio.run(events_of(trigger))
    assert isinstance(event, TaskSuccessEvent)
    left = kept()
    assert left is not None
    assert (left.phase, left.taskid) == ("submitted", FIRST)  # a trigger does not touch the journal
    cleared = FakeTaskInstance()
    cleared.try_number = 2
    result = run_try(generic, cleared, deferrable=True, end_from_trigger=True)
    assert result == (event.xcoms or {})["return_value"]
    assert quick.count("Run") == 1


@pytest.mark.usefixtures("journal_folder")
def test_a_triggerer_that_dies_between_event_and_end_leaves_the_same_to_the_next(quick: WiroEmulator) -> None:
    trigger = deferred_with(plain())
    first = asyncio.run(events_of(trigger))
    again = asyncio.run(events_of(type(trigger)(**trigger.serialize()[1])))
    assert [getattr(event, "xcoms", None) for event in first] == [getattr(event, "xcoms", 0) for event in again]
    assert quick.count("Run") == 1
    assert quick.count("Kill") == quick.count("Cancel") == 0
