"""What was made is told to the assets among the outlets, and to Airflow's collector of lineage."""

from __future__ import annotations

import importlib
import logging
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, Asset, AssetAlias, Context, task
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_2_PLUS

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.sensors.wiro import WiroTaskSensor
from airflow_provider_wiro.stages.assets import tell_assets
from assets import asset_events
from doubles import FakeTaskInstance, Lines
from operators import runway
from small_airflow import Run, run_as_written
from taskids import FIRST
from tries import run_try, warnings_in

START = pendulum.datetime(2026, 1, 1, tz="UTC")
SAVED = "s3://aws@media/2221/0.mp4"


def run_beside(build: Any, *assets: Any) -> Run:
    """Run the tasks that *build* makes, beside a DAG that waits for *assets*."""
    name = f"dag_{os.urandom(6).hex()}"
    with DAG(name, schedule=None, start_date=START) as dag:
        build()
    with DAG(f"{name}_beside", schedule=list(assets), start_date=START) as beside:
        task(lambda: None, task_id="use")()  # type: ignore[misc]
    return run_as_written(dag, beside=beside)


def asset(name: str) -> Any:
    return Asset(f"wiro://{name}/{os.urandom(6).hex()}")


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize("deferrable", [False, True])
def test_the_event_of_an_asset_says_what_was_made(wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    first, second = asset("first"), asset("second")

    def build() -> None:
        made = runway(task_id="video", deferrable=deferrable, outlets=[first])
        WiroTaskSensor(task_id="wait", taskid=made.output["taskid"], poll_interval=0.1, outlets=[second])

    assert run_beside(build, first, second).state == "success"
    [made] = wiro_emulator.runs
    extra = {"taskid": made.taskid, "model": made.model, "cost_usd": 0.25, "uris": [made.outputs[0]["url"]]}
    assert [event.extra for event in asset_events(first.uri)] == [extra]
    assert [event.extra for event in asset_events(second.uri)] == [extra | {"model": None}]


@pytest.mark.usefixtures("airflow_database")
def test_an_alias_gets_an_asset_for_each_saved_file() -> None:
    """What is not saved gets none: its address does not last."""
    folder = os.urandom(6).hex()
    files = [f"s3://aws@media/{folder}/{n}.mp4" for n in range(2)]
    alias, kept = AssetAlias(f"videos_{folder}"), asset("kept")

    def build() -> None:
        @task(outlets=[alias, kept])
        def video(**context: Any) -> None:
            context["outlet_events"][kept].extra = {"mine": 1}
            tell_assets(this_try(context), made(*files, None), None)

        video()

    named = [Asset(f"s3://media/{folder}/{n}.mp4") for n in range(2)]
    assert run_beside(build, kept, *named).state == "success"
    extra = {"taskid": FIRST, "model": None, "cost_usd": 0.25}
    for each, place in zip(named, files, strict=True):
        assert [event.extra for event in asset_events(each.uri)] == [extra | {"uri": place}]
    [event] = asset_events(kept.uri)
    assert event.extra == extra | {"mine": 1, "uris": [*files, "https://cdn1.wiro.ai/2.mp4"]}


def made(*uris: str | None) -> Any:
    outputs = [{"url": f"https://cdn1.wiro.ai/{n}.mp4", "uri": uri} for n, uri in enumerate(uris)]
    return {"taskid": FIRST, "outputs": outputs, "text": None, "cost_usd": 0.25}


def this_try(context: Any) -> Any:
    return SimpleNamespace(
        context=context, settings=SimpleNamespace(conn_id="wiro_default"), log=logging.getLogger("airflow.task")
    )


class Events:
    """Outlet events, as far as they are asked: the *event* of whichever outlet, or none at all.

    Airflow's own look an outlet up by what it is: on 3.0 and 3.1 it has no hash.
    """

    def __init__(self, event: Any = None) -> None:
        self.event = event

    def __getitem__(self, outlet: object) -> Any:
        if self.event is None:
            raise LookupError("no such asset")
        return self.event


@pytest.mark.parametrize("events", [None, Events()], ids=["missing", "broken"])
@pytest.mark.parametrize("deferrable", [False, True])
def test_events_that_cannot_be_had_fail_nothing_that_is_paid(
    wiro_emulator: WiroEmulator, lines: Lines, events: Any, deferrable: bool
) -> None:
    operator = runway(outlets=[asset("a"), asset("b")])
    ti = FakeTaskInstance()
    context = {"ti": ti, "task": operator} | ({"outlet_events": events} if events is not None else {})
    result = run_try(context=cast(Context, context), deferrable=deferrable)
    assert ti.xcoms["output_url"] == result["outputs"][0]["url"]
    told = [line for line in warnings_in(lines) if "cannot be told what was made" in line]
    assert len(told) == (1 if events is None else 2)
    assert ("KeyError: 'outlet_events'" if events is None else "no such asset") in told[0]


def test_an_alias_without_a_saved_file_gets_nothing_and_the_log_says_so(lines: Lines) -> None:
    alias: Any = AssetAlias("videos")
    context = {"ti": FakeTaskInstance(), "task": runway(outlets=[alias]), "outlet_events": Events(SimpleNamespace())}
    tell_assets(this_try(context), made(None), None)
    [said] = warnings_in(lines)
    assert "no file of it was saved" in said
    assert "gets no asset" in said


@pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="references to assets came with Airflow 3.0")
def test_an_outlet_may_be_a_reference_to_an_asset(lines: Lines) -> None:
    reference = Asset.ref(name="video")
    told = SimpleNamespace(extra={})
    context = {"ti": FakeTaskInstance(), "task": runway(outlets=[reference]), "outlet_events": Events(told)}
    tell_assets(this_try(context), made(SAVED), None)
    assert told.extra["uris"] == [SAVED]


def test_what_is_no_asset_among_the_outlets_is_passed_by(lines: Lines) -> None:
    context = {"ti": FakeTaskInstance(), "task": runway(), "outlet_events": Events()}
    context["task"].outlets = ["a table"]  # type: ignore[attr-defined]
    tell_assets(this_try(context), made(SAVED), None)
    assert warnings_in(lines) == []


def where_lineage_is() -> Any:
    """Airflow's module: up to 3.1 in its core, then in its SDK."""
    return importlib.import_module("airflow.sdk.lineage" if AIRFLOW_V_3_2_PLUS else "airflow.lineage.hook")


@pytest.fixture
def lineage(monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is told of inputs and outputs to Airflow's collector, as a plugin such as OpenLineage's reads it."""
    module = where_lineage_is()
    made = module.HookLineageCollector()
    monkeypatch.setattr(module, "get_hook_lineage_collector", lambda: made)
    return module.HookLineageReader().retrieve_hook_lineage


def uris(told: Any) -> list[str]:
    return [each.asset.uri if AIRFLOW_V_3_0_PLUS else each.dataset.uri for each in told]


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_collector_of_lineage_is_told_of_inputs_and_outputs(
    wiro_emulator: WiroEmulator, lineage: Any, deferrable: bool
) -> None:
    image = "https://user@example.com/kite.png?X-Amz-Signature=abc"
    result = run_try(input_image_url=image, deferrable=deferrable)
    told = lineage()
    assert uris(told.inputs) == ["https://example.com/kite.png"]
    assert uris(told.outputs) == [result["outputs"][0]["url"].partition("?")[0]]
    assert {type(each.context).__name__ for each in (*told.inputs, *told.outputs)} == {"WiroHook"}


def test_a_file_that_went_in_is_named_by_where_it_was(
    wiro_emulator: WiroEmulator, lineage: Any, tmp_path: Path
) -> None:
    image = tmp_path / "kite.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    given: dict[str, Any] = {"input_image": f"file://{image}", "input_image_url": None}
    context = {"ti": FakeTaskInstance(), "task": runway(**given)}
    run_try(context=cast(Context, context), **given)
    assert f"file://{image}" in uris(lineage().inputs)


def test_a_saved_file_is_the_output_in_the_place_of_its_url(lineage: Any) -> None:
    tell_assets(this_try({}), made(SAVED), None)
    assert uris(lineage().outputs) == ["s3://media/2221/0.mp4"]


def test_a_collector_that_breaks_fails_nothing_that_is_paid(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    def broken() -> None:
        raise RuntimeError("no plugins")

    monkeypatch.setattr(where_lineage_is(), "get_hook_lineage_collector", broken)
    assert run_try()["taskid"] == FIRST
    [said] = warnings_in(lines)[-1:]
    assert "its lineage cannot be told what was made: RuntimeError: no plugins" in said
