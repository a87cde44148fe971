"""What docs/files.md shows works as it stands there: each operator, and each command."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest

from airflow_provider_wiro.cli import main
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_image
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import file_name
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.transfers.wiro_to_object_storage import WiroToObjectStorageOperator
from attached import attach, file_system
from operators import runway
from records import identity, submitted
from small_airflow import Run
from small_s3 import SmallS3, small_s3

PAGE = (Path(__file__).parent.parent / "docs" / "files.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
OPERATORS = [ast.unparse(shown) for block in BLOCKS for shown in ast.parse(block).body]
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")


@pytest.fixture(scope="module")
def store() -> Iterator[SmallS3]:
    """The page's S3, and memory in the place of Google's: Airflow remembers which storage a connection leads to."""
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/media/hat.png", sample_image() + b"hat")
    attach("gs", conn_id="gcp", fs=memory)
    with pytest.MonkeyPatch.context() as patch, small_s3("media") as served:
        for name in ("AWS_MAX_ATTEMPTS", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CA_BUNDLE"):
            patch.delenv(name, raising=False)
        attach("s3", conn_id="aws_default", fs=file_system(served))
        yield served
    memory.rm("/media", recursive=True)


@pytest.fixture
def media(
    store: SmallS3, monkeypatch: pytest.MonkeyPatch, wiro_emulator: WiroEmulator, tmp_path: Path
) -> dict[str, bytes]:
    """What is in the page's bucket."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")  # a command sets it for its whole process
    (tmp_path / "journal").mkdir()
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path / "journal"))
    wiro_emulator.outcome(duration=0.0, times=-1)
    for name in ("coat.png", "person.png"):
        (tmp_path / name).write_bytes(sample_image() + name.encode())
    store.buckets["media"] = {"kite.png": sample_image()}
    return store.buckets["media"]


@pytest.mark.parametrize("shown", OPERATORS, ids=range(len(OPERATORS)))
def test_each_operator(
    run_dag: Any, wiro_emulator: WiroEmulator, media: dict[str, bytes], tmp_path: Path, shown: str
) -> None:
    elsewhere = WiroHook().run("Runway/image-to-video-gen4-turbo", {"prompt": "?", "inputImageUrl": "0.png"}).taskid
    params = {"person": str(tmp_path / "person.png"), "taskid": elsewhere}
    names = {each.__name__: each for each in (RunwayImageToVideoOperator, WiroRunOperator, WiroToObjectStorageOperator)}

    def build() -> None:
        given = shown.replace("'/data/", f"'{tmp_path}/")
        before = {"video": runway(task_id="before")} if "video.output" in given else {}
        exec(given, names | before)

    run: Run = run_dag(build, params=params)
    assert run.state == "success", run.errors
    if "save_to" in shown:
        assert [key for key in media if key.startswith("videos/") and key.endswith("/manifest.json")]
    if "files=" in shown or "input_image=" in shown:
        assert wiro_emulator.count("Upload") == len(re.findall(r"\.png|params\.person", shown))
    assert wiro_emulator.count("Delete") == ("delete_after_save" in shown)


def test_the_commands(
    wiro_emulator: WiroEmulator, media: dict[str, bytes], tmp_path: Path, airflow_database: None
) -> None:
    taskid = WiroHook().run("Runway/image-to-video-gen4-turbo", {"prompt": "?", "inputImageUrl": "0.png"}).taskid
    record = submitted(taskid=taskid, identity=identity(run_id="manual__2026-11-22"), base_url=wiro_emulator.url)
    path = tmp_path / "journal" / file_name(record.identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record.to_json()))
    assert len(COMMANDS) == 3
    for line in COMMANDS:
        command = line.partition("#")[0].replace("DIR", str(tmp_path / "saved")).replace("TASKID", taskid)
        assert command.startswith("python -m airflow_provider_wiro ")
        assert main(shlex.split(command)[3:]) == 0, command
    assert sorted(path.name for path in (tmp_path / "saved" / taskid).iterdir()) == ["0.mp4", "manifest.json"]
