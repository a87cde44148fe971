"""The driver for workers: flows are driven in the calling thread, each exchange in a thread of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

from airflow_provider_wiro.clients.apart import NAP, NotBegun, interrupted, never, run_apart
from airflow_provider_wiro.clients.exchange import Route, exchange_alone
from airflow_provider_wiro.clients.sending import REREAD_PAUSE, Pause, Reread, before, is_rejected, not_reread
from airflow_provider_wiro.clients.wire import log_report, sign, words_of
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import Answer, Flow, Look, NoReply, Now, Reply, Report, Send, Sleep, Step

T = TypeVar("T")


class Client:
    """Carries out flows, each exchange over a connection of its own; so it holds nothing open, and needs no closing.

    :param credentials: where to send and how to sign.
    :param log: where ``Report`` steps go.
    :param lookup: reads the credentials again when they are rejected or lead elsewhere; None keeps the first ones.
    :param told_to_stop: ends flows once it is true; asked at least every tenth of a second, so it must be quick.
    """

    def __init__(
        self,
        credentials: Credentials,
        log: Log,
        lookup: Callable[[], Credentials] | None = None,
        *,
        told_to_stop: Callable[[], bool] = never,
    ) -> None:
        self._log = log
        self._lookup = lookup
        self._looked_up = -math.inf
        self._told_to_stop = told_to_stop
        self._route = Route.find(credentials)

    @property
    def route(self) -> Route:
        """Where it sends and how it signs now."""
        return self._route

    def drive(self, flow: Flow[T], *, service: str | None = None, to_the_end: bool = False) -> T:
        """Carry out *flow* and return its result.

        A read that is on its way when *told_to_stop* turns true is broken off; what is paid for never is.

        :param service: the base URL that *flow* is for. Where the connection leads to another one, nothing is sent, and
            each request is answered with ``NoReply(elsewhere=True)``. None = wherever the connection leads.
        :param to_the_end: whether *flow* is carried out whatever *told_to_stop* says: what stops a task.
        :raises WiroInterrupted: if *told_to_stop* was true.
        """
        told = never if to_the_end else self._told_to_stop
        answer: Answer = None
        try:
            while True:
                answer = self._perform(flow.send(answer), service, told)
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            flow.close()

    def _perform(self, step: Step, service: str | None, told: Callable[[], bool]) -> Answer:
        match step:
            case Send():
                return self._send(step, service, told)
            case Look():
                return self._send(step.detail, service, told)
            case Sleep():
                _sleep(step.seconds, told)
            case Now(steady):
                return time.monotonic() if steady else time.time()
            case Report():
                log_report(step, self._log)
        return None

    def _send(self, step: Send, service: str | None, told: Callable[[], bool]) -> Reply | NoReply:
        for each in before(step, service, lambda: self._route):
            match each:
                case Route():
                    outcome = _exchange(step, each, told)
                    if is_rejected(outcome, each, self._log) and self._route is each:
                        self._reread()
                    return outcome
                case Reply() | NoReply():
                    return each
                case Pause(seconds):
                    _sleep(seconds, told)
                case Reread():
                    self._reread()
        raise AssertionError("unreachable")

    def _reread(self) -> None:
        if self._lookup is None or time.monotonic() - self._looked_up < REREAD_PAUSE:
            return
        self._looked_up = time.monotonic()
        try:
            self._route = Route.find(self._lookup())
        except Exception as error:
            not_reread(error, self._log)


def _exchange(step: Send, route: Route, told: Callable[[], bool]) -> Reply | NoReply:
    request = sign(step, route.credentials)
    if told():
        raise interrupted()
    try:
        return run_apart(lambda: exchange_alone(request, route), never if step.paid else told)
    except NotBegun as error:
        return NoReply(sent=False, reason=words_of(error))


def _sleep(seconds: float, told: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if told():
            raise interrupted()
        time.sleep(min(left, NAP))
