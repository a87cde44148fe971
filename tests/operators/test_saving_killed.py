"""A try that ends while it saves: what is paid is neither stopped nor lost, and the next try saves it for nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_video
from airflow_provider_wiro.exceptions import WiroInterrupted, WiroSaveError
from airflow_provider_wiro.landing.local import LocalPlace
from doubles import FakeTaskInstance, Lines, context_of, wait_until, when
from operators import runway
from taskids import FIRST
from tries import kept, lose_a_try, run_try

SCRIPT = Path(__file__).parent / "saving_script.py"


@pytest.fixture
def media(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture(autouse=True)
def slow_files(wiro_emulator: WiroEmulator) -> None:
    """The first answer with a file takes for ever."""
    wiro_emulator.outcome(duration=0.0, times=-1)
    wiro_emulator.script("Output", "drip", interval=5.0)


@pytest.fixture
def out_of_time() -> Iterator[Callable[[], None]]:
    """Let the time of the task be over, as Airflow's handler has it."""

    def over(*_: object) -> None:
        raise AirflowTaskTimeout("Timeout")

    before = signal.signal(signal.SIGALRM, over)
    yield lambda: os.kill(os.getpid(), signal.SIGALRM)
    signal.signal(signal.SIGALRM, before)


def phase() -> str:
    record = kept()
    assert record is not None
    return record.phase


def saved_by_the_next(emulator: WiroEmulator, media: Path, **arguments: Any) -> None:
    emulator.clear()
    assert run_try(save_to=str(media), **arguments)["outputs"][0]["uri"]
    assert (media / FIRST / "0.mp4").read_bytes() == sample_video()
    assert len(emulator.runs) == 1
    assert emulator.count("Kill") == emulator.count("Cancel") == 0


@pytest.mark.usefixtures("journal_folder")
def test_a_kill_stops_nothing_and_says_that_a_retry_saves_it(wiro_emulator: WiroEmulator, media: Path) -> None:
    operator = runway(save_to=str(media))
    when(lambda: wiro_emulator.count("Output"), operator.on_kill)
    with pytest.raises(WiroInterrupted, match=r"while .* being saved.*finished, and is paid. A retry") as caught:
        operator.execute(context_of(FakeTaskInstance()))
    assert caught.value.retryable
    assert phase() == "submitted"
    assert not (media / FIRST / "0.mp4").exists()
    saved_by_the_next(wiro_emulator, media)


def test_a_kill_without_a_record_is_not_retried(wiro_emulator: WiroEmulator, media: Path) -> None:
    operator = runway(save_to=str(media))
    when(lambda: wiro_emulator.count("Output"), operator.on_kill)
    with pytest.raises(WiroInterrupted, match=rf"would pay again.*fetch {FIRST} --to") as caught:
        operator.execute(context_of(FakeTaskInstance()))
    assert not caught.value.retryable


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("files", [1, 2])
def test_one_that_dies_before_the_manifest_is_saved_though_the_addresses_have_expired(
    wiro_emulator: WiroEmulator, media: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(duration=0.0, times=-1, outputs=files)
    lose_a_try(monkeypatch, LocalPlace, "replace", save_to=str(media))
    assert phase() == "submitted"
    wiro_emulator._account.files.clear()
    result = run_try(save_to=str(media))
    assert (media / FIRST / "manifest.json").exists()
    assert [output["uri"] for output in result["outputs"]] == [
        (media / FIRST / f"{number}.mp4").as_uri() for number in range(files)
    ]
    record = kept()
    assert record is not None
    assert (record.phase, record.landing) == ("landed", ())
    assert len(wiro_emulator.runs) == 1


@pytest.mark.usefixtures("journal_folder")
def test_a_file_that_was_changed_since_it_was_put_in_place_is_not_taken(
    wiro_emulator: WiroEmulator, media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(duration=0.0, times=-1)
    lose_a_try(monkeypatch, LocalPlace, "replace", save_to=str(media))
    (media / FIRST / "0.mp4").write_bytes(bytes(len(sample_video())))
    wiro_emulator._account.files.clear()
    with pytest.raises(WiroSaveError, match="Its address at Wiro has expired"):
        run_try(save_to=str(media))
    assert not (media / FIRST / "manifest.json").exists()


@pytest.mark.usefixtures("journal_folder")
def test_a_task_whose_time_is_over_says_that_a_retry_saves_it(
    wiro_emulator: WiroEmulator, media: Path, out_of_time: Callable[[], None], lines: Lines
) -> None:
    when(lambda: wiro_emulator.count("Output"), out_of_time)
    with pytest.raises(AirflowTaskTimeout):
        run_try(save_to=str(media))
    assert "it had finished, and its files were being saved; it is left alone" in lines.text
    assert f"taskid {FIRST}: A retry or a clear of this task saves it, and pays nothing again" in lines.text
    assert phase() == "submitted"
    saved_by_the_next(wiro_emulator, media)


def test_one_without_a_record_whose_time_is_over_is_not_retried(
    wiro_emulator: WiroEmulator, media: Path, out_of_time: Callable[[], None]
) -> None:
    when(lambda: wiro_emulator.count("Output"), out_of_time)
    with pytest.raises(WiroSaveError, match=rf"would pay again.*fetch {FIRST} --to") as caught:
        run_try(save_to=str(media))
    assert not caught.value.retryable


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("call", ["Output", "Delete"])
def test_a_worker_that_is_lost_while_it_saves_or_deletes_leaves_whole_files_or_none(
    wiro_emulator: WiroEmulator, media: Path, call: str
) -> None:
    if call == "Delete":
        wiro_emulator.clear()
        wiro_emulator.outcome(duration=0.0, times=-1)
        wiro_emulator.script("Delete", "hang")
    with subprocess.Popen([sys.executable, str(SCRIPT), str(media), "delete"]) as process:
        try:
            wait_until(lambda: wiro_emulator.count(call), within=120)
        finally:
            process.kill()
    assert phase() == ("submitted" if call == "Output" else "landed")
    assert (media / FIRST / "0.mp4").exists() is (call == "Delete")
    saved_by_the_next(wiro_emulator, media, delete_after_save=True)
    record = kept()
    assert record is not None
    assert record.deleted
