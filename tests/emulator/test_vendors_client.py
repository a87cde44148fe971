"""The vendor's own client, pointed at the emulator, works: each of its calls, as it sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from vendor_client import VendorClient

from airflow_provider_wiro.emulator import WiroEmulator

RUNWAY = "runway/image-to-video-gen4-turbo"
INPUTS = {"prompt": "A train", "inputImageUrl": "https://example.com/a.png"}
PNG = b"\x89PNG\r\n\x1a\n\x00"


@pytest.fixture
def vendor(emulator: WiroEmulator) -> VendorClient:
    return VendorClient(emulator.url)


def test_it_finds_a_model_runs_it_and_waits_for_it(vendor: VendorClient, emulator: WiroEmulator) -> None:
    found = vendor.search_models(search="gen4")
    [model] = found["tool"]
    slug = f"{model['cleanslugowner']}/{model['cleanslugproject']}"
    [tool] = vendor.model_schema(slug)["tool"]
    items = {item["id"]: item for group in tool["parameters"] for item in group["items"]}
    run = vendor.run(slug, **INPUTS, ratio=items["ratio"]["options"][1]["value"])

    assert (found["result"], found["errors"], found["total"], slug) == (True, [], 1, RUNWAY)
    assert (run["result"], run["errors"]) == (True, [])
    emulator.advance(61)
    for reference in ({"tasktoken": run["socketaccesstoken"]}, {"taskid": run["taskid"]}):
        detail = vendor.request("/Task/Detail", reference)
        [task] = detail["tasklist"]
        assert (detail["result"], detail["total"], task["status"]) == (True, "1", "task_postprocess_end")
        assert (task["pexit"], task["outputs"][0]["contenttype"]) == ("0", "video/mp4")
        assert (task["modelslugowner"], task["modelslugproject"]) == ("Runway", "image-to-video-gen4-turbo")


def test_the_schema_of_gen4_turbo_is_the_one_of_its_page(vendor: VendorClient) -> None:
    [tool] = vendor.model_schema(RUNWAY)["tool"]
    items = {item["id"]: item for group in tool["parameters"] for item in group["items"]}

    assert {name: (item["type"], item["default"]) for name, item in items.items()} == {
        "inputImageUrl": ("text", ""),
        "prompt": (
            "textarea",
            "A miniature steam engine train travels along winding model railroad tracks, releasing gentle puffs of "
            "smoke into the air.",
        ),
        "ratio": ("select", "1280:720"),
        "duration": ("select", "5"),
        "contentModeration": ("select", "auto"),
        "seed": ("number", "0"),
    }
    assert [option["value"] for option in items["duration"]["options"]] == ["5", "10"]
    assert json.loads(tool["dynamicprice"])[0] == {"inputs": {"duration": "5"}, "price": 0.25, "priceMethod": "cpr"}
    assert tool["categories"] == ["tool", "text-to-video", "partner", "Runway"]


def test_a_text_model_answers_with_raw_content(vendor: VendorClient, emulator: WiroEmulator) -> None:
    run = vendor.run("openai/gpt-5-2", prompt="Where does the train go?")
    emulator.advance(61)
    [task] = vendor.request("/Task/Detail", {"tasktoken": run["socketaccesstoken"]})["tasklist"]

    [output] = task["outputs"]
    content = output["content"]
    assert set(output) == {"contenttype", "content"}
    assert (output["contenttype"], content["prompt"], content["thinking"]) == ("raw", "Where does the train go?", [])
    assert content["raw"] == "".join(content["answer"]) == task["debugoutput"] != ""
    assert float(task["totalcost"]) > 0


def test_it_browses_the_models(vendor: VendorClient) -> None:
    everything = vendor.search_models(limit=100)
    explored = vendor.request("/Tool/Explore", {})

    assert everything["total"] == len(everything["tool"]) == 11
    assert [tool["id"] for tool in vendor.search_models(start=1, limit=2)["tool"]] == [
        tool["id"] for tool in everything["tool"][1:3]
    ]
    assert [tool["slugproject"] for tool in vendor.search_models(slugowner="google")["tool"]] == ["veo3.1"]
    assert {tool["slugproject"] for tool in vendor.search_models(categories=["llm", "speech-to-text"])["tool"]} == {
        "gpt-5.2",
        "whisper-large-v3",
    }
    ids = [int(tool["id"]) for tool in vendor.search_models(sort="id", order="ASC")["tool"]]
    assert ids == sorted(ids)
    assert explored["result"] is True
    by_category = {category["title"]: category for category in explored["explore"]}
    assert [tool["cleanslugproject"] for tool in by_category["llm"]["tools"]] == ["gpt-5-2"]
    assert by_category["llm"]["total"] == 1


def test_it_lists_kills_and_cancels_by_the_token(vendor: VendorClient, emulator: WiroEmulator) -> None:
    first, second = vendor.run(RUNWAY, **INPUTS), vendor.run("openai/gpt-5-2", prompt="x")
    listed = vendor.list_tasks(model="gpt-5-2")

    assert [task["id"] for task in listed["tasklist"]] == [second["taskid"]]
    assert [task["id"] for task in vendor.list_tasks(start=1, limit=1)["tasklist"]] == [first["taskid"]]
    assert vendor.cancel(second["socketaccesstoken"])["tasklist"][0]["status"] == "task_cancel"
    emulator.advance(40)
    killed = vendor.request("/Task/Kill", {"socketaccesstoken": first["socketaccesstoken"]})
    assert (killed["result"], killed["tasklist"][0]["status"]) == (True, "task_cancel")


def test_it_uploads_a_file_and_runs_a_model_with_it(vendor: VendorClient) -> None:
    answer = vendor.upload("first frame.png", "image/png", PNG)
    [file] = answer["list"]

    assert (answer["result"], answer["errors"]) == (True, [])
    assert (file["name"], file["contenttype"], file["size"]) == ("first frame.png", "image/png", str(len(PNG)))
    assert requests.get(file["url"], timeout=5).content == PNG
    assert vendor.run(RUNWAY, prompt="A train", inputImageUrl=file["url"])["result"] is True


REFUSALS: list[tuple[str, dict[str, Any], int, str]] = [
    ("/Run/runway/nothing", INPUTS, 1, "slug-owner-project-not-exist"),
    ("/Tool/Detail", {"slugowner": "runway", "slugproject": "nothing"}, 1, "slug-owner-project-not-exist"),
    (f"/Run/{RUNWAY}", {"inputImageUrl": "a.png"}, 0, "Request parameter [prompt] required"),
    (f"/Run/{RUNWAY}", INPUTS | {"seed": "x"}, 0, "Request parameter [seed] must be integer or float"),
    (
        "/Run/runway/gen-4-5",
        {"prompt": "x", "duration": 11},
        0,
        "Request parameter [duration] must be between 2 and 10",
    ),
    ("/Run/openai/gpt-5-2", {}, 0, "Request parameter [prompt] required"),
    ("/Run/openai/whisper-large-v3", {}, 0, "Request files [inputAudio] required"),
    ("/Task/Detail", {"taskid": "1"}, 1, "There is no task yet."),
    ("/Task/Detail", {"tasktoken": "x"}, 1, "There is no task yet."),
    ("/Task/Kill", {"socketaccesstoken": "x"}, 1, "There is no task yet."),
    ("/Task/Detail", {}, 0, "taskid or socketaccesstoken is required"),
]


@pytest.mark.parametrize(("path", "body", "code", "message"), REFUSALS)
def test_it_is_refused_in_wiros_words(
    vendor: VendorClient, emulator: WiroEmulator, path: str, body: dict[str, Any], code: int, message: str
) -> None:
    assert vendor.request(path, body) == {"errors": [{"code": code, "message": message}], "result": False}
    assert emulator.runs == []


def test_a_task_that_is_over_can_be_neither_cancelled_nor_killed(vendor: VendorClient, emulator: WiroEmulator) -> None:
    run = vendor.run(RUNWAY, **INPUTS)
    emulator.advance(61)

    [error] = vendor.request("/Task/Cancel", {"taskid": run["taskid"]})["errors"]
    assert error == {"code": 1, "message": "Task is not in a cancellable state."}
    [error] = vendor.request("/Task/Kill", {"taskid": run["taskid"]})["errors"]
    assert error["message"].startswith("Task could not be killed: ")


@pytest.mark.parametrize(
    ("key", "secret", "message"),
    [
        ("emulator-key", "another", "Project authorization is not valid."),
        ("another", "emulator-secret", "Project authorization is not founded."),
        (
            "emulator-key",
            None,
            "Project requires signature authentication. x-signature and x-nonce headers are required.",
        ),
    ],
)
def test_wrong_credentials_are_http_401(emulator: WiroEmulator, key: str, secret: str | None, message: str) -> None:
    response = VendorClient(emulator.url, key, secret).send("/Task/Detail", {"taskid": "1"})

    assert response.status_code == 401
    assert response.json() == {"errors": [{"code": 0, "message": message}], "result": False}


def test_a_realtime_model_waits_for_a_person(vendor: VendorClient, emulator: WiroEmulator) -> None:
    run = vendor.run("openai/gpt-realtime")
    emulator.advance(600)
    [task] = vendor.request("/Task/Detail", {"taskid": run["taskid"]})["tasklist"]

    assert task["status"] == "task_stream_ready"
    assert vendor.request("/Task/Kill", {"taskid": run["taskid"]})["result"] is True
