"""Runs one command and outlives it, to leave nothing of it behind: neither its processes nor, if told so, a folder.

    keeper.py [--delete FOLDER] COMMAND…

It passes SIGTERM and SIGINT on to the command. Once the command has ended, or once standard input has, which happens
when whoever holds the other end is over, even by SIGKILL, it kills all that descends from the command. On Linux that
includes what has lost its parent: the keeper adopts it. A process can hide its environment, its name and its group,
as Airflow's do, but not its descent.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

import psutil

PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on a descendant that loses its parent becomes a child of this process, where the system can do so."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def kill_descendants() -> None:
    """Kills them, and what they start meanwhile."""
    while family := psutil.Process().children(recursive=True):
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(family, timeout=1)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delete", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if command is not None:
            command.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    adopt_orphans()
    try:
        command = subprocess.Popen(arguments.command, stdin=subprocess.DEVNULL, start_new_session=True)
        while command.poll() is None and not select.select([sys.stdin], [], [], 0.1)[0]:
            pass
    finally:
        kill_descendants()
        if arguments.delete is not None:
            shutil.rmtree(arguments.delete, ignore_errors=True)
    return command.wait()


if __name__ == "__main__":
    sys.exit(main())
