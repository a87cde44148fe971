"""How a request is sent, written once for both drivers: what comes before it and after it, without waiting itself."""

from __future__ import annotations

from collections.abc import Callable, Generator

from airflow_provider_wiro.clients.exchange import Route
from airflow_provider_wiro.clients.throttle import held_back, note, pauses
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


Sending = Generator[Pause | Reread | Route, Reply | NoReply | None, Reply | NoReply]
"""A route asks for the step to be sent over it, and is answered with what came of that."""


def sending(step: Send, service: str | None, route: Callable[[], Route], log: Log) -> Sending:
    """Say what to do, one thing after the other, to send *step*; the outcome is what it returns.

    :param service: the base URL that it is for: nothing is sent to another one. None = wherever the connection leads.
    :param route: tells the route that is right now.
    """
    if _strays(service, route()) is not None:
        yield Reread()
    for pause in pauses(step, route().credentials):
        yield Pause(pause)
    way = route()
    unsent = _strays(service, way) or held_back(step, way.credentials)
    if unsent is not None:
        return unsent
    outcome = yield way
    assert outcome is not None
    note(outcome, way.credentials, log)
    if is_auth_failure(outcome) and route() is way:
        yield Reread()
    return outcome


def not_reread(error: Exception, log: Log) -> None:
    """Put into *log* that the connection could not be read again."""
    log.warning("the connection could not be read again: %s", in_words(error))


def _strays(service: str | None, route: Route) -> NoReply | None:
    """Return the answer to a request that would go to another service than the one that it is for."""
    now = route.credentials.base_url
    if service is None or same_service(service, now):
        return None
    return NoReply(sent=False, reason=f"the connection leads to {now}, but this is for {service}", elsewhere=True)
