"""Errors, fit to be printed."""

from __future__ import annotations

from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroError

# What Airflow raises where there is no connection of that id; it names the id alone. Airflow is not imported here.
NO_CONNECTION = "AirflowNotFoundException"


def said(error: Exception) -> str:
    """Return an error as one line; of one that may quote a connection or a database URL, no more than its class."""
    if isinstance(error, WiroError) or type(error).__name__ == NO_CONNECTION:
        return one_line(error, 2000)
    driver = one_line(getattr(error, "orig", None), 200)
    return f"{type(error).__name__}{': ' if driver else ''}{driver}"
