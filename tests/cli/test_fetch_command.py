"""``python -m airflow_provider_wiro fetch`` and ``verify``: on an emulated Wiro and real files, in this process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_provider_wiro.cli import main
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_video
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.journals import file_name
from records import identity, intent, submitted

pytestmark = pytest.mark.filterwarnings("ignore:in a future version of UPath:PendingDeprecationWarning")

INSTANCE = ("--dag-id", "videos", "--run-id", "manual__2026-01-01", "--task-id", "video")


@pytest.fixture(autouse=True)
def process_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prepares its whole process."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")


@pytest.fixture
def taskid(wiro_emulator: WiroEmulator) -> str:
    inputs = {"prompt": "a cat", "inputImageUrl": "cat.png"}
    made = WiroHook().run("Runway/image-to-video-gen4-turbo", inputs).taskid
    wiro_emulator.advance(60)
    return made


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, airflow_database: None) -> Path:
    (tmp_path / "journal").mkdir()
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path / "journal"))
    return tmp_path / "journal"


def write(folder: Path, record: Record) -> None:
    path = folder / file_name(record.identity)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record.to_json()))


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code, said = main([str(argument) for argument in arguments]), capsys.readouterr()
    return code, said.out, said.err


def test_a_task_is_saved_by_its_taskid_and_verified(
    taskid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "fetch", taskid, "--to", "saved")
    folder = tmp_path / "saved" / taskid
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith(f"file://{folder}/0.mp4 {len(sample_video())} bytes, SHA-256 ")
    assert out.splitlines()[1] == f"1 file(s) of Wiro task {taskid} are saved"
    assert (folder / "0.mp4").read_bytes() == sample_video()
    assert run(capsys, "verify", f"saved/{taskid}/manifest.json") == (
        0,
        "all files are there, as they were saved\n",
        "",
    )
    (folder / "0.mp4").write_bytes(b"another")
    code, out, err = run(capsys, "verify", folder / "manifest.json")
    assert (code, out) == (1, "")
    assert err.startswith(f"verify: file://{folder}/0.mp4 has 7 bytes, and had ")
    code, _, err = run(capsys, "fetch", taskid, "--to", "saved")
    assert code == 1
    assert f"there is another file at file://{folder}/0.mp4, which is never replaced" in err


def test_a_task_is_found_in_the_record_of_the_task_instance_that_paid(
    taskid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], journal: Path, wiro_emulator: WiroEmulator
) -> None:
    write(journal, submitted(taskid=taskid, identity=identity(map_index=3), base_url=wiro_emulator.url))
    code, _, err = run(capsys, "fetch", "--to", tmp_path, *INSTANCE, "--map-index", 3)
    assert (code, err) == (0, "")
    told = json.loads((tmp_path / taskid / "manifest.json").read_text())
    assert (told["model"], told["dag_id"], told["map_index"]) == ("Runway/image-to-video-gen4-turbo", "videos", 3)
    assert told["submitted_at"] is not None


def test_a_record_that_cannot_be_used_says_why(
    taskid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], journal: Path
) -> None:
    code, _, err = run(capsys, "fetch", "--to", tmp_path, *INSTANCE)
    assert (code, "there is no record in the file " in err) == (1, True)
    write(journal, intent())
    code, _, err = run(capsys, "fetch", "--to", tmp_path, *INSTANCE)
    assert (code, "has no taskid: it is not known whether" in err) == (1, True)
    write(journal, submitted(taskid=taskid, base_url="https://another.example/v1"))
    code, _, err = run(capsys, "fetch", "--to", tmp_path, *INSTANCE)
    assert (code, "is of https://another.example/v1, and the connection leads to http://127.0.0.1" in err) == (1, True)


def test_what_has_not_succeeded_is_not_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wiro_emulator: WiroEmulator
) -> None:
    hook = WiroHook()
    taskid = hook.run("Runway/image-to-video-gen4-turbo", {"prompt": "a", "inputImageUrl": "b"}).taskid
    code, _, err = run(capsys, "fetch", taskid, "--to", tmp_path)
    assert (code, "Wait for its end, and repeat the command" in err) == (1, True)
    hook.stop(taskid)
    code, _, err = run(capsys, "fetch", taskid, "--to", tmp_path)
    assert (code, f"Wiro task {taskid} was cancelled" in err) == (1, True)
    code, _, err = run(capsys, "fetch", "999", "--to", tmp_path)
    assert (code, err.startswith("fetch: ")) == (1, True)
    assert not list(tmp_path.glob("*"))


def test_what_is_there_no_more_is_said(
    taskid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], wiro_emulator: WiroEmulator
) -> None:
    wiro_emulator._account.files.clear()
    code, _, err = run(capsys, "fetch", taskid, "--to", tmp_path)
    assert (code, "0.mp4: it is not there (HTTP 404). Its address at Wiro has expired" in err) == (1, True)


def test_a_connection_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], airflow_database: None
) -> None:
    code, _, err = run(capsys, "fetch", "2221", "--to", tmp_path, "--conn-id", "wiro_mistyped")
    assert (code, "The conn_id `wiro_mistyped` isn't defined" in err) == (1, True)


def test_more_than_max_bytes_is_refused(taskid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "fetch", taskid, "--to", tmp_path, "--max-bytes", 1000)
    assert (code, "and max_bytes is 1000" in err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("1",),
        ("--to", "/tmp"),
        ("1", "--to", "/tmp", "--dag-id", "videos"),
        ("--to", "/tmp", "--dag-id", "videos", "--run-id", "x"),
        ("1", "--to", "/tmp", "--max-bytes", "0"),
        ("1", "--to", "/tmp", "--max-bytes", "1GB"),
    ],
)
def test_wrong_arguments_are_exit_code_2(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fetch", *arguments])
    assert ended.value.code == 2
    assert "usage: python -m airflow_provider_wiro fetch" in capsys.readouterr().err


def test_a_manifest_that_is_none_is_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.json").write_text("[]")
    for name in ("manifest.json", "nothing.json"):
        code, _, err = run(capsys, "verify", tmp_path / name)
        assert (code, err.startswith(f"verify: {tmp_path / name} cannot be read: ")) == (1, True)


def test_a_bar_is_shown_on_a_terminal_alone(
    taskid: str, tmp_path: Path, wiro_emulator: WiroEmulator, airflow_database: None
) -> None:
    command = [sys.executable, "-m", "airflow_provider_wiro", "fetch", taskid, "--to", str(tmp_path)]
    piped = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "100" not in piped.stderr
    (tmp_path / taskid / "0.mp4").unlink()
    (tmp_path / taskid / "manifest.json").unlink()
    controller, terminal = pty.openpty()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=terminal, timeout=120, check=True)
    shown = os.read(controller, 100_000).decode()
    os.close(terminal)
    os.close(controller)
    assert done.returncode == 0
    assert f"{len(sample_video()) / 1000:.1f}" in shown
    assert (tmp_path / taskid / "0.mp4").read_bytes() == sample_video()


def test_what_wiro_has_no_more_leaves_the_saved_manifest_as_it_is(
    taskid: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "fetch", taskid, "--to", tmp_path)[0] == 0
    manifest = (tmp_path / taskid / "manifest.json").read_bytes()
    WiroHook().delete(taskid)
    code, _, err = run(capsys, "fetch", taskid, "--to", tmp_path)
    assert (code, "Wiro shows no output of it any more" in err) == (1, True)
    assert (tmp_path / taskid / "manifest.json").read_bytes() == manifest


def test_a_record_without_a_submission_is_said_to_be_one(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(journal, intent(sent=False, uploads={"ab" * 32: "https://cdn.wiro.ai/x/a.png"}))
    code, _, err = run(capsys, "fetch", "--to", "/tmp", *INSTANCE)
    assert (code, "nothing was submitted last" in err) == (1, True)


def test_what_is_paid_and_cannot_be_read_is_not_said_to_be_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wiro_emulator: WiroEmulator
) -> None:
    wiro_emulator.outcome(outputs=[{"url": "ftp://x/1.mp4"}], pexit="0", duration=0.0)
    taskid = WiroHook().run("owner/video", {"prompt": "x"}).taskid
    code, _, err = run(capsys, "fetch", taskid, "--to", tmp_path)
    assert (code, "its outputs cannot be read" in err, "It is paid" in err) == (1, True, True)


def test_what_is_not_all_saved_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], wiro_emulator: WiroEmulator
) -> None:
    wiro_emulator.outcome(outputs=[], pexit="0", duration=0.0)
    wiro_emulator.outcome(outputs=[{"url": "ftp://x/1.mp4"}, {"contenttype": "raw", "content": "a"}], duration=0.0)
    nothing, half = (WiroHook().run("owner/video", {"prompt": "x"}).taskid for _ in range(2))
    code, out, err = run(capsys, "fetch", nothing, "--to", tmp_path)
    assert (code, out, "Wiro shows no output of it that could be saved" in err) == (1, "", True)
    code, out, err = run(capsys, "fetch", half, "--to", tmp_path)
    assert (code, err.startswith("fetch: of its outputs 1 cannot be read: ")) == (1, True)
    assert (tmp_path / half / "0.txt").read_text() == "a"
