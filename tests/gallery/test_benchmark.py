"""The benchmark of the gallery, with little in the database: it is run too seldom to be found broken in time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gallery.py"
QUESTIONS = 7


def test_it_measures_each_question() -> None:
    few = ["--foreign", "500", "--generations", "50", "--rounds", "1"]
    answer = subprocess.run([sys.executable, str(SCRIPT), *few], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    rows = [line.split(" | ") for line in answer.stdout.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == QUESTIONS
