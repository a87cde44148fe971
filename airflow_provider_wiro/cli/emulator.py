"""``emulator``: a Wiro API on loopback."""

from __future__ import annotations

from collections.abc import Sequence

SUMMARY = "a Wiro API on this machine, for demos and tests without an account"


def main(arguments: Sequence[str]) -> int:
    """Run the emulator until it is told to stop, and return the exit code."""
    from airflow_provider_wiro.emulator.__main__ import main as emulate

    return emulate(list(arguments), prog="python -m airflow_provider_wiro emulator")
