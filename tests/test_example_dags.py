"""Each example DAG does what it says, on the installed Airflow and the emulator."""

from __future__ import annotations

import hashlib
import json
import logging
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.exceptions import AirflowOptionalProviderFeatureException
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_1_PLUS, AIRFLOW_V_3_3_PLUS

import airflow_provider_wiro
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroTaskFailed
from airflow_provider_wiro.hooks.wiro import WiroHook
from assets import asset_events
from small_airflow import run_as_written, warnings_of_airflow

pytestmark = pytest.mark.usefixtures("airflow_database")

# The wheel brings them; a checkout has them at its top.
BROUGHT = Path(airflow_provider_wiro.__file__).parent / "example_dags"
EXAMPLES = BROUGHT if BROUGHT.exists() else Path(__file__).parent.parent / "example_dags"
AT = {"logical_date" if AIRFLOW_V_3_0_PLUS else "execution_date": pendulum.datetime(2026, 11, 22, tz="UTC")}


def example(name: str) -> Any:
    """Import an example as Airflow would."""
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = module_from_spec(spec)
    with warnings_of_airflow():
        spec.loader.exec_module(module)
    return module


def sent(emulator: WiroEmulator) -> list[tuple[str, Any]]:
    return [(task.model, task.inputs) for task in emulator.runs]


def test_each_example_has_a_test_here() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert {name for name in names if f'"{name}"' not in Path(__file__).read_text()} == set()


@pytest.mark.parametrize("name", sorted(path.stem for path in EXAMPLES.glob("*.py")))
def test_no_example_pays_by_itself(name: str, airflow_database: None) -> None:
    """Airflow 3.3 loads the examples of an installed wheel, unless it is told to load none."""
    try:
        dags = {dag.dag_id: dag for dag in vars(example(name)).values() if isinstance(dag, DAG)}
    except (ImportError, AirflowOptionalProviderFeatureException) as error:
        if AIRFLOW_V_3_1_PLUS:
            raise
        pytest.skip(f"it asks a person, for which Airflow 3.1 came with operators: {error}")
    waits = {"NullTimetable", "AssetTriggeredTimetable", "DatasetTriggeredTimetable"}
    begin = [dag for dag in dags.values() if type(dag.timetable).__name__ not in waits]
    assert dags
    assert [dag.dag_id for dag in begin if not dag.is_paused_upon_creation] == []


@pytest.mark.parametrize("name", ["wiro_image_to_video", "wiro_nightly_video"])
def test_one_video_is_made(name: str, wiro_emulator: WiroEmulator) -> None:
    run = run_as_written(example(name).dag, **AT)
    assert run.state == "success"
    [(_, inputs)] = sent(wiro_emulator)
    assert ("2026-11-22" in inputs["prompt"]) is (name == "wiro_nightly_video")


def test_the_nightly_video_is_scheduled_and_not_made_up_for() -> None:
    dag = example("wiro_nightly_video").dag
    assert (dag.schedule if AIRFLOW_V_3_0_PLUS else dag.schedule_interval) == "0 2 * * *"
    assert dag.catchup is False


def test_a_form_gives_prompt_image_and_duration(wiro_emulator: WiroEmulator) -> None:
    form = {"prompt": "A kite.", "image": "https://example.com/kite.png", "duration": 10}
    assert run_as_written(example("wiro_video_from_a_form").dag, run_conf=form).state == "success"
    [(_, inputs)] = sent(wiro_emulator)
    assert (inputs["prompt"], inputs["inputImageUrl"], inputs["duration"]) == ("A kite.", form["image"], "10")


def test_an_image_in_a_folder_becomes_a_video_in_a_folder_that_another_dag_reads(
    wiro_emulator: WiroEmulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "kite.png").write_bytes(b"a kite")
    conf = {"image": str(tmp_path / "kite.png"), "folder": str(tmp_path / "videos")}
    module = example("wiro_video_in_a_bucket")
    run = run_as_written(module.dag, beside=module.publishing, run_conf=conf)
    assert run.state == "success"
    [task] = wiro_emulator.runs
    video = tmp_path / "videos" / "wiro_video_in_a_bucket" / task.taskid / "0.mp4"
    assert run.xcom("output_uri", task_id="generate_video") == video.as_uri()
    manifest = json.loads(video.with_name("manifest.json").read_text())
    assert manifest["files"] == {"inputImageUrl": hashlib.sha256(b"a kite").hexdigest()}
    [event] = asset_events(module.VIDEO.uri)
    publish = module.publishing.get_task("publish").python_callable
    with caplog.at_level(logging.INFO, logger=module.log.name):
        assert publish(triggering_asset_events={module.VIDEO.uri: [event]}) == [video.stat().st_size]
    assert f"{video.as_uri()}: made by {task.model} for 0.25 USD" in caplog.messages


def test_a_taskid_of_elsewhere_is_saved(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    taskid = WiroHook().run("Runway/image-to-video-gen4-turbo", {"prompt": "A kite.", "inputImageUrl": "0.png"}).taskid
    conf = {"taskid": taskid, "folder": str(tmp_path)}
    run = run_as_written(example("wiro_save_a_taskid").dag, run_conf=conf)
    assert run.state == "success"
    assert (tmp_path / taskid / "0.mp4").exists()
    assert len(wiro_emulator.runs) == 1


def test_a_batch_with_bad_rows_keeps_the_good_ones_beside_their_rows(wiro_emulator: WiroEmulator) -> None:
    good = [{"prompt": f"Kite {n}.", "input_image_url": f"https://example.com/{n}.png"} for n in range(2)]
    bad = [good[0] | {"duration": 7}, good[0] | {"input_image_url": "kites/kite.png"}, good[0] | {"prompt": None}]
    scenes = [bad[0], good[0], bad[1], good[1], bad[2]]
    run = run_as_written(example("wiro_image_to_video_batch").dag, run_conf={"scenes": scenes})
    assert run.states()[("collect", -1)] == "success"
    states = [run.states()[("generate_video", n)] for n in range(5)]
    assert states == ["failed", "success", "failed", "success", "failed"]
    assert run.tries == 1  # a bad row is not tried again
    urls = {task.inputs["prompt"]: task.outputs[0]["url"] for task in wiro_emulator.runs}
    assert run.xcom(task_id="collect") == [
        bad[0] | {"video": None},
        good[0] | {"video": urls["Kite 0."]},
        bad[1] | {"video": None},
        good[1] | {"video": urls["Kite 1."]},
        bad[2] | {"video": None},
    ]


def test_what_a_text_model_writes_is_filmed(wiro_emulator: WiroEmulator) -> None:
    run = run_as_written(example("wiro_text_to_video").dag)
    assert run.state == "success"
    (text_model, _), (_, inputs) = sent(wiro_emulator)
    assert text_model == "openai/gpt-5-2"
    assert inputs["prompt"] == run.xcom("text", task_id="write_prompt") != ""


def test_what_an_image_model_draws_is_the_first_frame(wiro_emulator: WiroEmulator) -> None:
    assert run_as_written(example("wiro_text_to_image_to_video").dag).state == "success"
    image, video = wiro_emulator.runs
    assert video.inputs["inputImageUrl"] == image.outputs[0]["url"]


@pytest.mark.skipif(
    AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_3_PLUS, reason="DAG.test calls no callbacks from Airflow 3.0 to 3.2"
)
@pytest.mark.parametrize("charged", [None, "0.10"])
def test_the_callbacks_tell_the_cost(
    charged: str | None, wiro_emulator: WiroEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    if charged:
        wiro_emulator.outcome(pexit="1", debugerror="too dark", totalcost=charged)
    module = example("wiro_cost_callback")
    with caplog.at_level(logging.INFO, logger=module.log.name):
        run = run_as_written(module.dag)
    [task] = wiro_emulator.runs
    assert run.state == ("failed" if charged else "success")
    [line] = [record.getMessage() for record in caplog.records if record.name == module.log.name]
    if charged:
        assert line.startswith(f"generate_video: failed, Wiro task {task.taskid}, 0.1 USD: ")
        assert "too dark" in line
    else:
        assert line == f"generate_video: 0.25 USD for {task.outputs[0]['url']}"


@pytest.mark.parametrize(("cost", "told"), [(0.1, "0.1 USD"), (0.0, "0.0 USD"), (None, "no cost shown")])
def test_a_callback_tells_what_was_charged_on_each_airflow(
    cost: float | None, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    module = example("wiro_cost_callback")
    error = WiroTaskFailed("too dark", taskid="2221", cost_usd=cost)
    module.tell_the_failure({"ti": SimpleNamespace(task_id="generate_video"), "exception": error})
    assert caplog.messages == [f"generate_video: failed, Wiro task 2221, {told}: too dark"]


def test_a_taskid_of_elsewhere_is_waited_for_and_nothing_submitted(wiro_emulator: WiroEmulator) -> None:
    taskid = WiroHook().run("Runway/image-to-video-gen4-turbo", {"prompt": "A kite.", "inputImageUrl": "0.png"}).taskid
    run = run_as_written(example("wiro_wait_for_a_taskid").dag, run_conf={"taskid": taskid})
    assert run.state == "success"
    [task] = wiro_emulator.runs
    assert run.xcom(task_id="use") == task.outputs[0]["url"]


def test_a_sensor_waits_for_what_was_submitted(wiro_emulator: WiroEmulator) -> None:
    ended = run_as_written(example("wiro_submit_and_wait").dag)
    assert ended.state == "success"
    [task] = wiro_emulator.runs
    assert ended.xcom(task_id="use") == task.outputs[0]["url"]


def test_a_function_returns_the_inputs(wiro_emulator: WiroEmulator) -> None:
    ended = run_as_written(example("wiro_from_a_function").dag)
    assert ended.state == "success"
    image = ended.xcom("output_url", task_id="draw")
    sent = sorted(one_line(task.inputs["prompt"]) for task in wiro_emulator.runs)
    assert [prompt.partition(" at dawn on ")[0] for prompt in sent] == [
        "A boat,",
        "A kite,",
        "A lighthouse,",
        f"What is in the image {image}?",
    ]


def test_an_asset_tells_the_second_dag_where_the_video_is(
    wiro_emulator: WiroEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    module = example("wiro_video_asset")
    run = run_as_written(module.dag, beside=module.publishing)
    assert run.state == "success"
    [task] = wiro_emulator.runs
    [event] = asset_events(module.VIDEO.uri)
    url = task.outputs[0]["url"]
    assert event.extra == {"taskid": task.taskid, "model": task.model, "cost_usd": 0.25, "uris": [url]}
    publish = module.publishing.get_task("publish").python_callable
    with caplog.at_level(logging.INFO, logger=module.log.name):
        assert publish(triggering_asset_events={module.VIDEO.uri: [event]}) == [url]
    assert f"{url}: Wiro task {task.taskid}, 0.25 USD" in caplog.messages
    assert module.VIDEO.uri in f"{module.publishing.timetable!r} {vars(module.publishing.timetable)}"


@pytest.mark.skipif(not AIRFLOW_V_3_1_PLUS, reason="ApprovalOperator came with Airflow 3.1")
def test_a_video_waits_for_a_persons_yes(wiro_emulator: WiroEmulator) -> None:
    """``DAG.test`` asks nobody, so that it is told to take the approval for given."""
    module = example("wiro_human_approval")
    assert module.approval.upstream_task_ids == {"generate_image"}
    assert "approve_image" in module.video.upstream_task_ids
    run = run_as_written(module.dag, mark_success_pattern="approve_image")
    assert run.state == "success"
    image, video = wiro_emulator.runs
    assert video.inputs["inputImageUrl"] == image.outputs[0]["url"]


@pytest.mark.skipif(not AIRFLOW_V_3_1_PLUS, reason="HITLOperator came with Airflow 3.1")
def test_of_three_candidates_a_person_chooses_one(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """``DAG.test`` waits for an answer from outside, so the second one is given here."""
    module = example("wiro_three_candidates")
    bodies: list[str] = []

    def answered(asked: Any, context: Any) -> Any:
        bodies.append(asked.body)
        answer = {"chosen_options": ["2"], "params_input": {}, "responded_by_user": None}
        return asked.execute_complete(context, answer | {"responded_at": pendulum.now("UTC")})

    monkeypatch.setattr(module.HITLOperator, "execute", answered)
    run = run_as_written(module.dag)
    assert run.state == "success"
    urls = [run.xcom("output_url", task_id="generate_video", map_index=n) for n in range(3)]
    assert sorted(urls) == sorted(task.outputs[0]["url"] for task in wiro_emulator.runs)
    assert {str(task.inputs["seed"]) for task in wiro_emulator.runs} == {"1", "2", "3"}
    assert bodies == ["".join(f"- [Candidate {n}]({url})\n" for n, url in enumerate(urls, 1))]
    assert run.xcom(task_id="publish") == urls[1]
