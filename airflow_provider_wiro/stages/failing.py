"""Errors that a retry cannot help fail the Airflow task at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_wiro.compat import AirflowFailException
from airflow_provider_wiro.exceptions import WiroError


@contextmanager
def final_errors_skip_retries() -> Iterator[None]:
    """Raise an error that is not retryable as both itself and an ``AirflowFailException``."""
    try:
        yield
    except WiroError as error:
        if error.retryable:
            raise
        raise _final(type(error), error.args, error.__dict__).with_traceback(error.__traceback__) from error.__cause__


def _final(kind: type[WiroError], args: tuple[object, ...], state: dict[str, object]) -> WiroError:
    final = _both(kind)
    error = final.__new__(final, *args)
    error.__dict__.update(state)
    return error


def _both(kind: type[WiroError]) -> type[WiroError]:
    def reduce(error: WiroError) -> tuple[object, ...]:
        return _final, (kind, error.args, error.__dict__)

    names = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": reduce}
    return type(kind.__name__, (kind, AirflowFailException), names)
