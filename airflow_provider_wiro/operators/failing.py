"""Errors that a retry cannot help fail the Airflow task at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wiro.exceptions import WiroError


@contextmanager
def final_errors_skip_retries() -> Iterator[None]:
    """Raise an error that is not retryable as both itself and an ``AirflowFailException``."""
    try:
        yield
    except WiroError as error:
        if error.retryable:
            raise
        final = _both(type(error))
        raised = final.__new__(final, *error.args)
        raised.__dict__.update(error.__dict__)
        raise raised.with_traceback(error.__traceback__) from None


def _both(kind: type[WiroError]) -> type[WiroError]:
    return type(kind.__name__, (kind, AirflowFailException), {"__module__": kind.__module__, "__doc__": kind.__doc__})
