"""The processes of the demonstration: each with a log of its own, and all of them surely ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, different from each other."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Failed(Exception):
    """The demonstration cannot go on; `log` is where to look for the reason."""

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log


class Processes:
    """Starts processes in the background, and ends them with all their children."""

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def start(self, name: str, *command: str | Path) -> None:
        """Start a process that stays; in a session of its own, so that Ctrl-C reaches this one alone."""
        with self.log(name).open("wb") as log:
            self._running[name] = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )

    def finish(self, name: str) -> None:
        """Wait for a process that ends by itself."""
        if self._running[name].wait() != 0:
            raise Failed(f"{name} failed", self.log(name))
        del self._running[name]

    def check(self) -> None:
        """Complain about a process that ended on its own."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Failed(f"{name} ended by itself, with exit code {process.returncode}", self.log(name))

    def stop(self, patience: float) -> None:
        """End everything: politely first, and after that many seconds without asking."""
        processes = list(self._running.values())
        deadline = time.monotonic() + patience
        if patience:
            _signal(_families(processes), signal.SIGTERM)
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0, deadline - time.monotonic()))
        left = _families(processes)
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        _signal(left, signal.SIGKILL)
        self._running.clear()


def _families(processes: Sequence[subprocess.Popen[bytes]]) -> list[psutil.Process]:
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            found += [parent, *parent.children(recursive=True)]
    return found


def _signal(processes: Sequence[psutil.Process], what: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(what)
