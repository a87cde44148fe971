"""Measures what importing an operator adds to a DAG file that has ``BaseOperator`` and ``conf`` already.

    python benchmarks/imports.py [--rounds 5]

Ours stand beside the official providers of services like this one, as far as they are installed; `scripts/bench`
installs them. Each import is one of a fresh process; the modules are imported in turn, round after round, after one
round that fills the byte-code cache. The numbers are medians of the rounds.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = "airflow_provider_wiro.operators.wiro"
MODULES = {
    "**this package**": OURS,
    "**this package**, Runway": "airflow_provider_wiro.operators.runway",
    "**this package**, trigger": "airflow_provider_wiro.triggers.wiro",
    "http": "airflow.providers.http.operators.http",
    "dbt Cloud": "airflow.providers.dbt.cloud.operators.dbt",
    "databricks": "airflow.providers.databricks.operators.databricks",
    "openai": "airflow.providers.openai.operators.openai",
    "anthropic": "airflow.providers.anthropic.operators.anthropic",
}
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
    told = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    milliseconds, modules = told.stdout.splitlines()[-1].split()
    return float(milliseconds), int(modules)


def is_installed(module: str) -> bool:
    """Whether a module can be imported; its parents are."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    there = {name: module for name, module in MODULES.items() if is_installed(module)}
    seen: dict[str, list[tuple[float, int]]] = {name: [] for name in there}
    for number in range(options.rounds + 1):
        for name, module in there.items():
            one = measure(module)
            if number:
                seen[name].append(one)
    ours = [milliseconds for milliseconds, _ in seen["**this package**"]]
    print("| operator | ms | beside ours | in single rounds | modules |\n|---|---|---|---|---|")
    for name, values in seen.items():
        times = [milliseconds for milliseconds, _ in values]
        ratios = sorted(one / other for one, other in zip(times, ours, strict=True))
        middle = f"{statistics.median(times):.0f} | {statistics.median(ratios):.2f} ×"
        print(f"| {name} | {middle} | {ratios[0]:.2f} to {ratios[-1]:.2f} | {values[0][1]} |")


if __name__ == "__main__":
    main()
