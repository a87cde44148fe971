"""Measures what importing an operator adds to a DAG file that has ``BaseOperator`` and ``conf`` already.

    python benchmarks/import_cost.py

Each number is the median of seven fresh processes, after one that fills the byte-code cache.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

PROCESSES = 7
MODULES = (
    "airflow_provider_wiro.operators.runway",
    "airflow_provider_wiro.operators.wiro",
    "airflow_provider_wiro.triggers.wiro",
    "airflow_provider_wiro.hooks.wiro",
    "airflow_provider_wiro.clients.sync",
    "airflow_provider_wiro.clients.aio",
)
SCRIPT = """
import sys, time
from airflow.providers.common.compat.sdk import BaseOperator, conf
conf.getboolean
before = len(sys.modules)
started = time.perf_counter()
import {module}
print((time.perf_counter() - started) * 1000, len(sys.modules) - before)
"""


def measure(module: str) -> tuple[float, int]:
    """Return the milliseconds of one import, and how many modules it brought."""
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT.format(module=module)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    milliseconds, modules = answer.stdout.splitlines()[-1].split()
    return float(milliseconds), int(modules)


def main() -> None:
    """Print a row for each module."""
    print(f"{'module':42} {'median ms':>10} {'min':>8} {'max':>8} {'modules':>8}")
    for module in MODULES:
        measure(module)
        runs = [measure(module) for _ in range(PROCESSES)]
        times = [milliseconds for milliseconds, _ in runs]
        print(f"{module:42} {statistics.median(times):10.1f} {min(times):8.1f} {max(times):8.1f} {runs[0][1]:8}")


if __name__ == "__main__":
    main()
