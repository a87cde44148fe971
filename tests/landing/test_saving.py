"""What a task has made is saved below ``<folder>/<taskid>/``, with a manifest."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from airflow_provider_wiro import __version__
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.manifest import About
from airflow_provider_wiro.core.parts import main_files
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_video
from airflow_provider_wiro.exceptions import WiroInputError, WiroSaveError
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.landing import missing, verify
from hostile_files import FILE, file_server, status, whole
from landing_results import MOST, Save, output, result

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")
VIDEO = hashlib.sha256(sample_video()).hexdigest()


@pytest.fixture
def video(wiro_emulator: WiroEmulator) -> ResultDict:
    hook = WiroHook()
    taskid = hook.run("Runway/image-to-video-gen4-turbo", {"prompt": "a cat", "inputImageUrl": "cat.png"}).taskid
    wiro_emulator.advance(60)
    return hook.get_task(taskid).result()


@pytest.fixture
def text(wiro_emulator: WiroEmulator) -> ResultDict:
    return result(output(content={"prompt": "?", "raw": "<think>hm</think>42", "answer": ["42", "43"]}), text="42\n43")


def names_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_video_is_saved_with_its_manifest(save: Save, video: ResultDict, tmp_path: Path) -> None:
    taskid, [made] = video["taskid"], video["outputs"]
    about = About(
        taskid,
        model="Runway/image-to-video-gen4-turbo",
        inputs={"prompt": "a cat"},
        files={"inputImage": "ab" * 32},
        cost_usd=0.25,
        submitted_at=1.0,
        elapsed_seconds=6.5,
        dag_id="videos",
        run_id="manual",
        task_id="video",
        map_index=3,
    )
    [landed] = save(video, tmp_path / "a" / "b", about=about)
    path = tmp_path / "a" / "b" / taskid / "0.mp4"
    assert landed == Landed(f"file://{path}", "0.mp4", len(sample_video()), VIDEO, "video/mp4", made["url"])
    assert path.read_bytes() == sample_video()
    manifest = json.loads((path.parent / "manifest.json").read_text())
    assert manifest.pop("saved_at").startswith("20")
    assert manifest == {
        "version": 1,
        "provider": f"airflow-provider-wiro {__version__}",
        "taskid": taskid,
        "model": "Runway/image-to-video-gen4-turbo",
        "inputs": {"prompt": "a cat"},
        "files": {"inputImage": "ab" * 32},
        "outputs": [landed.to_json()],
        "cost_usd": 0.25,
        "submitted_at": "1970-01-01T00:00:01Z",
        "elapsed_seconds": 6.5,
        "dag_id": "videos",
        "run_id": "manual",
        "task_id": "video",
        "map_index": 3,
    }
    assert names_in(tmp_path / "a" / "b") == [f"{taskid}/0.mp4", f"{taskid}/manifest.json"]
    assert missing([landed]) == []
    assert verify(str(path.parent / "manifest.json")) == []


def test_a_text_is_saved_as_text_and_as_what_wiro_gave(save: Save, text: ResultDict, tmp_path: Path) -> None:
    landed = save(text, tmp_path)
    assert [(one.name, one.content_type, one.url) for one in landed] == [
        ("0.txt", "text/plain", None),
        ("0.json", "application/json", None),
    ]
    assert (tmp_path / "2221" / "0.txt").read_text() == "42\n43"
    assert json.loads((tmp_path / "2221" / "0.json").read_text()) == text["outputs"][0]["content"]
    assert main_files(text, landed) == [landed[0]]


def test_what_is_saved_is_left_alone_and_asked_for_no_more(
    save: Save, video: ResultDict, tmp_path: Path, wiro_emulator: WiroEmulator
) -> None:
    first = save(video, tmp_path)
    manifest = tmp_path / video["taskid"] / "manifest.json"
    before, asked = manifest.stat().st_mtime_ns, wiro_emulator.count("Output")
    assert save(video, tmp_path) == first
    assert (manifest.stat().st_mtime_ns, wiro_emulator.count("Output")) == (before, asked)


def test_a_file_without_a_manifest_is_compared_with_what_wiro_has(
    save: Save, video: ResultDict, tmp_path: Path
) -> None:
    [first] = save(video, tmp_path)
    (tmp_path / video["taskid"] / "manifest.json").unlink()
    assert save(video, tmp_path) == (first,)
    assert verify(str(tmp_path / video["taskid"] / "manifest.json")) == []


@pytest.mark.parametrize("with_manifest", [True, False])
@pytest.mark.parametrize("other", [b"short", bytes(len(sample_video()))])
def test_another_file_is_never_replaced(
    save: Save, video: ResultDict, tmp_path: Path, other: bytes, with_manifest: bool
) -> None:
    [first] = save(video, tmp_path)
    folder = tmp_path / video["taskid"]
    (folder / "0.mp4").write_bytes(other)
    if not with_manifest:
        (folder / "manifest.json").unlink()
    with pytest.raises(WiroSaveError, match=r"there is another file at .*/0.mp4, which is never replaced") as caught:
        save(video, tmp_path)
    assert (folder / "0.mp4").read_bytes() == other
    assert (caught.value.taskid, caught.value.cost_usd, caught.value.retryable) == (
        video["taskid"],
        video["cost_usd"],
        False,
    )
    assert caught.value.outputs[0]["url"] == video["outputs"][0]["url"]
    assert not list(folder.glob(".*"))
    if other == b"short":
        assert missing([first]) == [first]


@pytest.mark.parametrize("folder", ["", "relative/folder", "nope://x/y", "\x00", "a\nb"])
def test_a_folder_that_is_none_is_refused(save: Save, folder: str) -> None:
    with pytest.raises(WiroInputError, match=r"save_to is .*; allowed: an absolute path"):
        save(result(), folder)


def test_a_batch_of_20_into_one_folder_gives_20_files(save: Save, wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    hook = WiroHook()
    inputs = {"prompt": "a cat", "inputImageUrl": "cat.png"}
    taskids = [hook.run("Runway/image-to-video-gen4-turbo", inputs).taskid for _ in range(20)]
    wiro_emulator.advance(60)
    for taskid in taskids:
        save(hook.get_task(taskid).result(), tmp_path)
    assert len(list(tmp_path.glob("*/0.mp4"))) == 20


FAULTS: dict[str, dict[str, object]] = {
    "429": {},
    "5xx": {},
    "404": {"status": 404},
    "html": {},
    "drop_before": {},
    "truncated": {},
    "wrong_length": {"by": 10},
    "bad_chunks": {},
    "garbage": {},
    "hang": {"seconds": 0.1},
}


@pytest.mark.parametrize(("fault", "options"), FAULTS.items(), ids=FAULTS)
def test_a_fault_that_passes_costs_no_file(
    save: Save,
    video: ResultDict,
    tmp_path: Path,
    wiro_emulator: WiroEmulator,
    fault: str,
    options: dict[str, object],
) -> None:
    wiro_emulator.script("Output", "5xx" if fault == "404" else fault, **options)
    [landed] = save(video, tmp_path)
    assert (landed.sha256, wiro_emulator.count("Output")) == (VIDEO, 2)
    ranged = [request.headers.get("range") for request in wiro_emulator.requests if request.call == "Output"]
    assert (ranged[1] is not None) == (fault == "truncated")
    assert wiro_emulator.count("Run") == 1


def test_nothing_to_save_is_an_error_and_leaves_nothing(save: Save, tmp_path: Path) -> None:
    with pytest.raises(WiroSaveError, match="Wiro shows no output of it that could be saved") as caught:
        save(result(), tmp_path)
    assert (caught.value.retryable, caught.value.gone) == (False, True)
    assert list(tmp_path.iterdir()) == []


def test_one_that_cannot_be_saved_keeps_no_other_back(save: Save, tmp_path: Path) -> None:
    with file_server(status("404 Not Found")) as gone, file_server(whole()) as server:
        made = result(
            output(gone.url, "0.mp4"), output(server.url, "1.mp4", size=MOST + 1), output(server.url, "2.mp4")
        )
        with pytest.raises(WiroSaveError, match="and max_bytes is") as caught:
            save(made, tmp_path)
    assert (caught.value.retryable, caught.value.gone) == (False, False)
    assert names_in(tmp_path) == ["2221/2.mp4"]


def test_a_size_of_0_is_one_that_wiro_does_not_know(save: Save, tmp_path: Path) -> None:
    with file_server(whole(), whole(b"")) as server:
        [landed] = save(result(output(server.url, "0.mp4", "video/mp4", 0)), tmp_path)
        [empty] = save(result(output(server.url, "0.txt", "text/plain", 0), taskid="2222"), tmp_path)
    assert (landed.size, empty.size) == (len(FILE), 0)
