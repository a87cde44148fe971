"""Processes that surely end, with all that they have started: each is run by a keeper, which outlives this process."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")

KEEPER = Path(__file__).with_name("keeper.py")


def free_port() -> int:
    """A port that nothing listens on. Airflow binds it later, so it is none that the system hands out by itself."""
    while True:
        port = random.randrange(15_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


def kept(command: Sequence[str], delete: Path | None = None) -> list[str]:
    """The command under a keeper. Give it a pipe as standard input: when that is closed, all of the command ends."""
    # -P: the modules beside the keeper must not stand in for others.
    return [sys.executable, "-P", str(KEEPER), *([] if delete is None else ["--delete", str(delete)]), *command]


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
        delete: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = kept(command, delete)
        self._env = dict(env)
        self._cwd = cwd
        self._keeper: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._keeper is not None and self._keeper.poll() is None

    def start(self) -> None:
        assert not self.running, f"{self.name} runs already"
        with self.log.open("ab") as log:
            self._keeper = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._cwd,
                start_new_session=True,
            )

    def stop(self, how: signal.Signals = signal.SIGTERM, *, patience: float = 20) -> None:
        """Ends the process and its descendants.

        SIGKILL goes to the whole family at once, as when a machine is gone. Anything else goes to the process itself,
        as an orchestrator sends it; what is left when it has ended, or after `patience` seconds, is killed.
        """
        if self._keeper is None:
            return
        if how is not signal.SIGKILL:
            self._keeper.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(patience)
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait(30)

    def freeze(self) -> None:
        """Stops the process and its descendants as a machine does that hangs; `wake` lets them go on."""
        self._signal_family(signal.SIGSTOP)

    def freeze_those(self, title: str) -> None:
        """Stops the descendants that there are now and have this in their titles; `wake` lets them go on."""
        self._signal_family(signal.SIGSTOP, title)

    def wake(self) -> None:
        self._signal_family(signal.SIGCONT)

    def _signal_family(self, how: signal.Signals, title: str = "") -> None:
        assert self._keeper is not None
        assert self.running, f"{self.name} does not run"
        family = psutil.Process(self._keeper.pid).children(recursive=True)
        for process, words in seen(family, psutil.Process.cmdline):
            with contextlib.suppress(psutil.NoSuchProcess):
                if title in " ".join(words):
                    process.send_signal(how)

    def tail(self, lines: int = 40) -> str:
        return tail_of(self.log, lines)


def tail_of(path: Path, lines: int) -> str:
    if not path.exists():
        return "(no log)"
    lines_there = path.read_text(errors="replace").splitlines()
    told = [line for line in lines_there if "[http.access]" not in line and '" 200 ' not in line]
    return "\n".join(line[:400] for line in told[-lines:])


def processes_in(folder: Path) -> list[psutil.Process]:
    """Every process that works in the folder or below it: all of a session's do, as far as one may look at them."""
    inside = folder.resolve()
    works_in = seen(psutil.process_iter(), psutil.Process.cwd)
    return [process for process, cwd in works_in if Path(cwd).is_relative_to(inside)]


def titles(processes: Iterable[psutil.Process]) -> list[str]:
    """How each of the processes calls itself."""
    return [" ".join(words).strip() for _, words in seen(processes, psutil.Process.cmdline)]


def seen(processes: Iterable[psutil.Process], look: Callable[[psutil.Process], T]) -> list[tuple[psutil.Process, T]]:
    """What one look at each process shows. One that has ended, or that one may not look at, is left out."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found.append((process, look(process)))
    return found


def wait_for(condition: Callable[[], object], patience: float = 10) -> bool:
    """Whether the condition has come true in time."""
    deadline = time.monotonic() + patience
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(met)
