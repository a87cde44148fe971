"""The links of a task instance: what Airflow shows is what Airflow keeps of a serialised DAG and its XComs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_3_PLUS
from airflow.providers_manager import ProvidersManager

from airflow_provider_wiro.compat import TaskDeferred
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.get_provider_info import get_provider_info
from airflow_provider_wiro.links import wiro as links
from airflow_provider_wiro.links.gallery import WiroGalleryLink, gallery_links, gallery_page
from airflow_provider_wiro.links.wiro import WiroModelLink, WiroOutputLink
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.sensors.wiro import WiroTaskSensor
from airflow_provider_wiro.transfers.wiro_to_object_storage import WiroToObjectStorageOperator
from doubles import FakeTaskInstance, context_of, event
from operators import IMAGE, PROMPT, generic, runway
from small_airflow import Run, warnings_of_airflow

MODEL_PAGE = "https://wiro.ai/models/runway/image-to-video-gen4-turbo"
BOTH = {"Output", "Wiro model"}
GALLERY = {link.name for link in gallery_links()}


def serialised(build: Callable[[], object]) -> Any:
    """Return the DAG as Airflow's web server has it."""
    with warnings_of_airflow():
        from airflow.serialization import serialized_objects

        serializer: Any = getattr(serialized_objects, "DagSerialization", None) or serialized_objects.SerializedDAG
        with DAG("links", schedule=None) as dag:
            build()
        return serializer.from_dict(json.loads(json.dumps(serializer.to_dict(dag))))


def one_of_each() -> None:
    runway(task_id="typed")
    generic(task_id="any")
    videos: Any = RunwayImageToVideoOperator.partial(task_id="mapped", prompt=PROMPT)
    videos.expand(input_image_url=[IMAGE, IMAGE])
    WiroTaskSensor(task_id="sensor", taskid="2221")
    WiroToObjectStorageOperator(task_id="transfer", taskid="2221", save_to="/videos")


def test_airflow_knows_the_links() -> None:
    names = {f"{kind.__module__}.{kind.__name__}" for kind in (WiroModelLink, WiroOutputLink, WiroGalleryLink)}
    assert set(get_provider_info()["extra-links"]) == names
    assert names <= set(ProvidersManager().extra_links_class_names)


def test_a_serialised_dag_keeps_the_links() -> None:
    dag = serialised(one_of_each)
    kept = {task_id: set(dag.get_task(task_id).extra_links) for task_id in dag.task_dict}
    both, output = BOTH | GALLERY, {"Output"} | GALLERY
    assert kept == {"typed": both, "any": both, "mapped": both, "sensor": output, "transfer": output}


@pytest.mark.skipif(AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_3_PLUS, reason="DAG.test keeps no links before 3.3")
def test_a_finished_task_leads_to_its_model_and_its_video(
    run_dag: Callable[..., Run], wiro_emulator: WiroEmulator
) -> None:
    def build() -> None:
        runway(task_id="video", deferrable=True)
        many: Any = RunwayImageToVideoOperator.partial(task_id="mapped", prompt=PROMPT, poll_interval=0.1)
        many.expand(input_image_url=[IMAGE, "https://example.com/2.png"])

    run = run_dag(build)
    assert run.state == "success"
    dag = serialised(build)
    for ti in run.instances:
        shown = {name: dag.get_task(ti.task_id).get_extra_links(ti, name) for name in BOTH}
        url = run.xcom("output_url", task_id=ti.task_id, map_index=ti.map_index)
        assert shown == {"Wiro model": MODEL_PAGE, "Output": url}
        assert url.startswith("http://127.0.0.1")


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, FakeTaskInstance], dict[str, str]]:
    """What the links say of an operator that has just ended: in the worker on Airflow 3, from XCom on Airflow 2."""

    def shown(operator: Any, ti: FakeTaskInstance) -> dict[str, str]:
        monkeypatch.setattr("airflow_provider_wiro.compat.XCom", Keeper, raising=False)
        return {
            link.name: link.get_link(operator, ti_key=ti) for link in operator.operator_extra_links if link.name in BOTH
        }

    return shown


class Keeper:
    @staticmethod
    def get_value(*, ti_key: FakeTaskInstance, key: str) -> Any:
        return ti_key.xcoms.get(key)


Shown = Callable[[Any, FakeTaskInstance], dict[str, str]]


def test_a_deferred_task_leads_to_its_model_and_once_it_has_ended_to_its_video(
    wiro_emulator: WiroEmulator, shown: Shown
) -> None:
    operator, ti = runway(deferrable=True), FakeTaskInstance()
    with pytest.raises(TaskDeferred):
        operator.execute(context_of(ti))
    assert shown(operator, ti) == {"Wiro model": MODEL_PAGE}
    resumed, url = runway(deferrable=True), "https://cdn.wiro.ai/2221/0.mp4"
    result = {"taskid": ti.xcoms["taskid"], "outputs": [{"url": url}], "status": "task_postprocess_end"}
    told = event(taskid=ti.xcoms["taskid"], result={"cost_usd": 0.1, "elapsed_seconds": 3.0, "text": None, **result})
    resumed.execute_complete(context_of(ti), told)
    assert shown(resumed, ti) == {"Output": url}  # the other ones are kept since the deferral


def test_a_saved_file_without_a_page_leads_to_wiro(wiro_emulator: WiroEmulator, shown: Shown, tmp_path: Path) -> None:
    for operator in (
        generic(save_to=str(tmp_path)),
        WiroToObjectStorageOperator(task_id="video", taskid="2221", save_to=str(tmp_path)),
        WiroTaskSensor(task_id="video", taskid="2221", poll_interval=0.1),
    ):
        ti = FakeTaskInstance()
        if not isinstance(operator, WiroRunOperator):
            operator.taskid = wiro_emulator.runs[0].taskid
        operator.execute(context_of(ti))
        assert shown(operator, ti)["Output"] == wiro_emulator.runs[0].outputs[0]["url"]


ONE, TWO = "https://cdn.wiro.ai/2221/0.png", "https://cdn.wiro.ai/2221/1.png"


@pytest.mark.parametrize(
    ("outputs", "pushed", "leads_to"),
    [
        pytest.param([{"url": ONE}, {"url": TWO}], True, "the gallery", id="two files"),
        pytest.param(
            [{"url": None, "uri": "/v/0.png"}, {"url": None, "uri": "/v/1.png"}], True, "the gallery", id="saved"
        ),
        pytest.param([{"url": ONE}, {"url": TWO}], False, ONE, id="two files that are not in XCom"),
        pytest.param([{"url": None, "content": "a kite"}, {"url": ONE}], True, ONE, id="a text and a file"),
        pytest.param([{"url": None, "content": "a"}, {"url": None, "content": "b"}], True, "", id="two texts"),
    ],
)
def test_several_outputs_lead_to_the_gallery_where_there_is_one(
    shown: Shown, outputs: list[dict[str, Any]], pushed: bool, leads_to: str
) -> None:
    """Airflow 2 and 3.0 have no gallery, and lead to the first one."""
    resumed, ti = generic(deferrable=True, do_xcom_push=pushed), FakeTaskInstance()
    whole = [{"name": None, "content_type": None, "size": None, "content": None, **output} for output in outputs]
    result = {"taskid": "2221", "outputs": whole, "status": "task_postprocess_end", "cost_usd": 0.1}
    told = event(taskid="2221", result={**result, "elapsed_seconds": 3.0, "text": None})
    resumed.execute_complete(context_of(ti), told)
    first = next((output["url"] for output in outputs if output["url"]), "")
    expected = leads_to if leads_to != "the gallery" else gallery_page(ti) if GALLERY else first
    assert shown(resumed, ti)["Output"] == (expected if AIRFLOW_V_3_0_PLUS or pushed else "")


def test_a_task_that_failed_leads_to_its_model_alone(wiro_emulator: WiroEmulator, shown: Shown) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="too dark")
    operator, ti = generic(), FakeTaskInstance()
    with pytest.raises(Exception, match="too dark"):
        operator.execute(context_of(ti))
    assert shown(operator, ti) == {"Wiro model": "https://wiro.ai/models/owner/video", "Output": ""}


@pytest.mark.parametrize("link", [WiroModelLink(), WiroOutputLink()], ids=lambda link: link.name)
def test_a_link_that_cannot_be_made_is_empty_and_ends_nothing(link: Any) -> None:
    """Airflow 3.0 fails a task whose link raises, and refuses None in XCom."""
    assert link.get_link(object(), ti_key=object()) == ""


AWS = "https://s3.console.aws.amazon.com/s3/object/bucket?prefix=0.mp4"
CONNECTIONS = {
    "aws": ({"extra": {"region_name": "eu-west-1"}}, AWS),
    "minio": ({"extra": {"endpoint_url": "http://minio:9000"}}, ""),
    "service": ({"extra": {"service_config": {"s3": {"endpoint_url": "http://minio:9000"}}}}, ""),
    "china": ({"extra": {"region_name": "cn-north-1"}}, ""),
    "old": ({"host": "minio.internal"}, ""),
}


@pytest.mark.parametrize("conn_id", CONNECTIONS)
def test_only_what_is_amazons_leads_to_amazons_console(conn_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection, page = CONNECTIONS[conn_id]
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({"conn_type": "aws", **connection}))
    assert links.page_of(f"s3://{conn_id}@bucket/0.mp4") == page


def test_without_a_connection_the_environment_says_whose_the_bucket_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert links.page_of("s3://bucket/0.mp4") == AWS
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://minio:9000")
    assert links.page_of("s3://bucket/0.mp4") == ""
