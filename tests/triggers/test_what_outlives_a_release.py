"""A trigger's path, kwargs and events are public: rows and events outlive an upgrade of the package."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from airflow.models.trigger import Trigger

from airflow_provider_wiro import __version__
from airflow_provider_wiro.core.at_the_end import EndHere
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger
from doubles import FakeTaskInstance, context_of, event
from small_airflow import warnings_of_airflow
from triggerer import make_trigger

RELEASES = sorted((Path(__file__).parent / "samples").iterdir())
ROWS = [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for each in RELEASES for path in each.glob("trigger*")]


def load(release: Path, name: str) -> Any:
    return json.loads((release / name).read_text())


def as_now(result: Any) -> Any:
    """Return a result of any release with what this one knows."""
    if result is None:
        return None
    return {"text": None, **result, "outputs": [{"content": None, **output} for output in result["outputs"]]}


def build(classpath: str, kwargs: dict[str, Any]) -> Any:
    module, name = classpath.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)(**kwargs)


def test_there_are_samples_of_this_release() -> None:
    assert RELEASES[-1].name == __version__


def test_serialize_and_back_is_the_same_trigger() -> None:
    trigger = make_trigger("2221", cancel_on_kill=False, outage_tolerance=1.5)
    again = build(*trigger.serialize())
    assert isinstance(again, WiroTaskTrigger)
    assert again.serialize() == trigger.serialize()
    assert json.loads(json.dumps(trigger.serialize()[1])) == trigger.serialize()[1]


def test_every_argument_of_the_trigger_is_serialized() -> None:
    kwargs = make_trigger("2221").serialize()[1]
    assert list(kwargs) == list(inspect.signature(WiroTaskTrigger).parameters)


@pytest.mark.parametrize("path", ROWS)
def test_a_row_of_each_release_still_loads(path: Path) -> None:
    row = json.loads(path.read_text())
    classpath, kwargs = build(row["classpath"], row["kwargs"]).serialize()
    assert classpath == row["classpath"]
    assert row["kwargs"].items() <= kwargs.items()


@pytest.mark.parametrize("path", ROWS)
def test_a_row_of_each_release_passes_through_airflows_database_format(path: Path) -> None:
    row = json.loads(path.read_text())
    with warnings_of_airflow():
        kept = Trigger(classpath=row["classpath"], kwargs=row["kwargs"])
        trigger = build(kept.classpath, kept.kwargs)
    assert row["kwargs"].items() <= trigger.serialize()[1].items()


def test_a_row_that_ends_its_task_is_still_read() -> None:
    result = load(RELEASES[-1], "events.json")[0]["result"]
    for release in RELEASES:
        for path in release.glob("trigger_that_ends.json"):
            end_here = EndHere.from_text(json.loads(path.read_text())["kwargs"]["ends_with"])
            assert end_here is not None
            xcoms = end_here.xcoms(Verdict("success", "2221", "task_postprocess_end", result=result | {"text": None}))
            assert isinstance(xcoms, dict)
            assert list(xcoms) == ["return_value", "output_urls", "output_url", "wiro_generation"]


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_the_events_of_each_release_are_still_read(release: Path) -> None:
    for each in load(release, "events.json"):
        verdict = Verdict.from_event(each)
        assert verdict.to_event() == {**each, "result": as_now(each["result"])}
        if verdict.kind != "success":
            assert "2221" in str(error_of(verdict))


@pytest.mark.parametrize("release", RELEASES, ids=lambda path: path.name)
def test_a_success_of_each_release_still_finishes_a_task(release: Path) -> None:
    ti = FakeTaskInstance({"taskid": "2221"})
    success = load(release, "events.json")[0]
    result = WiroRunOperator(task_id="video", model="owner/video").execute_complete(context_of(ti), success)
    assert result == as_now(success["result"])
    assert ti.xcoms["output_urls"] == ["https://cdn1.wiro.ai/6a6af820/0.mp4"]


def test_text_that_a_trigger_of_an_earlier_release_has_dropped_is_read_again() -> None:
    """It was paid for: 0.1.0 tells of an output without a file, and leaves out what is in it."""
    for release in RELEASES:
        success = load(release, "events.json")[0]
        raw = {"url": None, "name": None, "content_type": "raw", "size": None}
        for outputs in ([raw], [*success["result"]["outputs"], raw]):
            old = {**success, "result": {**success["result"], "outputs": outputs}}
            for name in ("text", "content"):
                assert name not in outputs[-1]
            assert Verdict.from_event(old).kind == "success"
            assert Verdict.from_event(old).result is None


def test_the_events_of_this_release_are_among_the_samples() -> None:
    fields = [set(each) for each in load(RELEASES[-1], "events.json")]
    assert fields == [set(event())] * len(fields)
