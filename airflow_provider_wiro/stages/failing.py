"""Errors that a retry cannot help fail the Airflow task at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_wiro.compat import AirflowFailException, AirflowSensorTimeout
from airflow_provider_wiro.exceptions import WiroError, WiroTaskTimeout

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import Context


@contextmanager
def final_errors_skip_retries() -> Iterator[None]:
    """Raise an error that is not retryable as both itself and an ``AirflowFailException``."""
    try:
        yield
    except WiroError as error:
        if error.retryable or isinstance(error, AirflowSensorTimeout):
            raise
        raise _as_well(error, AirflowFailException) from error.__cause__


@contextmanager
def own_error_told(context: Context) -> Iterator[None]:
    """Leave a ``map_index_template`` out that raises: Airflow would raise its error instead, and try the task again."""
    try:
        yield
    except Exception:
        template = context.get("map_index_template")
        if template is not None:
            try:
                context["task"].get_template_env().from_string(template).render(context)
            except Exception:
                context["map_index_template"] = None
        raise


@contextmanager
def errors_of_a_sensor() -> Iterator[None]:
    """Do so, and raise a timeout as both itself and the ``AirflowSensorTimeout`` that Airflow expects of a sensor."""
    with final_errors_skip_retries():
        try:
            yield
        except WiroTaskTimeout as error:
            raise _as_well(error, AirflowSensorTimeout) from error.__cause__


def _as_well(error: WiroError, airflows: type[Exception]) -> WiroError:
    return _made(type(error), airflows, error.args, error.__dict__).with_traceback(error.__traceback__)


def _made(
    kind: type[WiroError], airflows: type[Exception], args: tuple[object, ...], state: dict[str, object]
) -> WiroError:
    both = _both(kind, airflows)
    error = both.__new__(both, *args)
    error.__dict__.update(state)
    return error


def _both(kind: type[WiroError], airflows: type[Exception]) -> type[WiroError]:
    def reduce(error: WiroError) -> tuple[object, ...]:
        return _made, (kind, airflows, error.args, error.__dict__)

    names = {"__module__": kind.__module__, "__doc__": kind.__doc__, "__reduce__": reduce}
    return type(kind.__name__, (kind, airflows), names)
