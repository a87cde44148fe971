"""Runs one operator in a process of its own, under the signal handler of Airflow 2 or 3.

python sigterm_script.py returns|raises
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from doubles import FakeTaskInstance, context_of
from operators import generic

operator = generic()


def on_sigterm(number: int, frame: FrameType | None) -> None:
    operator.on_kill()
    if sys.argv[1] == "raises":
        raise KeyboardInterrupt("as Airflow 2 does")


signal.signal(signal.SIGTERM, on_sigterm)
try:
    operator.execute(context_of(FakeTaskInstance()))
except BaseException as error:
    print(f"ended with {type(error).__name__}", flush=True)  # noqa: T201
