"""What a Run accepts and answers."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from emulator_client import INPUTS, RUNWAY, Client

from airflow_provider_wiro.emulator import WiroEmulator

PNG = b"\x89PNG\r\n\x1a\n\x00\r\n--\r\n\x00\xff" + bytes(range(256))


def test_the_answer_is_the_documented_one(wiro: Client, emulator: WiroEmulator) -> None:
    answer = wiro.post(RUNWAY, **INPUTS, callbackUrl="a text as in the documentation", projectid="1")

    task = emulator.tasks[answer["taskid"]]
    assert answer == {"errors": [], "taskid": task.taskid, "socketaccesstoken": task.token, "result": True}
    assert task.model == "Runway/image-to-video-gen4-turbo"
    assert task.inputs["seed"] == 0
    assert len(task.token) == 30
    assert emulator.requests[0].body == task.inputs
    assert json.loads(emulator.requests[0].raw) == task.inputs


def test_every_documented_choice_is_accepted(wiro: Client) -> None:
    for ratio in ("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672"):
        wiro.run(ratio=ratio)
    wiro.run(duration="10", contentModeration="low", seed=-7)
    assert wiro.post(RUNWAY, prompt="x", inputImageUrl="a.png")["result"] is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ratio", "16:9"),
        ("ratio", 1.5),
        ("duration", 5),
        ("duration", "7"),
        ("duration", ""),
        ("contentModeration", "high"),
        ("seed", "0"),
        ("seed", 1.5),
        ("seed", True),
        ("seed", None),
        ("prompt", None),
        ("prompt", ["a"]),
        ("inputImageUrl", 7),
        ("inputImageUrl", "/data/a.png"),
        ("inputImageUrl", "./a.png"),
        ("inputImageUrl", "C:\\a.png"),
        ("inputImageUrl", "file:///data/a.png"),
        ("inputImageUrl", "data:image/png;base64,iVBORw0KGgo="),
        ("inputImageUrl", "s3://bucket/a.png"),
        ("inputImage", "https://example.com/a.png"),
        ("content_moderation", "auto"),
    ],
)
def test_a_bad_input_is_code_0_and_named(wiro: Client, emulator: WiroEmulator, name: str, value: Any) -> None:
    code, message = wiro.refusal(RUNWAY, **(INPUTS | {name: value}))

    assert code == 0
    assert name in message
    assert emulator.runs == []
    assert emulator.requests[-1].error == message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("prompt", "Request parameter [prompt] required"),
        ("inputImageUrl", "Request parameter [inputImageUrl] required"),
    ],
)
def test_without_a_prompt_or_an_image_a_run_is_code_0(
    wiro: Client, emulator: WiroEmulator, name: str, message: str
) -> None:
    without = {key: value for key, value in INPUTS.items() if key != name}

    assert wiro.refusal(RUNWAY, **without) == (0, message)
    assert wiro.refusal(RUNWAY, **without, **{name: ""}) == (0, message)
    assert emulator.runs == []


def test_another_runway_model_does_not_exist_and_another_owners_takes_anything(wiro: Client) -> None:
    for unknown in ("Runway/gen5", "runway/gen5", "RUNWAY/image-to-video-gen4-turbo", "google/veo3.1"):
        assert wiro.refusal(f"/Run/{unknown}", prompt="x") == (1, "slug-owner-project-not-exist")
    wiro.run("/Run/someone/anything", whatever={"deep": [1, 2.5, None]})


def test_a_file_goes_as_real_multipart(wiro: Client, emulator: WiroEmulator) -> None:
    fields = INPUTS | {"inputImageUrl": "", "seed": "7", "prompt": "Zug – 列車"}
    answer = wiro.send(RUNWAY, data=fields, files={"inputImage": ("Zug ä.png", PNG, "image/png")}).json()

    assert answer["result"] is True, answer
    image = emulator.tasks[answer["taskid"]].inputs["inputImage"]
    assert (getattr(image, "filename", None), getattr(image, "data", None)) == ("Zug ä.png", PNG)
    parameters = wiro.detail(answer["taskid"])["parameters"]
    assert parameters["prompt"] == "Zug – 列車"
    kept = requests.get(parameters["inputImage"], timeout=5)
    assert (kept.content, kept.headers["Content-Type"]) == (PNG, "image/png")


@pytest.mark.parametrize("seed", ["", "1.5", "x", "٣"])
def test_a_form_field_that_is_no_number_is_refused_as_seed(wiro: Client, seed: str) -> None:
    answer = wiro.send(RUNWAY, data=INPUTS | {"seed": seed}, files={"inputImage": ("a.png", PNG)}).json()

    assert (answer["result"], answer["errors"][0]["code"]) == (False, 0)
    assert "seed" in answer["errors"][0]["message"]


def test_the_documentations_own_curl_works(wiro: Client) -> None:
    response = wiro.send(RUNWAY, data=json.dumps(INPUTS), headers={"Content-Type": "multipart/form-data"})

    assert response.json()["result"] is True


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b"\xff"),
        ("application/x-www-form-urlencoded", b"prompt=x"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--'),
    ],
)
def test_an_unreadable_body_is_code_0(wiro: Client, emulator: WiroEmulator, content_type: str, body: bytes) -> None:
    response = wiro.send(RUNWAY, data=body, headers={"Content-Type": content_type})

    assert (response.status_code, response.json()["errors"][0]["code"]) == (200, 0)
    assert (emulator.requests[-1].body, emulator.requests[-1].raw) == (None, body)


def test_beyond_the_accounts_limit_a_run_is_code_96_until_a_task_is_over() -> None:
    with WiroEmulator(duration=60, concurrency=2) as emulator, Client(emulator.url) as wiro:
        wiro.run()
        wiro.run()
        code, message = wiro.refusal(RUNWAY, **INPUTS)
        assert code == 96
        assert message == (
            "You have reached your concurrent task limit. With your current balance of $20, you can run up to 2 tasks "
            "at the same time. Add funds to increase your limit."
        )
        assert len(emulator.active) == emulator.peak_active == 2

        emulator.advance(61)
        wiro.run()
        assert (len(emulator.active), emulator.peak_active, len(emulator.runs)) == (1, 2, 3)
