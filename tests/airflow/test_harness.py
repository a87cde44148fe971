"""The harness leaves nothing behind, however the tests end, and what it starts is what it says."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from airflow_harness.processes import Component, processes_in, seen, titles, wait_for
from airflow_harness.real_airflow import RealAirflow, airflow_version

TITLE = "stand-in for a process of Airflow"

# Like Airflow's processes: a child in a session of its own, and a title that wipes out the environment of both.
PARENT = f"""
import os, signal, sys, time
from setproctitle import setproctitle
child = os.fork()
if child == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
setproctitle("{TITLE}" + " " * 10_000)
time.sleep(600)
"""

# As above, except that the parent is over at once.
ORPHAN = PARENT.replace("setproctitle(", "if child: sys.exit()\nsetproctitle(")

SESSION = f"""
import os, pathlib, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from airflow_harness.processes import Component
folder, command = pathlib.Path(sys.argv[1]), [sys.executable, "-c", sys.argv[2]]
log = folder.with_suffix(".log")
Component("stand-in", command, env=os.environ, log=log, cwd=folder, delete=folder).start()
time.sleep(600)
"""


def titled(folder: Path) -> int:
    """How many processes in the folder have changed their title."""
    return titles(processes_in(folder)).count(TITLE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "folder"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left_when_the_tests_are_ended_by(how: signal.Signals, folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SESSION, folder, PARENT], stderr=subprocess.DEVNULL) as session:
        started = wait_for(lambda: titled(folder) == 2)
        session.send_signal(how)
    assert started
    assert wait_for(lambda: not processes_in(folder)), processes_in(folder)
    assert wait_for(lambda: not folder.exists())


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_component_that_is_ended_by(how: signal.Signals, folder: Path) -> None:
    command = [sys.executable, "-c", PARENT]
    component = Component("stand-in", command, env=os.environ, log=folder.with_suffix(".log"), cwd=folder)
    component.start()
    started = wait_for(lambda: titled(folder) == 2)
    component.stop(how)
    assert started
    assert processes_in(folder) == []
    assert not component.running


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process adopt orphans")
def test_nothing_is_left_of_a_component_whose_child_has_lost_its_parent(folder: Path) -> None:
    # A shell stays, the parent ends, and so its child is an orphan while the component still runs.
    command = ["sh", "-c", '"$0" -c "$1"; sleep 600', sys.executable, ORPHAN]
    component = Component("stand-in", command, env=os.environ, log=folder.with_suffix(".log"), cwd=folder)
    component.start()
    started = wait_for(lambda: titled(folder) == 1)
    component.stop(signal.SIGKILL)
    assert started
    assert processes_in(folder) == []


def test_a_process_that_ends_while_the_processes_are_looked_at_is_left_out(folder: Path) -> None:
    with subprocess.Popen(["sleep", "600"], cwd=folder) as sleeping:
        (found,) = processes_in(folder)
        here = psutil.Process()
        assert titles([found, here])[0] == "sleep 600"
        sleeping.kill()
        sleeping.wait()
        assert [process for process, _ in seen([found, here], psutil.Process.cmdline)] == [here]


def test_the_airflow_that_runs_is_the_one_beside_pytest(airflow: RealAirflow) -> None:
    said = airflow.command("version").split()[-1]
    assert tuple(int(part) for part in said.split(".")[:2]) == airflow_version()
    assert airflow.env["AIRFLOW_HOME"] != os.environ.get("AIRFLOW_HOME")


def test_the_search_for_what_is_left_sees_every_component(airflow: RealAirflow) -> None:
    """`RealAirflow.stop` fails on whatever this search finds; so it has to find what runs."""
    running = titles(processes_in(airflow.home))
    for name in airflow.components:
        assert any("airflow" in line and name.replace("-", "_") in line.replace("-", "_") for line in running), name
    assert processes_in(airflow.postgres.folder)


def test_every_component_listens_on_loopback_only(airflow: RealAirflow) -> None:
    processes = [*processes_in(airflow.home), *processes_in(airflow.postgres.folder)]
    sockets = [
        (name, connection.laddr.ip)
        for _, (name, connections) in seen(processes, lambda it: (it.name(), it.net_connections("inet")))
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(sockets) >= 2
    assert {address for _, address in sockets} == {"127.0.0.1"}, sockets
