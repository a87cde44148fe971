"""Saving to an object storage, by the real s3fs: into a bucket, on 20 mapped tasks, and where the bucket goes away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_video
from airflow_provider_wiro.exceptions import WiroSaveError
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from attached import connected
from small_s3 import SmallS3, small_s3
from taskids import FIRST
from tries import kept, run_try

pytestmark = pytest.mark.usefixtures("journal_folder")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, wiro_emulator: WiroEmulator) -> Iterator[SmallS3]:
    for name in ("AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    wiro_emulator.outcome(duration=0.0, times=-1)
    with small_s3("media") as store:
        yield store


@pytest.fixture
def save_to(s3: SmallS3) -> str:
    return f"s3://{connected(s3)}@media/videos/"


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_video_is_saved_and_a_later_try_finds_it(
    wiro_emulator: WiroEmulator, s3: SmallS3, save_to: str, deferrable: bool
) -> None:
    result = run_try(save_to=save_to, deferrable=deferrable)
    assert s3.buckets["media"][f"videos/{FIRST}/0.mp4"] == sample_video()
    assert json.loads(s3.buckets["media"][f"videos/{FIRST}/manifest.json"])["taskid"] == FIRST
    assert result["outputs"][0]["uri"] == f"{save_to}{FIRST}/0.mp4"
    asked = len(wiro_emulator.requests)
    assert run_try(save_to=save_to, deferrable=deferrable) == result
    assert run_try(save_to=save_to.rstrip("/"), deferrable=deferrable) == result
    assert len(wiro_emulator.requests) == asked


def test_an_object_that_is_missing_is_saved_again(wiro_emulator: WiroEmulator, s3: SmallS3, save_to: str) -> None:
    result = run_try(save_to=save_to)
    del s3.buckets["media"][f"videos/{FIRST}/0.mp4"]
    assert run_try(save_to=save_to) == result
    assert s3.buckets["media"][f"videos/{FIRST}/0.mp4"] == sample_video()
    assert len(wiro_emulator.runs) == 1


def test_a_bucket_that_is_not_there_pays_once_and_is_never_made(
    wiro_emulator: WiroEmulator, s3: SmallS3, save_to: str
) -> None:
    bucket = s3.buckets.pop("media")
    for _ in range(2):
        with pytest.raises(WiroSaveError, match="media") as caught:
            run_try(save_to=save_to)
        assert caught.value.retryable
    assert s3.made == []
    s3.buckets["media"] = bucket
    assert run_try(save_to=save_to)["outputs"][0]["uri"]
    assert len(wiro_emulator.runs) == 1


def test_where_the_bucket_cannot_be_asked_a_saved_try_fails_and_pays_nothing(
    wiro_emulator: WiroEmulator, s3: SmallS3, save_to: str
) -> None:
    run_try(save_to=save_to)
    s3.denied = {"s3:ListBucket", "s3:GetObject"}
    with pytest.raises(WiroSaveError, match="is there cannot be ") as caught:
        run_try(save_to=save_to)
    assert (caught.value.retryable, caught.value.taskid) == (True, FIRST)
    assert len(wiro_emulator.runs) == 1
    record = kept()
    assert record is not None
    assert record.phase == "landed"


def test_a_mapped_batch_of_20_into_one_folder_gives_20_files(
    run_dag: Any, wiro_emulator: WiroEmulator, s3: SmallS3, save_to: str
) -> None:
    def build() -> None:
        RunwayImageToVideoOperator.partial(
            task_id="video", input_image_url="https://x.example/a.png", poll_interval=0.1, save_to=save_to
        ).expand(prompt=[f"A kite, {number}" for number in range(20)])

    assert run_dag(build).state == "success"
    saved = [key for key in s3.buckets["media"] if key.endswith("/0.mp4")]
    assert len(saved) == len({s3.buckets["media"][key.replace("0.mp4", "manifest.json")] for key in saved}) == 20
