"""Processes that surely end: each in a session of its own, all of them carrying the mark that the reaper looks for."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import psutil

MARK = "WIRO_TEST_SESSION"
"""An environment variable that every process of one test session inherits, whatever process group it moves to."""

_REAPER = """
import shutil, sys
sys.path.insert(0, sys.argv[1])
from airflow_harness.processes import kill_marked
sys.stdin.read()
kill_marked(sys.argv[2])
shutil.rmtree(sys.argv[3], ignore_errors=True)
"""


def free_port() -> int:
    """A port that nothing listens on. Airflow binds it later, so it is none that the system hands out by itself."""
    while True:
        port = random.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


def marked(mark: str) -> Iterator[psutil.Process]:
    """Every live process that carries the mark, this one excepted."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process


def kill_marked(mark: str) -> None:
    """Kills what carries the mark, and what that starts meanwhile."""
    for _ in range(20):
        if not (found := list(marked(mark))):
            break
        _kill(found)
        psutil.wait_procs(found, timeout=1)


class Reaper:
    """Waits until this process is over, even by SIGKILL; then kills what has the mark and deletes the folder."""

    def __init__(self, mark: str, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _REAPER, str(Path(__file__).parents[1]), mark, str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)


class Component:
    """One long-running process, its log file and its end."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        cwd: Path,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log = log
        self._env = dict(env)
        self._cwd = cwd
        self._uid, self._gid = uid, gid
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        assert not self.running, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
                user=self._uid,
                group=self._gid,
                extra_groups=None if self._gid is None else [],
            )

    def stop(self, how: signal.Signals = signal.SIGTERM, *, patience: float = 20) -> None:
        """Ends the process and its children.

        SIGKILL goes to the whole family at once, as when a machine is gone. Anything else goes to the process itself,
        as an orchestrator sends it; what has not ended after `patience` seconds is killed.
        """
        if self._process is None or not self.running:
            return
        parent = psutil.Process(self._process.pid)
        family = [parent, *parent.children(recursive=True)]
        if how is signal.SIGKILL:
            _kill(family)
        else:
            parent.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
            _kill(psutil.wait_procs(family, timeout=2)[1])
        self._process.wait(10)

    def tail(self, lines: int = 40) -> str:
        return tail_of(self.log, lines)


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def tail_of(path: Path, lines: int) -> str:
    if not path.exists():
        return "(no log)"
    lines_there = path.read_text(errors="replace").splitlines()
    told = [line for line in lines_there if "[http.access]" not in line and '" 200 ' not in line]
    return "\n".join(line[:1000] for line in told[-lines:])


def wait_until_gone(mark: str, patience: float = 5) -> list[str]:
    """What still carries the mark after a while; empty when the session has left nothing behind."""
    deadline = time.monotonic() + patience
    while True:
        left = [str(process) for process in marked(mark)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)
