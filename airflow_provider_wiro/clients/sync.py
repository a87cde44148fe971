"""The driver for workers, on requests."""

from __future__ import annotations

import ssl
import time
import traceback
from collections.abc import Callable
from http.client import HTTPException
from types import TracebackType
from typing import Self, TypeVar

import requests
from requests.exceptions import ConnectionError, ConnectTimeout, InvalidURL, RequestException, SSLError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, MaxRetryError, NewConnectionError
from urllib3.exceptions import ProxyError as CannotUseProxy

from airflow_provider_wiro.clients.session import Session, deadline
from airflow_provider_wiro.clients.throttle import held_back, note, pauses
from airflow_provider_wiro.clients.wire import (
    CHUNK,
    LONGEST_BODY,
    TOO_LONG,
    Request,
    ca_file,
    log_report,
    proxy_for,
    read_reply,
    sign,
    words_of,
)
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import (
    Answer,
    Flow,
    NoReply,
    Now,
    Reply,
    Report,
    Send,
    Sleep,
    Step,
    is_auth_failure,
)
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroInterrupted

T = TypeVar("T")

NAP = 0.5


class Client:
    """Carries out flows, one at a time, over one keep-alive session.

    :param credentials: where to send and how to sign.
    :param log: where ``Report`` steps go.
    :param lookup: reads the credentials again when they are rejected; None keeps the first ones.
    """

    def __init__(self, credentials: Credentials, log: Log, lookup: Callable[[], Credentials] | None = None) -> None:
        self._log = log
        self._lookup = lookup
        self._interrupted = False
        self._session = Session()
        self._use(credentials)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def credentials(self) -> Credentials:
        """Where it sends and how it signs now."""
        return self._credentials

    def fresh(self) -> Client:
        """Return a client of its own session that only uses the credentials in memory.

        It serves signal handlers, where a look-up could wait for an answer that this very thread must read.
        """
        return Client(self._credentials, self._log)

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def interrupt(self) -> None:
        """Make the flow that runs end before its next request. Safe in a signal handler."""
        self._interrupted = True

    def check(self) -> None:
        """Go on only if nobody has called ``interrupt``.

        :raises WiroInterrupted: if it was called.
        """
        if self._interrupted:
            raise WiroInterrupted("Airflow told this task to stop; nothing more was sent")

    def drive(self, flow: Flow[T]) -> T:
        """Carry out *flow* and return its result.

        :raises WiroInterrupted: if ``interrupt`` was called.
        """
        answer: Answer = None
        try:
            while True:
                answer = self._perform(flow.send(answer))
        except StopIteration as done:
            result: T = done.value
            return result
        finally:
            flow.close()

    def _use(self, credentials: Credentials) -> None:
        ca, proxy = ca_file(credentials.verify), proxy_for(credentials.base_url)
        self._credentials = credentials
        self._verify = ca or False
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}

    def _perform(self, step: Step) -> Answer:
        match step:
            case Send():
                self._take_turn(step)
                return held_back(step, self._credentials) or self._send(step)
            case Sleep():
                self._sleep(step.seconds)
            case Now():
                return time.time()
            case Report():
                log_report(step, self._log)
        return None

    def _take_turn(self, step: Send) -> None:
        for pause in pauses(step, self._credentials):
            self._sleep(pause)
        self.check()

    def _sleep(self, seconds: float) -> None:
        """Sleep in naps: a signal handler may interrupt the client, and no lock is safe to use there."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, NAP))

    def _send(self, step: Send) -> Reply | NoReply:
        outcome = self._exchange(sign(step, self._credentials))
        note(outcome, self._credentials, self._log)
        if is_auth_failure(outcome):
            self._reread()
        return outcome

    def _reread(self) -> None:
        if self._lookup is None:
            return
        try:
            self._use(self._lookup())
        except Exception as error:
            said = one_line(f"{type(error).__name__}: {error}")
            self._log.warning("the connection could not be read again: %s", said)

    def _exchange(self, request: Request) -> Reply | NoReply:
        try:
            with (
                deadline(request.timeout),
                self._session.post(
                    request.url,
                    data=request.body,
                    headers=dict(request.headers),
                    timeout=request.timeout,
                    verify=self._verify,
                    proxies=self._proxies,
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                return _read(response, self._credentials)
        except (RequestException, HTTPError, HTTPException, OSError, ValueError) as error:
            return _no_reply(error)


def _read(response: requests.Response, credentials: Credentials) -> Reply | NoReply:
    body = bytearray()
    # What has come so far, unlike iter_content, which waits for a whole chunk however slowly it drips.
    while chunk := response.raw.read1(CHUNK, decode_content=False):
        body += chunk
        if len(body) > LONGEST_BODY:
            return TOO_LONG
    return read_reply(response.status_code, bytes(body), response.headers, credentials)


def _no_reply(error: Exception) -> NoReply:
    cause = error.args[0] if isinstance(error, ConnectionError) and error.args else error
    reason = cause.reason if isinstance(cause, MaxRetryError) and cause.reason else cause
    if isinstance(reason, CannotUseProxy):
        reason = reason.original_error
    unsent = (
        isinstance(error, ConnectTimeout | InvalidURL | LocationValueError)
        or isinstance(reason, NewConnectionError | ConnectTimeoutError)
        or str(reason).startswith("Tunnel connection failed")
    )
    tls = isinstance(error, SSLError)
    if tls:
        root = reason.args[0] if isinstance(reason, Exception) and reason.args else None
        unsent = isinstance(root, ssl.SSLError) and _in_handshake(root)
    return NoReply(sent=not unsent, reason=f"{type(error).__name__}: {words_of(reason)}", tls=tls)


def _in_handshake(error: ssl.SSLError) -> bool:
    """Whether nothing was sent yet. What OpenSSL calls the error does not tell: it has the same names for both."""
    return any(frame.f_code.co_name == "do_handshake" for frame, _ in traceback.walk_tb(error.__traceback__))
