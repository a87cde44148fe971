"""A worker that is killed, or told to stop, while it uploads: one generation, and no more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted
from doubles import FakeTaskInstance, context_of, wait_until, when
from operators import generic
from taskids import FIRST
from tries import kept, run_try

pytestmark = pytest.mark.usefixtures("journal_folder")
SCRIPT = Path(__file__).parent / "upload_script.py"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "frame.png"
    path.write_bytes(bytes(range(256)) * 20_000)
    return path


@contextmanager
def uploading(image: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, str(SCRIPT), str(image)], stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("moment", ["while the file goes out", "while the URL comes back", "while the Run is sent"])
def test_killed(wiro_emulator: WiroEmulator, image: Path, moment: str) -> None:
    wiro_emulator.outcome(duration=0.0, times=-1)
    call = "Run" if "Run" in moment else "Upload"
    wiro_emulator.script(call, "hang" if "goes out" in moment else "slow", seconds=1.0)
    with uploading(image) as process:
        wait_until(lambda: wiro_emulator.count(call), within=60)
        process.kill()
        process.wait(30)
    wait_until(lambda: all(request.status or request.call == "Upload" for request in wiro_emulator.requests))
    record = kept()
    assert (record.phase if record else None) == ("intent" if call == "Run" else None)
    result = run_try(generic, files={"image": str(image)})
    assert [task.taskid for task in wiro_emulator.runs] == [result["taskid"]] == [FIRST]
    last = kept()
    assert last is not None
    assert (last.phase, len(last.uploads)) == ("submitted", 1)


def test_a_task_that_is_told_to_stop_while_it_uploads_submits_nothing(wiro_emulator: WiroEmulator, image: Path) -> None:
    wiro_emulator.script("Upload", "hang", times=-1)
    operator = generic(files={"image": str(image)})
    stopper = when(lambda: wiro_emulator.count("Upload"), operator.on_kill)
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(FakeTaskInstance()))
    stopper.join()
    assert (wiro_emulator.count("Run"), kept()) == (0, None)
