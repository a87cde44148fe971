"""The language between flows and drivers, and what a reply of Wiro means.

A *flow* is a generator that holds one behaviour. It yields steps; a driver (``clients/sync.py``,
``clients/aio.py``) carries each out and sends the answer back, so that the sync and the async path
cannot drift apart::

    flow  --Send-->   driver   (signed there, with the current credentials)
    flow  <--Reply or NoReply--
    flow  --Sleep, Now, Report-->

Flows never do I/O, never look at a clock, and never yield in ``finally``: a driver closes its flow
when it is interrupted or cancelled.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from itertools import islice
from typing import Literal, TypeVar

from airflow_provider_wiro.core.task import Task, read_taskid
from airflow_provider_wiro.core.text import one_line

T = TypeVar("T")

MAX_RETRY_AFTER = 300.0
# Reading more would hold up the event loop, in a thread too: json keeps the GIL. A page of 100 tasks has some 5,000.
MOST_VALUES = 100_000
MOST_ROWS = 1_000

_TOKEN = re.compile(r'((?:token|key)"\s*:\s*")[^"]*', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Send:
    """POST *body* as JSON to *path* below the base URL.

    :param timeout: seconds for the whole exchange; None = the connection's.
    :param urgent: whether it is sent at once although Wiro throttles the connection: what stops a paid task.
    :param deadline: unix time until which it waits at most while Wiro throttles the connection; if it still does then,
        the step is not sent, and answered with HTTP 429. None = it waits up to five minutes, and is sent.
    :param paid: whether it may cost money: it goes over a connection of its own, and is never broken off.
    """

    path: str
    body: Mapping[str, object] = field(repr=False)
    timeout: float | None = None
    urgent: bool = False
    deadline: float | None = None
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Sleep:
    """Pause for *seconds*."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Now:
    """Ask for the unix time in seconds."""


@dataclass(frozen=True, slots=True)
class Report:
    """Put *message* into the task's log."""

    message: str
    level: Literal["info", "warning"] = "info"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer.

    :param status: HTTP status code.
    :param body: the parsed JSON; None when it is not JSON.
    :param excerpt: the beginning of the body as one printable line without its tokens, for messages.
    :param retry_after: seconds, from the ``Retry-After`` header; None without a usable one.
    """

    status: int
    body: object = None
    excerpt: str = ""
    retry_after: float | None = None

    @classmethod
    def from_http(cls, status: int, raw: bytes, retry_after: str | None = None, now: float | None = None) -> Reply:
        """Read what came over the wire; nothing in *raw* or *retry_after* can make this fail, or take long.

        :param raw: the body; one with more than 100,000 values is taken as no JSON.
        :param retry_after: the ``Retry-After`` header.
        :param now: the unix time, which a ``Retry-After`` with a date needs.
        """
        text = raw.decode("utf-8-sig", "replace")
        try:
            body = None if _is_crowded(raw) else json.loads(text, parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            body = None
        excerpt = one_line(_TOKEN.sub(r"\1…", text[:2000]), 200)
        return cls(status, body, excerpt, _read_retry_after(retry_after, now))


@dataclass(frozen=True, slots=True)
class NoReply:
    """No HTTP answer.

    :param sent: False only if the request surely did not reach Wiro (connection refused, no such host).
    :param reason: one line for messages.
    :param tls: whether it was TLS that failed: the certificate, or the handshake.
    :param elsewhere: whether the connection now names another service than the one that the flow is for.
    """

    sent: bool
    reason: str
    tls: bool = False
    elsewhere: bool = False


Step = Send | Sleep | Now | Report
Answer = Reply | NoReply | float | None
Flow = Generator[Step, Answer, T]


def send(
    path: str,
    body: Mapping[str, object],
    timeout: float | None = None,
    *,
    urgent: bool = False,
    deadline: float | None = None,
    paid: bool = False,
) -> Flow[Reply | NoReply]:
    """Send one request and return its reply."""
    answer = yield Send(path, body, timeout, urgent, deadline, paid)
    assert isinstance(answer, Reply | NoReply)
    return answer


def sleep(seconds: float) -> Flow[None]:
    """Pause."""
    yield Sleep(seconds)


def now() -> Flow[float]:
    """Return the unix time in seconds."""
    answer = yield Now()
    assert isinstance(answer, float)
    return answer


def report(message: str, level: Literal["info", "warning"] = "info") -> Flow[None]:
    """Put a line into the task's log."""
    yield Report(message, level)


@dataclass(frozen=True, slots=True)
class Complaint:
    """The first of the API's ``errors``, in its own words."""

    code: int | None
    message: str


def complaint(reply: Reply) -> Complaint | None:
    """Return why the API says no (``result`` is false, or there are ``errors``); None if it does not."""
    if not isinstance(reply.body, Mapping) or reply.body.get("result") is True:
        return None
    errors = reply.body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    if first is None and reply.body.get("result") is not False:
        return None
    if isinstance(first, Mapping):
        return Complaint(_read_code(first.get("code")), one_line(first.get("message")) or "no message")
    return Complaint(None, one_line(first) or "no message")


def describe(outcome: Reply | NoReply) -> str:
    """Say in one line what came back, in the API's own words where it has some."""
    if isinstance(outcome, NoReply):
        return outcome.reason
    said = complaint(outcome)
    if said is None:
        return f"HTTP {outcome.status}: {outcome.excerpt or 'empty body'}"
    code = "" if said.code is None else f"code {said.code}: "
    return f"{code}{said.message} (HTTP {outcome.status})"


class RunMeaning(Enum):
    """What a reply to a Run says about whether a task now exists."""

    ACCEPTED = "accepted"
    REFUSED = "refused for good"
    TRY_LATER = "refused, may be tried later"
    UNKNOWN = "unknown"


def _codes(*codes: int | None) -> Callable[[Reply], bool]:
    def match(reply: Reply) -> bool:
        said = complaint(reply)
        return said is not None and said.code in codes and reply.status < 500

    return match


def _http(*statuses: int) -> Callable[[Reply], bool]:
    return lambda reply: reply.status in statuses


def accepted_taskid(reply: Reply) -> str | None:
    """Return the taskid of an accepted Run."""
    return read_taskid(reply.body.get("taskid")) if isinstance(reply.body, Mapping) else None


REFUSING_STATUSES = (400, 404, 405, 411, 413, 414, 415, 422)

RUN_TABLE: tuple[tuple[str, Callable[[Reply], bool], RunMeaning], ...] = (
    ("a readable taskid", lambda reply: accepted_taskid(reply) is not None, RunMeaning.ACCEPTED),
    ("HTTP 429", _http(429), RunMeaning.TRY_LATER),
    ("code 96, concurrency limit", _codes(96), RunMeaning.TRY_LATER),
    ("HTTP 401 or 403", _http(401, 403), RunMeaning.REFUSED),
    ("code 98 or 99, sign-in", _codes(98, 99), RunMeaning.REFUSED),
    ("code 97, balance", _codes(97), RunMeaning.REFUSED),
    ("code 0 or 1, validation or not found", _codes(0, 1), RunMeaning.REFUSED),
    ("result false without a code", _codes(None), RunMeaning.REFUSED),
    ("HTTP 400, 404, 405, 411, 413, 414, 415 or 422", _http(*REFUSING_STATUSES), RunMeaning.REFUSED),
    ("HTTP 301, 307 or 308, a redirect that is not followed", _http(301, 307, 308), RunMeaning.REFUSED),
)


def run_meaning(outcome: Reply | NoReply) -> RunMeaning:
    """Classify the outcome of a Run; whatever the table does not list is unknown."""
    if isinstance(outcome, NoReply):
        return RunMeaning.UNKNOWN if outcome.sent else RunMeaning.TRY_LATER
    return next((meaning for _, matches, meaning in RUN_TABLE if matches(outcome)), RunMeaning.UNKNOWN)


class Missing(Enum):
    """Wiro answered, and does not know the task."""

    NOT_FOUND = "not found"


def task_in(outcome: Reply | NoReply, taskid: str | None = None) -> Task | Missing | None:
    """Read the task out of an answer to Detail, Kill or Cancel.

    :param taskid: the row to look for; None takes the first.
    :returns: the task; ``Missing.NOT_FOUND`` where Wiro says that there is none; None where the answer
        says nothing about the task, whatever the reason.
    """
    if not isinstance(outcome, Reply) or not 200 <= outcome.status < 300 or not isinstance(outcome.body, Mapping):
        return None
    said = complaint(outcome)
    if said is not None:
        return Missing.NOT_FOUND if said.code == 1 else None
    rows = outcome.body.get("tasklist")
    if not isinstance(rows, list):
        return None
    if not rows:
        return Missing.NOT_FOUND
    tasks = map(Task.from_payload, islice(rows, MOST_ROWS))
    return next((task for task in tasks if task is not None and taskid in (None, task.taskid)), None)


def is_auth_failure(outcome: Reply | NoReply) -> bool:
    """Whether Wiro rejected the key or the signature."""
    if isinstance(outcome, NoReply):
        return False
    said = complaint(outcome)
    return outcome.status == 401 or (said is not None and said.code in (98, 99))


def _read_code(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _read_retry_after(header: str | None, now: float | None) -> float | None:
    """Read seconds or an HTTP date, capped."""
    text = (header or "").strip()
    if not text.isascii() or len(text) > 40:
        return None
    if text.isdigit():
        return min(float(text), MAX_RETRY_AFTER)
    try:
        date = parsedate_to_datetime(text)
        until = date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return None if now is None else min(max(until - now, 0.0), MAX_RETRY_AFTER)


def _is_crowded(raw: bytes) -> bool:
    """Whether the JSON has too many values. Only what stands outside of strings counts: a prompt may be a table."""
    if _marks(raw) <= MOST_VALUES:
        return False
    bare = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    return bare.count(b'"') > 4 * MOST_VALUES or _marks(b"".join(bare.split(b'"')[::2])) > MOST_VALUES


def _marks(raw: bytes) -> int:
    return sum(raw.count(mark) for mark in (b"[", b"{", b","))
