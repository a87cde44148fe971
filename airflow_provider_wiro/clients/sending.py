"""How a request is sent, written once for both drivers: what comes before it and after it, without waiting itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.throttle import held_back, is_closed, note, pauses
from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import NoReply, Reply, Send, is_auth_failure
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.core.value import value

# The connection is read again at most so often, in seconds.
REREAD_PAUSE = 10.0


@value
class Pause:
    """Wait for *seconds*."""

    seconds: float


@value
class Reread:
    """Read the Airflow connection again, unless it was read a moment ago."""


Before = Iterable[Pause | Reread | Route | Reply | NoReply]
"""What to do, one thing after the other, and at last the route to send over, or the outcome where nothing is sent."""


def before(step: Send, service: str | None, route: Callable[[], Route]) -> Before:
    """Say what comes before *step* is sent.

    :param service: the base URL that it is for: nothing is sent to another one. None = wherever the connection leads.
    :param route: tells the route that is right now.
    """
    way = route()
    at_once = _strays(service, way) is None and (step.urgent or not is_closed(way.credentials))
    return (way,) if at_once else _hindered(step, service, route)


def _hindered(step: Send, service: str | None, route: Callable[[], Route]) -> Before:
    if _strays(service, route()) is not None:
        yield Reread()
    for pause in pauses(step, route().credentials):
        yield Pause(pause)
    way = route()
    yield _strays(service, way) or held_back(step, way.credentials) or way


def is_rejected(outcome: Reply | NoReply, way: Route, log: Log) -> bool:
    """Take in what came of a request over *way*; return whether the connection is worth reading again."""
    note(outcome, way.credentials, log)
    return is_auth_failure(outcome)


def not_reread(error: Exception, log: Log) -> None:
    """Put into *log* that the connection could not be read again."""
    log.warning("the connection could not be read again: %s", in_words(error))


def _strays(service: str | None, route: Route) -> NoReply | None:
    """Return the answer to a request that would go to another service than the one that it is for."""
    now = route.credentials.base_url
    if service is None or same_service(service, now):
        return None
    return NoReply(sent=False, reason=f"the connection leads to {now}, but this is for {service}", elsewhere=True)
