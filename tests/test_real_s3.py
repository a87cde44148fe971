"""Files, journal and manifest in an S3 that is none of ours: moto's server. Faults are made by ``small_s3``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import ObjectStoragePath

from airflow_provider_wiro.cli import main
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_image, sample_video
from airflow_provider_wiro.exceptions import WiroJournalError, WiroJournalTaken, WiroSaveError
from airflow_provider_wiro.journals import FolderJournal, storage
from attached import connected, file_system
from real_s3 import RealS3, moto_s3
from records import identity, intent, submitted
from taskids import FIRST
from tries import kept, run_try

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")


@pytest.fixture(scope="module")
def server() -> Iterator[RealS3]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        with moto_s3() as served:
            yield served


@pytest.fixture
def s3(server: RealS3, monkeypatch: pytest.MonkeyPatch, wiro_emulator: WiroEmulator) -> Iterator[Any]:
    """An s3fs; it has the empty buckets ``media`` and ``records``, and the journal is in the latter."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # a command sets it for its whole process
    monkeypatch.setattr(storage, "_cannot_create_only", set())
    monkeypatch.setattr("airflow_provider_wiro.journals.files._probed", set())
    wiro_emulator.outcome(duration=0.0, times=-1)
    fs = file_system(server)
    for bucket in ("media", "records"):
        fs.mkdir(bucket)
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", f"s3://{connected(server)}@records/wiro")
    yield fs
    for bucket in ("media", "records"):
        fs.rm(bucket, recursive=True)


@pytest.fixture
def media(server: RealS3) -> str:
    return f"s3://{connected(server)}@media"


@pytest.mark.parametrize("deferrable", [False, True])
def test_an_image_in_a_bucket_becomes_a_video_in_a_bucket_and_is_verified(
    wiro_emulator: WiroEmulator, s3: Any, media: str, deferrable: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    s3.pipe_file("media/in/a kite.png", sample_image())
    given = {
        "input_image": f"{media}/in/a kite.png",
        "input_image_url": None,
        "save_to": f"{media}/out",
        "deferrable": deferrable,
    }
    result = run_try(**given)
    [sent] = [request.body["file"] for request in wiro_emulator.requests if request.call == "Upload" and request.body]
    assert sent.data == sample_image()  # type: ignore[union-attr]
    assert sorted(s3.find("media/out")) == [f"media/out/{FIRST}/0.mp4", f"media/out/{FIRST}/manifest.json"]
    assert s3.cat_file(f"media/out/{FIRST}/0.mp4") == sample_video()
    record = kept()
    assert record is not None
    assert record.phase == "landed"
    asked = len(wiro_emulator.requests)
    assert run_try(**given) == result
    assert len(wiro_emulator.requests) == asked
    manifest = f"{media}/out/{FIRST}/manifest.json"
    assert main(["verify", manifest]) == 0
    s3.pipe_file(f"media/out/{FIRST}/0.mp4", bytes(len(sample_video())))
    assert main(["verify", manifest]) == 1
    assert "has another content than when it was saved" in capsys.readouterr().err


def test_the_outputs_of_a_task_are_fetched_into_a_bucket(s3: Any, media: str) -> None:
    run_try()
    assert main(["fetch", FIRST, "--to", f"{media}/by hand"]) == 0
    assert s3.cat_file(f"media/by hand/{FIRST}/0.mp4") == sample_video()
    assert json.loads(s3.cat_file(f"media/by hand/{FIRST}/manifest.json"))["taskid"] == FIRST


def test_a_large_file_is_one_upload_in_parts_and_none_is_left_over(
    wiro_emulator: WiroEmulator, s3: Any, media: str
) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(duration=0.0, times=-1, output_bytes=11 * 1024 * 1024)
    with pytest.raises(WiroSaveError, match="max_bytes"):
        run_try(save_to=media, max_bytes=6_000_000)
    assert s3.find("media") == []
    run_try(save_to=media)
    assert s3.info(f"media/{FIRST}/0.mp4")["ETag"].strip('"').endswith("-3")
    assert s3.call_s3("list_multipart_uploads", Bucket="media").get("Uploads", []) == []
    assert len(wiro_emulator.runs) == 1


def test_another_file_of_the_same_name_is_never_replaced(wiro_emulator: WiroEmulator, s3: Any, media: str) -> None:
    s3.pipe_file(f"media/{FIRST}/0.mp4", b"somebody's")
    with pytest.raises(WiroSaveError, match="which is never replaced"):
        run_try(save_to=media)
    assert s3.cat_file(f"media/{FIRST}/0.mp4") == b"somebody's"


def test_of_two_journals_one_creates_the_record(server: RealS3, s3: Any) -> None:
    def journal(bucket: str = "records") -> FolderJournal:
        return FolderJournal(ObjectStoragePath(f"s3://{connected(server)}@{bucket}/wiro"), identity())

    first, second = journal(), journal()
    assert (first.read(), second.read()) == (None, None)
    first.replace(None, intent())
    with pytest.raises(WiroJournalTaken):
        second.replace(None, intent(at=1.0))
    first.replace(intent(), submitted())
    assert journal().read() == submitted()
    with pytest.raises(WiroJournalError, match="no bucket"):
        journal("recrods").read()
    assert not s3.exists("recrods")
