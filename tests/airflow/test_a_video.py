"""From a DAG's task to a video: what a user gets, and what Wiro was asked for."""

from __future__ import annotations

import itertools
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_harness.jobs import TASK_ID, Job, Services, Starter
from airflow_harness.real_airflow import RealAirflow, airflow_version

PROMPTS = {"A steam engine", "A paper boat", "A kite", "A lighthouse"}
STATUS_CHANGES = re.compile(r"((?:task_\w+ -> )+task_\w+) after \d+\.\d s")


@pytest.fixture(scope="module")
def jobs(start: Starter) -> dict[str, Job]:
    """All of them run at the same time; each test looks at its own."""
    jobs = {name: start(name) for name in ("deferred", "sync", "submit_only", "any_model")}
    jobs["mapped"] = start("mapped", duration=4.0)
    for mode in ("deferred", "sync"):
        jobs[f"{mode} story"] = start(mode, hold="task_queue")
    return jobs


def expected_result(job: Job) -> dict[str, Any]:
    (task,) = job.wiro.runs
    (output,) = task.outputs
    return {
        "taskid": task.taskid,
        "status": "task_postprocess_end",
        "outputs": [
            {
                "url": output["url"],
                "name": output["name"],
                "content_type": output["contenttype"],
                "size": int(str(output["size"])),
                "content": None,
            }
        ],
        "text": None,
        "cost_usd": float(task.cost),
        "elapsed_seconds": pytest.approx(3.0, abs=0.5),
    }


@pytest.mark.parametrize("name", ["deferred", "sync", "any_model"])
def test_a_task_returns_the_video_and_has_paid_once(jobs: dict[str, Job], name: str) -> None:
    job = jobs[name]
    job.wait("success")
    assert job.xcom() == expected_result(job)
    assert job.xcom("taskid") == job.remote().taskid
    assert job.xcom("output_urls") == [job.remote().outputs[0]["url"]]
    assert job.wiro.count("Run") == 1
    assert job.wiro.count("Kill") == job.wiro.count("Cancel") == 0


@pytest.mark.parametrize("name", ["deferred", "sync"])
def test_all_links_are_there_at_the_end(jobs: dict[str, Job], name: str) -> None:
    job = jobs[name]
    job.wait("success")
    path = f"/dags/{job.dag_id}/dagRuns/{job.run_id}/taskInstances/{TASK_ID}/links"
    told = job.airflow.api.call("GET", path)
    links = told.get("extra_links", told)
    assert links["Wiro model"] == "https://wiro.ai/models/runway/image-to-video-gen4-turbo"
    assert links["Output"] == job.remote().outputs[0]["url"]
    assert ("Wiro gallery" in links) == (airflow_version() >= (3, 1))


@pytest.mark.parametrize("name", ["deferred story", "sync story"])
def test_the_log_tells_each_change_of_status_once(jobs: dict[str, Job], name: str) -> None:
    job = jobs[name]
    job.until(lambda: job.wiro.count("Detail"), "Wiro is asked for the status")
    job.release()
    job.wait("success")
    routes = [route.split(" -> ") for route in STATUS_CHANGES.findall(job.log)]
    changes = [change for route in routes for change in itertools.pairwise(route)]
    assert changes, job.log
    assert changes[0][0] == "task_queue"
    assert changes[-1][1] == "task_postprocess_end"
    for (_, reached), (left, _) in itertools.pairwise(changes):
        assert reached == left


def test_templates_are_rendered_before_wiro_sees_them(jobs: dict[str, Job]) -> None:
    jobs["deferred"].wait("success")
    assert jobs["deferred"].remote().model == "Runway/image-to-video-gen4-turbo"
    assert jobs["deferred"].remote().inputs == {
        "inputImageUrl": "https://example.com/first-frame.png",
        "prompt": "A steam engine in deferred",
        "ratio": "1280:720",
        "duration": "5",
        "contentModeration": "auto",
        "seed": 0,
    }
    job = jobs["deferred"]
    rendered = job.airflow.rendered_fields(job.dag_id, job.run_id, TASK_ID)
    assert rendered["prompt"] == "A steam engine in deferred"
    assert rendered["wiro_conn_id"] == job.conn_id


def test_inputs_may_come_from_another_task(jobs: dict[str, Job]) -> None:
    jobs["any_model"].wait("success")
    inputs = {"prompt": "A kite", "inputImageUrl": "https://example.com/kite.png", "duration": "10"}
    assert jobs["any_model"].remote().inputs == inputs


def test_a_mapped_task_makes_one_video_for_each_prompt(jobs: dict[str, Job], airflow: RealAirflow) -> None:
    job = jobs["mapped"]
    for index in range(4):
        airflow.wait_task(job.dag_id, job.run_id, TASK_ID, "success", map_index=index)
    assert {str(task.inputs["prompt"]) for task in job.wiro.runs} == PROMPTS
    assert job.wiro.count("Run") == 4
    results = [job.xcom(map_index=index) for index in range(4)]
    by_taskid = {task.taskid: task for task in job.wiro.runs}
    assert {result["taskid"] for result in results} == set(by_taskid)
    for index, result in enumerate(results):
        assert job.xcom("taskid", index) == result["taskid"]
        assert job.xcom("output_urls", index) == [by_taskid[result["taskid"]].outputs[0]["url"]]


def test_without_waiting_the_task_ends_right_after_the_submission(jobs: dict[str, Job]) -> None:
    job = jobs["submit_only"]
    job.wait("success")
    assert job.xcom() == {
        "taskid": job.remote().taskid,
        "status": None,
        "outputs": [],
        "text": None,
        "cost_usd": None,
        "elapsed_seconds": None,
    }
    assert job.xcom("taskid") == job.remote().taskid
    assert (job.wiro.count("Run"), job.wiro.count("Detail")) == (1, 0)
    assert job.wiro.count("Kill") == job.wiro.count("Cancel") == 0


def test_the_example_dags_run_as_they_are(airflow: RealAirflow, services: Services) -> None:
    wiro = services.emulators["wiro_default"]
    before = len(wiro.runs)
    single = airflow.trigger("wiro_image_to_video")
    batch = airflow.trigger("wiro_image_to_video_batch")
    airflow.wait_task("wiro_image_to_video", single, "generate_video", "success")
    airflow.wait_task("wiro_image_to_video_batch", batch, "collect", "success")
    urls = airflow.xcom("wiro_image_to_video", single, "generate_video", "output_urls")
    urls += [row["video"] for row in airflow.xcom("wiro_image_to_video_batch", batch, "collect")]
    made = wiro.runs[before:]
    assert sorted(urls) == sorted(str(task.outputs[0]["url"]) for task in made)
    assert len(made) == 5


def published(airflow: RealAirflow, dag_id: str) -> Any:
    """Wait for the DAG that an asset starts, and return what its task returns."""
    path = f"/dags/{dag_id}/dagRuns"
    airflow.wait_until(lambda: airflow.api.call("GET", path)["dag_runs"], f"{dag_id} is started")
    [run] = airflow.api.call("GET", path)["dag_runs"]
    airflow.wait_task(dag_id, run["dag_run_id"], "publish", "success")
    return airflow.xcom(dag_id, run["dag_run_id"], "publish")


def test_an_asset_starts_the_second_dag(airflow: RealAirflow, services: Services) -> None:
    making = airflow.trigger("wiro_make_the_video")
    airflow.wait_task("wiro_make_the_video", making, "generate_video", "success")
    url = airflow.xcom("wiro_make_the_video", making, "generate_video", "output_url")
    assert published(airflow, "wiro_publish_the_video") == [url]


def test_an_image_in_a_folder_becomes_a_video_in_a_folder_that_a_second_dag_reads(
    airflow: RealAirflow, services: Services, tmp_path: Path
) -> None:
    (tmp_path / "kite.png").write_bytes(b"a kite")
    conf = {"image": str(tmp_path / "kite.png"), "folder": str(tmp_path / "videos")}
    making = airflow.trigger("wiro_video_in_a_bucket", conf)
    airflow.wait_task("wiro_video_in_a_bucket", making, "generate_video", "success")
    taskid = airflow.xcom("wiro_video_in_a_bucket", making, "generate_video", "taskid")
    video = tmp_path / "videos" / "wiro_video_in_a_bucket" / taskid / "0.mp4"
    assert published(airflow, "wiro_publish_from_the_bucket") == [video.stat().st_size]
    manifest = json.loads(video.with_name("manifest.json").read_text())
    assert (manifest["taskid"], manifest["run_id"]) == (taskid, making)


def test_an_alias_gets_an_asset_and_an_event_for_each_saved_file(start: Starter, tmp_path: Path) -> None:
    conn_id, wiro = start.open()
    wiro.outcome(outputs=2)
    job = start.run("aliased", wiro, conn_id, folder=str(tmp_path))
    job.wait("success")
    kind = "asset" if airflow_version() >= (3, 0) else "dataset"
    statement = f"""
        SELECT {kind}.uri, event.extra, alias.name
        FROM {kind}_event event JOIN {kind} ON {kind}.id = event.{kind}_id
        JOIN {kind}_alias_{kind}_event via ON via.event_id = event.id JOIN {kind}_alias alias ON alias.id = via.alias_id
        WHERE event.source_dag_id = %(dag_id)s AND event.source_run_id = %(run_id)s ORDER BY {kind}.uri
    """
    task = job.remote()
    with job.rows(statement) as rows:
        told = [(uri, json.loads(extra) if isinstance(extra, str) else extra, name) for uri, extra, name in rows]
    uris = [f"file://{tmp_path}/{task.taskid}/{number}.mp4" for number in range(2)]
    extra = {"taskid": task.taskid, "model": task.model, "cost_usd": float(task.cost)}
    assert told == [(uri, extra | {"uri": uri}, "videos_of_a_run") for uri in uris]


@pytest.mark.skipif(airflow_version() < (3, 1), reason="ApprovalOperator came with Airflow 3.1")
@pytest.mark.parametrize(("answer", "state"), [("Approve", "success"), ("Reject", "skipped")])
def test_a_person_says_whether_a_video_is_paid_for(
    airflow: RealAirflow, services: Services, answer: str, state: str
) -> None:
    wiro, dag_id = services.emulators["wiro_default"], "wiro_human_approval"
    before = len(wiro.runs)
    run = airflow.trigger(dag_id)
    asked = f"/dags/{dag_id}/dagRuns/{run}/taskInstances/approve_image/-1/hitlDetails"
    airflow.wait_until(lambda: airflow.api.call("GET", asked, missing_ok=True), "a person is asked")
    assert len(wiro.runs) == before + 1
    url = wiro.runs[-1].outputs[0]["url"]
    assert airflow.api.call("GET", asked)["body"] == f"[The image]({url})"
    airflow.wait_task(dag_id, run, "approve_image", {"deferred", "awaiting_input"})  # the latter from 3.3 on
    time.sleep(5)  # a person is no faster: Airflow fails a task whose trigger fires too early
    airflow.api.call("PATCH", asked, {"chosen_options": [answer], "params_input": {}})
    airflow.wait_task(dag_id, run, "generate_video", state)
    assert len(wiro.runs) == before + (2 if answer == "Approve" else 1)


def test_airflow_lists_the_provider(airflow: RealAirflow) -> None:
    assert "airflow-provider-wiro" in airflow.command("providers", "list", "--output", "plain")
