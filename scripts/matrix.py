"""The tests on every Airflow that the package is for, one after another; what was good is not run again."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from environment import ENVIRONMENTS, PROBE, ROOT

# Airflow, and the minor version of Python 3.
CELLS = (("2.11", 11), ("3.0", 11), ("3.1", 11), ("3.2", 11), ("3.3", 11), ("3.3", 13))
KEPT = ENVIRONMENTS / "matrix.json"
SUMMARY = re.compile(r"\d+ (passed|failed|errors?|skipped)\b.* in [\d.]+s")
GOOD = "good"


def run_all(arguments: list[str]) -> int:
    """Run the tests of each cell, print the table, and return 1 unless all that could be run is good."""
    ENVIRONMENTS.mkdir(exist_ok=True)
    of, kept = _fingerprint(arguments), _kept()
    cells = kept["cells"] if kept.get("of") == of else {}
    for airflow, minor in CELLS:
        name = f"{airflow} | 3.{minor}"
        if cells.get(name, [""])[0] == GOOD:
            print(f"[matrix] {name}: was good before", flush=True)
            continue
        cells[name] = _run(airflow, minor, arguments)
        KEPT.write_text(json.dumps({"of": of, "cells": cells}))
    print("\n| Airflow | Python | | |\n|---|---|---|---|")
    for name, (outcome, summary) in cells.items():
        print(f"| {name} | {outcome} | {summary} |")
    return 1 if any(outcome == "FAILED" for outcome, _ in cells.values()) else 0


def _run(airflow: str, minor: int, arguments: list[str]) -> tuple[str, str]:
    python = shutil.which(f"python3.{minor}")
    if python is None or subprocess.run([python, "-c", PROBE], capture_output=True, check=False).returncode != 0:
        return "not run", f"there is no Python 3.{minor}"
    print(f"[matrix] Airflow {airflow}, Python 3.{minor}", flush=True)
    command = [python, str(ROOT / "scripts" / "test"), "--airflow", airflow, *arguments]
    summary = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            print(line, end="", flush=True)
            summary = found[0] if (found := SUMMARY.search(line)) else summary
    return (GOOD if running.returncode == 0 else "FAILED"), summary


def _fingerprint(arguments: list[str]) -> str:
    """Tell one state of the checkout, and what is asked for, from another."""
    commands = ("rev-parse HEAD", "diff HEAD", "ls-files --others --exclude-standard")
    answers = (subprocess.run(["git", *each.split()], cwd=ROOT, capture_output=True, check=True) for each in commands)
    said = [json.dumps(arguments).encode(), *(answer.stdout for answer in answers)]
    said += [(ROOT / name).read_bytes() for name in said[-1].decode().splitlines() if Path(ROOT / name).is_file()]
    return hashlib.sha256(b"\0".join(said)).hexdigest()


def _kept() -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(KEPT.read_text())
    except (OSError, ValueError):
        return {}
    return kept
