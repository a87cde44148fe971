"""The harness leaves nothing behind, however the tests end, and what it starts is what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_harness.processes import MARK, marked, wait_until_gone
from airflow_harness.real_airflow import RealAirflow, airflow_version

SESSION = """
import os, pathlib, subprocess, sys, time
sys.path.insert(0, sys.argv[1])
from airflow_harness.processes import MARK, Reaper
reaper = Reaper(sys.argv[2], pathlib.Path(sys.argv[3]))
env = {**os.environ, MARK: sys.argv[2]}
subprocess.Popen(["sleep", "600"], env=env, start_new_session=True)
print("started", flush=True)
time.sleep(600)
"""


def wait_for(condition: Callable[[], bool], patience: float = 10) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_tests_are_ended_by(how: signal.Signals, tmp_path: Path) -> None:
    folder = tmp_path / "database"
    folder.mkdir()
    mark = uuid.uuid4().hex
    command = [sys.executable, "-c", SESSION, str(Path(__file__).parent), mark, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b"started\n"
        assert len(list(marked(mark))) == 1
        session.send_signal(how)
    assert wait_until_gone(mark, patience=20) == []
    wait_for(lambda: not folder.exists())


def test_the_airflow_that_runs_is_the_one_beside_pytest(airflow: RealAirflow) -> None:
    said = airflow.command("version").split()[-1]
    assert tuple(int(part) for part in said.split(".")[:2]) == airflow_version()
    assert airflow.env[MARK]
    assert airflow.env["AIRFLOW_HOME"] != os.environ.get("AIRFLOW_HOME")
