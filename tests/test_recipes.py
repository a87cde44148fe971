"""Each DAG of docs/recipes.md works as it stands there."""

from __future__ import annotations

import os
import re
import shlex
from datetime import timedelta
from pathlib import Path
from runpy import run_path
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.journals import mark
from assets import asset_events, register_alias
from small_airflow import Run, run_as_written, warnings_of_airflow

PAGE = (Path(__file__).parent.parent / "docs" / "recipes.md").read_text()
BLOCKS = {
    name: block
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    for name in re.findall(r'with DAG\("(\w+)"', block)
}

pytestmark = pytest.mark.usefixtures("airflow_database")


def read(name: str) -> dict[str, Any]:
    """Save a DAG file of the page where Airflow looks for them, and read it."""
    path = Path(os.environ["AIRFLOW_HOME"]) / "dags" / f"{name}.py"
    path.write_text(BLOCKS[name])
    with warnings_of_airflow():
        return run_path(str(path))


def run(name: str, **arguments: Any) -> Run:
    return run_as_written(read(name)["dag"], **arguments)


def test_each_block_is_a_dag_that_is_run_here() -> None:
    assert len(BLOCKS) == PAGE.count("```python")
    assert {name for name in BLOCKS if f'"{name}"' not in Path(__file__).read_text()} == set()


def test_many_tasks_that_may_end_in_the_triggerer(wiro_emulator: WiroEmulator) -> None:
    ended = run("wiro_many_images")
    assert ended.state == "success"
    assert wiro_emulator.count("Run") == 2


def test_an_execution_timeout_stops_the_generation_before_it_is_over(wiro_emulator: WiroEmulator) -> None:
    dag = read("wiro_in_ten_minutes")["dag"]
    assert run_as_written(dag).state == "success"
    dag.get_task("generate_video").execution_timeout = timedelta(seconds=4)
    wiro_emulator.outcome(hold=True)
    ended = run_as_written(dag)
    assert ended.state == "failed"
    assert ended.xcom("wiro_generation", task_id="generate_video")["outcome"] == "timeout"
    assert [task.status for task in wiro_emulator.runs] == ["task_postprocess_end", "task_cancel"]


def test_a_retry_pays_only_for_what_the_try_before_has_not(
    wiro_emulator: WiroEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    mark(tmp_path)
    dag = read("wiro_with_retries")["dag"]
    dag.get_task("generate_video").retry_delay = timedelta(0)
    wiro_emulator.outcome(pexit="1", debugerror="no GPU left", duration=0.0)
    ended = run_as_written(dag)
    assert (ended.state, wiro_emulator.count("Run")) == ("success", 2)
    wiro_emulator.outcome(pexit="1", debugerror="SAFETY.INPUT.TEXT", duration=0.0)
    ended = run_as_written(dag)
    assert (ended.state, wiro_emulator.count("Run")) == ("failed", 3)


def test_a_pool_holds_what_is_deferred(wiro_emulator: WiroEmulator) -> None:
    [words] = re.findall(r"^airflow (pools .*)$", PAGE, re.MULTILINE)
    with warnings_of_airflow():
        from airflow.cli import cli_parser
        from airflow.models.pool import Pool

        arguments = cli_parser.get_parser().parse_args(shlex.split(words))
        arguments.func(arguments)
        pool = Pool.get_pool("wiro")
    assert pool is not None
    assert (pool.slots, pool.include_deferred) == (5, True)
    ended = run("wiro_in_a_pool")
    assert ended.state == "success"
    assert {ti.pool for ti in ended.instances} == {"wiro"}
    assert sorted(task.inputs["prompt"] for task in wiro_emulator.runs) == ["A boat.", "A kite.", "A train."]


def test_an_asset_gets_an_event(wiro_emulator: WiroEmulator) -> None:
    names = read("wiro_with_an_asset")
    with DAG("beside", schedule=[names["VIDEO"]], start_date=pendulum.datetime(2026, 1, 1, tz="UTC")) as beside:
        pass
    assert run_as_written(names["dag"], beside=beside).state == "success"
    [task] = wiro_emulator.runs
    [event] = asset_events(names["VIDEO"].uri)
    table = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.*?) \|", PAGE, re.MULTILINE))))
    assert set(event.extra) == table
    assert event.extra["uris"] == [task.outputs[0]["url"]]


def test_an_alias_gets_an_asset_for_a_saved_file(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    register_alias("videos")
    assert run("wiro_with_an_alias", run_conf={"folder": str(tmp_path)}).state == "success"
    [task] = wiro_emulator.runs
    uri = f"file://{tmp_path}/{task.taskid}/0.mp4"
    [event] = asset_events(uri)
    assert (event.extra["uri"], event.extra["taskid"]) == (uri, task.taskid)


def test_a_hook_waits_and_stops_at_its_timeout_where_it_is_told_to(wiro_emulator: WiroEmulator) -> None:
    ended = run("wiro_by_hand")
    assert ended.state == "success"
    [task] = wiro_emulator.runs
    assert ended.xcom(task_id="film")["taskid"] == task.taskid
    block = BLOCKS["wiro_by_hand"].replace("timeout=600", "timeout=1")
    wiro_emulator.outcome(hold=True)
    path = Path(os.environ["AIRFLOW_HOME"]) / "dags" / "wiro_by_hand.py"
    path.write_text(block)
    with warnings_of_airflow():
        dag = run_path(str(path))["dag"]
    assert run_as_written(dag).state == "failed"
    assert wiro_emulator.runs[-1].status == "task_cancel"
