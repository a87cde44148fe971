"""``sweep``: stop what runs on at Wiro and nobody waits for."""

from __future__ import annotations

from collections.abc import Sequence

SUMMARY = "list, or stop, what runs on at Wiro though nobody waits for it any more"


def main(arguments: Sequence[str]) -> int:
    """Sweep once, and return the exit code."""
    from airflow_provider_wiro.sweep.__main__ import main as sweep
    from airflow_provider_wiro.sweep.process import see_the_deployment

    see_the_deployment()
    return sweep(arguments, prog="python -m airflow_provider_wiro sweep")
