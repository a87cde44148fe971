"""The models that the emulator knows by name: what they take, what they make, what they cost."""

from __future__ import annotations

import wave
from io import BytesIO
from typing import Any

import pytest
import requests
from emulator_client import Client

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.catalogue import models

INVALID = "Request parameters are invalid."
UNREACHABLE = "must be an http(s) URL, or the url that File/Upload has answered"
IMAGE = "https://example.com/a.png"
GOOD: dict[str, dict[str, Any]] = {
    "runway/image-to-video-gen4-turbo": {"prompt": "x", "inputImageUrl": IMAGE},
    "runway/gen-4-5": {"prompt": "x", "duration": 4, "inputImage": [IMAGE]},
    "google/veo3-1": {"prompt": "x", "durationSeconds": "8", "generateAudio": "true", "seed": 7},
    "klingai/kling-v3": {"prompt": "x", "inputImageUrl": IMAGE, "inputImage": "", "duration": 5},
    "black-forest-labs/flux-2-pro": {"prompt": "x", "width": "512"},
    "openai/gpt-5-2": {"prompt": "x"},
    "wiro/virtual-try-on": {"inputImageHuman": IMAGE, "inputImageClothes": [IMAGE, IMAGE]},
    "wiro/video-merge": {"inputVideoMultipleUrl": f"{IMAGE},{IMAGE}", "inputVideoMultiple": ""},
    "elevenlabs/text-to-speech": {"prompt": "Hello", "model": "eleven_v3"},
    "openai/whisper-large-v3": {"inputAudioUrl": "https://example.com/a.mp3", "diarization": True},
    "openai/gpt-realtime": {},
}
MADE = {
    "runway/image-to-video-gen4-turbo": ("video/mp4", 0.25),
    "runway/gen-4-5": ("video/mp4", 0.48),
    "google/veo3-1": ("video/mp4", 3.2),
    "klingai/kling-v3": ("video/mp4", 0.7),
    "black-forest-labs/flux-2-pro": ("image/png", 0.03),
    "openai/gpt-5-2": ("raw", 0.0014),
    "wiro/virtual-try-on": ("image/png", 0.14),
    "wiro/video-merge": ("video/mp4", 0.0042),
    "elevenlabs/text-to-speech": ("audio/wav", 0.0015),
    "openai/whisper-large-v3": ("raw", 0.01),
}


def test_each_model_has_its_example() -> None:
    assert set(GOOD) == {model.slug for model in models()}


@pytest.mark.parametrize("slug", GOOD)
def test_each_model_takes_what_its_schema_says(wiro: Client, slug: str) -> None:
    wiro.run(f"/Run/{slug}", **GOOD[slug])


@pytest.mark.parametrize("slug", MADE)
def test_each_model_makes_what_its_category_says_at_its_price(wiro: Client, emulator: WiroEmulator, slug: str) -> None:
    taskid = wiro.run(f"/Run/{slug}", **GOOD[slug])
    emulator.advance(61)
    row = wiro.detail(taskid)
    [output] = row["outputs"]

    assert (output["contenttype"], float(row["totalcost"])) == (MADE[slug][0], pytest.approx(MADE[slug][1]))


def test_images_and_sounds_are_files_that_can_be_opened(wiro: Client, emulator: WiroEmulator) -> None:
    image, sound = (wiro.run(f"/Run/{slug}", **GOOD[slug]) for slug in list(GOOD)[4:9:4])
    emulator.advance(61)
    png, wav = (requests.get(wiro.detail(task)["outputs"][0]["url"], timeout=5).content for task in (image, sound))

    assert png.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x40\x00\x00\x00\x24")
    with wave.open(BytesIO(wav)) as file:
        assert file.getnframes() / file.getframerate() == 1


@pytest.mark.parametrize(
    ("slug", "inputs", "message"),
    [
        (
            "google/veo3-1",
            {"durationSeconds": "5"},
            "Request parameters are invalid. durationSeconds must be one of 4, 6, 8",
        ),
        (
            "black-forest-labs/flux-2-pro",
            {"prompt": "x", "width": "wide"},
            "Request parameter [width] must be integer or float",
        ),
        (
            "black-forest-labs/flux-2-pro",
            {"prompt": "x", "width": True},
            "Request parameter [width] must be integer or float",
        ),
        (
            "black-forest-labs/flux-2-pro",
            {"prompt": "x", "width": 4096},
            "Request parameter [width] must be between 0 and 2048",
        ),
        ("wiro/virtual-try-on", {"inputImageHuman": IMAGE}, "Request files [inputImageClothes] required"),
        (
            "wiro/virtual-try-on",
            {"inputImageHuman": IMAGE, "inputImageClothes": [IMAGE, "file:///a.png"]},
            f"{INVALID} inputImageClothes {UNREACHABLE}",
        ),
        (
            "wiro/video-merge",
            {"inputVideoMultipleUrl": f"{IMAGE}, /a.mp4"},
            f"{INVALID} inputVideoMultiple {UNREACHABLE}",
        ),
    ],
)
def test_a_bad_input_is_refused_in_the_documented_words(
    wiro: Client, emulator: WiroEmulator, slug: str, inputs: dict[str, Any], message: str
) -> None:
    assert wiro.refusal(f"/Run/{slug}", **inputs) == (0, message)
    assert emulator.runs == []


def test_an_uploaded_file_is_an_input_too(wiro: Client, emulator: WiroEmulator) -> None:
    files = {"inputImageHuman": ("a.png", b"x"), "inputImageClothes": ("b.png", b"y")}
    assert wiro.send("/Run/wiro/virtual-try-on", data={"inputImageHumanUrl": ""}, files=files).json()["result"] is True
    assert len(emulator.runs) == 1


@pytest.mark.parametrize("spelling", ["google/veo3.1", "Google/veo3-1", "wiro/Virtual Try-On", "openai/gpt-5.2"])
def test_a_model_is_reached_by_its_clean_slug_alone(wiro: Client, spelling: str) -> None:
    assert wiro.refusal(f"/Run/{spelling}", prompt="x") == (1, "slug-owner-project-not-exist")
