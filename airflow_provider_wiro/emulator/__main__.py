"""``python -m airflow_provider_wiro.emulator``: the emulator as a process of its own."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import time

from airflow_provider_wiro.emulator.emulator import WiroEmulator

PROGRAM = "python -m airflow_provider_wiro.emulator"


def main(arguments: list[str] | None = None, *, prog: str = PROGRAM) -> int:
    """
    Run the emulator until SIGINT or SIGTERM, and return the exit code.

    :param arguments: the command line without the program's name; None: the process's own.
    :param prog: how the program is called, for its help.
    """
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    # No Event: the thread that a signal interrupts may hold the lock that setting one needs.
    told_to_stop: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: told_to_stop.append(number))
    try:
        emulator = _started(options)
    except ValueError as error:
        parser.error(str(error))
    except OSError as error:
        print(f"The emulator cannot start on {options.host}, port {options.port}: {error}", file=sys.stderr)
        return 2
    _introduce(emulator)
    story = Story(emulator)
    while not told_to_stop:
        time.sleep(0.1)
        story.tell()
    emulator.stop()
    print("The emulator has stopped.", flush=True)
    return 0


class Story:
    """
    Prints one line for each thing that has happened to a task, and for each request that was refused.

    :param emulator: what to tell of.
    """

    def __init__(self, emulator: WiroEmulator) -> None:
        self._emulator = emulator
        self._told: dict[str, str] = {}
        self._requests = 0

    def tell(self) -> None:
        """Print what has happened since the last call."""
        requests = self._emulator.requests
        for request in requests[self._requests :]:
            if request.error:
                _say(f"{request.call} refused: {request.error}")
        self._requests = len(requests)
        for task in self._emulator.runs:
            status = task.status
            if task.taskid not in self._told:
                _say(f"task {task.taskid}: Run of {task.model} accepted")
            if self._told.get(task.taskid) != status and status in _WORDS:
                failed = status == "task_postprocess_end" and not task.outcome.succeeds
                _say(f"task {task.taskid}: {f'failed (pexit {task.outcome.pexit})' if failed else _WORDS[status]}")
            self._told[task.taskid] = status


_WORDS = {
    "task_start": "started",
    "task_error": "task_error",
    "task_cancel": "stopped (task_cancel)",
    "task_postprocess_end": "over (task_postprocess_end)",
}


def _started(options: argparse.Namespace) -> WiroEmulator:
    return WiroEmulator(
        host=options.host,
        port=options.port,
        api_key=options.api_key,
        api_secret=options.api_secret or None,
        duration=options.duration,
        concurrency=options.concurrency,
        first_taskid=options.first_taskid,
    ).start()


def _introduce(emulator: WiroEmulator) -> None:
    connection = emulator.connection
    print(f"Emulated Wiro API: {emulator.url}")
    print(f"API key {connection['login']}, API secret {connection.get('password', 'none (requests are not signed)')}")
    print(f"export AIRFLOW_CONN_WIRO_DEFAULT={shlex.quote(json.dumps(connection))}")
    print("Ctrl-C stops it.", flush=True)


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        usage="%(prog)s [options]",
        description="A Wiro API on loopback, for demos and tests. It reaches no network and costs nothing.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on (default %(default)s)")
    parser.add_argument("--port", type=int, default=8099, help="port; 0: one that is free (default %(default)s)")
    parser.add_argument("--duration", type=float, default=6.0, help="seconds that a task takes (default %(default)s)")
    parser.add_argument("--concurrency", type=int, help="tasks that may be active at once (default: any number)")
    parser.add_argument("--first-taskid", type=int, help="id of the first task (default: a random number)")
    parser.add_argument("--api-key", default="emulator-key", help="the right API key (default %(default)s)")
    parser.add_argument(
        "--api-secret", default="emulator-secret", help='its secret; "": none, nothing is signed (default %(default)s)'
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
