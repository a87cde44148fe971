"""An operator in a process of its own, which a test sends a signal to."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "operators" / "sigterm_script.py"
ENDS = {"returns": "WiroInterrupted", "raises": "KeyboardInterrupt"}
"""How the operator ends, by what Airflow's handler of SIGTERM does: it returns on Airflow 3, and raises on 2."""


@contextmanager
def signalled(handler: str) -> Iterator[subprocess.Popen[str]]:
    """Run the operator; it says at last how it ended."""
    process = subprocess.Popen([sys.executable, str(SCRIPT), handler], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
