"""The host name that each process of Airflow gives itself, so that a test can tell one triggerer from another."""

from __future__ import annotations

import os


def component_name() -> str:
    return os.environ.get("COMPONENT_NAME", "command")
