"""The language between flows and drivers, and what an answer of Wiro says.

A *flow* is a generator that holds one behaviour. It yields steps; a driver (``clients/sync.py``,
``clients/aio.py``) carries each out and sends the answer back, so that the sync and the async path
cannot drift apart::

    flow  --Send, Look-->   driver   (signed there, with the current credentials)
    flow  <--Reply or NoReply; a Task for a Look--
    flow  --Sleep, Now, Report-->

Flows never do I/O, never look at a clock, and never yield in ``finally``: a driver closes its flow
when it is interrupted or cancelled.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from collections.abc import Generator, Mapping
from dataclasses import field
from enum import Enum
from itertools import islice
from typing import Literal, TypeVar

from airflow_provider_wiro.core.body import MAX_RETRY_AFTER as MAX_RETRY_AFTER
from airflow_provider_wiro.core.body import MOST_VALUES as MOST_VALUES
from airflow_provider_wiro.core.body import code_of, parse_json, read_date, read_retry_after, words_of
from airflow_provider_wiro.core.files import Upload
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.text import foreign
from airflow_provider_wiro.core.value import value

T = TypeVar("T")

MOST_ROWS = 1_000
MOST_SHOWN = 2_000

_TOKEN = re.compile(r'((?:token|key)"\s*:\s*")[^"]*', re.IGNORECASE)


@value
class Send:
    """POST *body* as JSON to *path* below the base URL.

    :param timeout: seconds for the whole exchange; None = the connection's.
    :param urgent: whether it is sent at once although Wiro throttles the connection: what stops a paid task.
    :param deadline: unix time until which it waits at most while Wiro throttles the connection; if it still does then,
        the step is not sent, and answered with HTTP 429. None = it waits up to five minutes, and is sent.
    :param paid: whether it may cost money: it goes over a connection of its own, and is never broken off.
    :param file: sent as multipart/form-data instead of *body*, piece by piece.
    :param longest: how many bytes of an answer are read; one that is longer counts as none. None = eight megabytes.
    """

    path: str
    body: Mapping[str, object] = field(repr=False)
    timeout: float | None = None
    urgent: bool = False
    deadline: float | None = None
    paid: bool = False
    file: Upload | None = None
    longest: int | None = None


@value
class Look:
    """Look at a task that is waited for. Task/Detail answers that, and what else is known may do.

    :param deadline: as that of ``Send``.
    :param sure: whether nothing but Task/Detail will do. If not, it may be answered with the task as it runs.
    """

    taskid: str
    deadline: float | None = None
    sure: bool = True

    @property
    def detail(self) -> Send:
        """The request that answers it."""
        return Send("/Task/Detail", {"taskid": self.taskid}, deadline=self.deadline)


@value
class Sleep:
    """Pause for *seconds*.

    :param looks: whether a ``Look`` comes then. It may end sooner where something has happened to the task.
    :param sooner: whether it may end sooner where that look can be answered already.
    """

    seconds: float
    looks: bool = False
    sooner: bool = False


@value
class Now:
    """Ask for the time in seconds.

    :param steady: on a clock that nobody sets, for how long something has taken: only differences mean something. If
        not, unix time.
    """

    steady: bool = False


@value
class Report:
    """Put *message* into the task's log."""

    message: str
    level: Literal["info", "warning"] = "info"


@value
class Reply:
    """An HTTP answer.

    :param status: HTTP status code.
    :param body: the parsed JSON; None when it is not JSON.
    :param beginning: that of the body, with all its tokens; hidden from ``repr``.
    :param retry_after: seconds, from the ``Retry-After`` header; None without a usable one.
    :param date_header: the ``Date`` header.
    """

    status: int
    body: object = None
    beginning: str = field(default="", repr=False)
    retry_after: float | None = None
    date_header: str | None = None

    @classmethod
    def from_http(
        cls,
        status: int,
        raw: bytes,
        retry_after: str | None = None,
        now: float | None = None,
        date: str | None = None,
    ) -> Reply:
        """Read what came over the wire; nothing in *raw* or *retry_after* can make this fail, or take long.

        :param raw: the body; one with more than 100,000 values is taken as no JSON.
        :param retry_after: the ``Retry-After`` header.
        :param now: the unix time, which a ``Retry-After`` with a date needs.
        :param date: the ``Date`` header.
        """
        raw = raw.removeprefix(BOM_UTF8)
        beginning = raw[: 4 * MOST_SHOWN].decode("utf-8", "replace")[:MOST_SHOWN]
        return cls(status, parse_json(raw), beginning, read_retry_after(retry_after, now), date)

    # Both cost more than all else that is done with an answer, and of a look at a waiting task nobody reads them.

    @property
    def excerpt(self) -> str:
        """The beginning of the body as one printable line without its tokens, for messages."""
        return foreign(_TOKEN.sub(r"\1…", self.beginning), 200)

    @property
    def date(self) -> float | None:
        """Unix time, from the ``Date`` header; None without a usable one."""
        return read_date(self.date_header)


@value
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


Step = Send | Look | Sleep | Now | Report
Answer = Reply | NoReply | Task | float | None
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


def steady_time() -> Flow[float]:
    """Return the seconds of a clock that nobody sets: only differences mean something."""
    answer = yield Now(steady=True)
    assert isinstance(answer, float)
    return answer


def report(message: str, level: Literal["info", "warning"] = "info") -> Flow[None]:
    """Put a line into the task's log."""
    yield Report(message, level)


@value
class Complaint:
    """The first of the API's ``errors``, in its own words.

    :param code: None where it has none, or one that is no whole number.
    :param word: the code where it is no whole number, as text.
    """

    code: int | None
    message: str
    word: str = ""


def complaint(reply: Reply) -> Complaint | None:
    """Return why the API says no; None if it does not.

    It says no where ``result`` is false, where there are ``errors``, and where an HTTP status of 400 or more comes with
    a ``message``. The words are those of the first error, else of the answer itself, else its beginning.
    """
    if not isinstance(reply.body, dict) or reply.body.get("result") is True:
        return None
    errors = reply.body.get("errors")
    first = next(iter(errors), None) if isinstance(errors, list) else errors
    told = first not in (None, "", {}) or (reply.status >= 400 and words_of(reply.body))
    if not told and reply.body.get("result") is not False:
        return None
    code, word = next(((code, word) for code, word in map(code_of, (first, reply.body)) if word), (None, ""))
    message = words_of(first) or words_of(reply.body) or reply.excerpt or "no message"
    return Complaint(code, message, "" if code is not None else word)


def describe(outcome: Reply | NoReply) -> str:
    """Say in one line what came back, in the API's own words where it has some."""
    if isinstance(outcome, NoReply):
        return outcome.reason
    said = complaint(outcome)
    if said is None:
        return f"HTTP {outcome.status}: {outcome.excerpt or 'empty body'}"
    code = said.word if said.code is None else str(said.code)
    return f"{f'code {code}: ' if code else ''}{said.message} (HTTP {outcome.status})"


class Missing(Enum):
    """Wiro answered, and does not know the task."""

    NOT_FOUND = "not found"


def task_in(outcome: Reply | NoReply, taskid: str | None = None) -> Task | Missing | None:
    """Read the task out of an answer to Detail, Kill or Cancel.

    :param taskid: the row to look for; None takes the first.
    :returns: the task; ``Missing.NOT_FOUND`` where Wiro says that there is none; None where the answer
        says nothing about the task, whatever the reason.
    """
    if not isinstance(outcome, Reply) or not 200 <= outcome.status < 300 or not isinstance(outcome.body, dict):
        return None
    said = complaint(outcome)
    if said is not None:
        return Missing.NOT_FOUND if said.code == 1 else None
    rows = outcome.body.get("tasklist")
    if not isinstance(rows, list):
        return None
    if not rows:
        return Missing.NOT_FOUND
    for task in map(Task.from_payload, islice(rows, MOST_ROWS)):
        if task is not None and taskid in (None, task.taskid):
            return task
    return None


def is_auth_failure(outcome: Reply | NoReply) -> bool:
    """Whether Wiro rejected the key or the signature."""
    if isinstance(outcome, NoReply):
        return False
    said = complaint(outcome)
    return outcome.status == 401 or (said is not None and said.code in (98, 99))
