"""``verify``: read saved files again, and compare them with their manifest."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

SUMMARY = "compare saved files with their manifest"

ABOUT = """
Read each file beside a manifest, and compare its size and SHA-256 with what the manifest says. It changes nothing, asks
Wiro nothing, and costs nothing.
"""
CODES = """
exit codes: 0 all files are there and the same; 1 one is not, or cannot be read; 2 wrong arguments.
"""


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say, and return the exit code."""
    from airflow_provider_wiro.sweep.process import see_the_deployment

    parser = argparse.ArgumentParser(prog="python -m airflow_provider_wiro verify", description=ABOUT, epilog=CODES)
    parser.add_argument(
        "manifest", metavar="MANIFEST", help="a local path, or a URL such as s3://conn_id@bucket/x/1/manifest.json"
    )
    named = parser.parse_args(arguments).manifest
    see_the_deployment()
    # Airflow looks for its database when it is imported.
    from airflow_provider_wiro.landing import verify

    problems = verify(named if "://" in named else str(Path(named).absolute()))
    for problem in problems:
        print(f"verify: {problem}", file=sys.stderr)
    if not problems:
        print("all files are there, as they were saved")
    return 1 if problems else 0
