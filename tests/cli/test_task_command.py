"""``python -m airflow_provider_wiro task``: on an emulated Wiro, in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from airflow_provider_wiro.cli import main
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.connection import read_credentials
from airflow_provider_wiro.hooks.wiro import WiroHook


@pytest.fixture(autouse=True)
def process_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command prepares its whole process."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code, said = main(["task", *arguments]), capsys.readouterr()
    return code, said.out, said.err


def submitted(emulator: WiroEmulator, **outcome: object) -> str:
    emulator.outcome(**outcome)  # type: ignore[arg-type]
    return WiroHook().run("owner/video", {"prompt": "a kite"}).taskid


def test_a_task_is_shown_as_the_operator_returns_it(
    wiro_emulator: WiroEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    taskid = submitted(wiro_emulator, duration=0.0)
    code, out, err = run(capsys, "show", taskid)
    assert (code, err) == (0, "")
    assert json.loads(out) == WiroHook().get_task(taskid).result()
    assert json.loads(out)["outputs"][0]["url"].endswith(".mp4")


def test_a_task_is_stopped_whatever_it_does(wiro_emulator: WiroEmulator, capsys: pytest.CaptureFixture[str]) -> None:
    taskid = submitted(wiro_emulator, hold=True)
    code, out, err = run(capsys, "stop", taskid, "--conn-id", "wiro_default")
    assert (code, err) == (0, "")
    assert out.startswith(f"taskid {taskid}: ")
    assert WiroHook().get_task(taskid).status == "task_cancel"
    assert run(capsys, "stop", taskid)[0] == 0


def test_a_task_that_cannot_be_stopped_is_told_so(
    wiro_emulator: WiroEmulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_wiro.core.calls.STOP_PAUSES", ())
    taskid = submitted(wiro_emulator, hold=True)
    for call in ("Kill", "Cancel"):
        wiro_emulator.script(call, "code", times=-1, code=1, message="no")
    code, out, _ = run(capsys, "stop", taskid)
    assert code == 1
    assert "COULD NOT BE STOPPED" in out


def test_files_are_deleted_once_somebody_has_agreed(
    wiro_emulator: WiroEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    taskid = submitted(wiro_emulator, duration=0.0)
    code, out, err = run(capsys, "delete", taskid)
    assert (code, out) == (1, "Nothing was changed.\n")
    assert "--yes" in err
    assert wiro_emulator.count("Delete") == 0
    assert run(capsys, "delete", taskid, "--yes") == (0, f"taskid {taskid}: its files at Wiro are deleted\n", "")
    assert wiro_emulator.count("Delete") == 1


@pytest.mark.parametrize("act", [("show",), ("delete", "--yes")])
@pytest.mark.parametrize(
    ("named", "said"), [(("99",), "Wiro knows no task 99"), (("1", "--conn-id", "none"), "`none` isn't defined")]
)
def test_what_is_not_there_is_an_error(
    wiro_emulator: WiroEmulator,
    capsys: pytest.CaptureFixture[str],
    act: tuple[str, ...],
    named: tuple[str, ...],
    said: str,
    airflow_database: None,
) -> None:
    code, out, err = run(capsys, *act, *named)
    assert (code, out) == (1, "")
    assert err.startswith("task: ")
    assert said in err
    assert len(err.splitlines()) == 1


def test_the_connection_is_found_in_the_database_by_a_process_of_its_own(
    wiro_emulator: WiroEmulator, airflow_database: None
) -> None:
    """As it is where people have made it in the UI: from Airflow 3.1 on, a plain script does not find it there."""
    taskid = submitted(wiro_emulator, hold=True)
    other = ("AIRFLOW_CONN_", "_AIRFLOW")
    variables = {name: value for name, value in os.environ.items() if not name.startswith(other)}
    there = read_credentials("wiro_default")
    fields = ["--conn-type", "wiro", "--conn-login", there.api_key, "--conn-password", str(there.api_secret)]
    fields += ["--conn-host", there.base_url]
    adding = ["-m", "airflow", "connections", "add", "from_the_ui", *fields]
    stopping = ["-m", "airflow_provider_wiro", "task", "stop", taskid, "--conn-id", "from_the_ui"]
    for arguments in (adding, stopping, ["-m", "airflow", "connections", "delete", "from_the_ui"]):
        done = subprocess.run(
            [sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=120, env=variables
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert WiroHook().get_task(taskid).status == "task_cancel"
