"""What a reply to a submission means: whether a task now exists that may be paid, and what to do about it.

``REPLIES`` is the rule: the first row that matches decides, and the last one matches everything. Whatever is not known
to be a refusal may have been accepted, so it is *unknown*: looked for, and never sent again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from airflow_provider_wiro.core.protocol import NoReply, Reply, complaint
from airflow_provider_wiro.core.task import read_taskid
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroRefused,
    WiroRequestError,
    WiroSubmissionUnknown,
    WiroUnreachable,
)

Outcome = Reply | NoReply


class Meaning(Enum):
    """What a reply to a submission says about whether a task now exists."""

    ACCEPTED = "accepted"
    REFUSED = "refused for good"
    TRY_LATER = "refused, may be tried later"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ReplyRule:
    """One row.

    :param matches: whether the row is about this reply.
    :param money: what happens to the money.
    :param advice: what to do, for the error.
    :param error: the error that follows; None where a task exists.
    :param at_once: whether it may be sent again within moments by the same call.
    """

    name: str
    matches: Callable[[Outcome], bool]
    meaning: Meaning
    money: str
    advice: str = ""
    error: type[WiroRequestError] | None = None
    at_once: bool = False


# How Wiro words a refusal that has no code of its own; [x], {min}, {max} and … stand for anything.
_LISTED_INPUTS = (
    r"request parameter \[?.+?\]? (is )?required",
    r"request files? \[?.+?\]? (is |are )?required",
    r".+ must be integer or float",
    r".+ must be between .+ and .+",
    r"request parameters are invalid(\. .+)?",
    r"tool-not-accessible",
    r"slug-owner-project-not-exist",
)
_LISTED_ACCOUNT = (
    r"project authorization is not valid",
    r"project authorization is not founded",
    r"your account has been suspended.*",
    r"requested ip .+ is not allowed",
    r"you don.t have any permission for this action",
)
_LISTED_SIGNING = (r"project requires signature authentication.*",)
# The name of an input may be "retry".
_IN_BRACKETS = re.compile(r"\[[^\]]*\]")
_PASSING = re.compile(
    r"\b(server error|internal error|retry|try(ing)? again|later|timed out|temporar(il)?y|unavailable)\b", re.IGNORECASE
)
NO_SUCH_ADDRESS = (404, 405)
REFUSING_STATUSES = (400, 403, 411, 413, 414, 415, 422)


def accepted_taskid(outcome: Outcome) -> str | None:
    """Return the taskid of a submission that was accepted."""
    body = outcome.body if isinstance(outcome, Reply) else None
    return read_taskid(body.get("taskid")) if isinstance(body, Mapping) else None


def is_passing(text: str) -> bool:
    """Whether the API's words name a fault of its own or ask to try again, so that they are no refusal."""
    return _PASSING.search(_IN_BRACKETS.sub("", text)) is not None


def is_listed(text: str, patterns: tuple[str, ...] = _LISTED_INPUTS + _LISTED_ACCOUNT + _LISTED_SIGNING) -> bool:
    """Whether *text* is one of the documented refusals, in any case, with or without a full stop."""
    bare = text.rstrip(" .!")
    return not is_passing(text) and any(re.fullmatch(pattern, bare, re.IGNORECASE) for pattern in patterns)


def _http(*statuses: int) -> Callable[[Outcome], bool]:
    return lambda outcome: isinstance(outcome, Reply) and outcome.status in statuses


def _code(*codes: int) -> Callable[[Outcome], bool]:
    def matches(outcome: Outcome) -> bool:
        said = complaint(outcome) if isinstance(outcome, Reply) and outcome.status < 500 else None
        return said is not None and said.code in codes

    return matches


def _listed(patterns: tuple[str, ...]) -> Callable[[Outcome], bool]:
    """Code 0, or no code at all; a code that is a word counts as the words."""

    def matches(outcome: Outcome) -> bool:
        said = complaint(outcome) if isinstance(outcome, Reply) and outcome.status < 500 else None
        return said is not None and said.code in (0, None) and is_listed(said.word or said.message, patterns)

    return matches


def _either(*tests: Callable[[Outcome], bool]) -> Callable[[Outcome], bool]:
    return lambda outcome: any(test(outcome) for test in tests)


def _unsent(outcome: Outcome) -> bool:
    return isinstance(outcome, NoReply) and not outcome.sent


def _elsewhere(outcome: Outcome) -> bool:
    return isinstance(outcome, NoReply) and outcome.elsewhere


NOTHING = "Nothing was submitted"
MAYBE = "It may be running and be paid"
CHECK_CREDENTIALS = "check login (API key) and password (API secret)"
_LOOK = "look for it in the Wiro dashboard before you run this task again"
CHECK_ALL = "check the model's name, the inputs and the connection's host, then clear this task"
_CHECK_ACCOUNT = f"{CHECK_CREDENTIALS}, and what the project and the account may do, in the Wiro dashboard"
_CHECK_PATH = "check the path of the connection's host (Wiro's is /v1) and the model's name, then clear this task"
_ADD_SECRET = "the project signs its requests; put its API secret into the connection's password (API secret)"
_LIMIT = "the account is at its concurrency limit; set max_active in the connection, or top up the balance"
_TOP_UP = "top up the account's balance, then clear this task"

REPLIES: tuple[ReplyRule, ...] = (
    ReplyRule(
        "not sent: the connection leads to another service",
        _elsewhere,
        Meaning.TRY_LATER,
        NOTHING,
        "check the connection's host, or try again",
        WiroUnreachable,
    ),
    ReplyRule(
        "surely not sent",
        _unsent,
        Meaning.TRY_LATER,
        NOTHING,
        "check the connection's host, or try again",
        WiroUnreachable,
        at_once=True,
    ),
    ReplyRule(
        "a readable taskid", lambda o: accepted_taskid(o) is not None, Meaning.ACCEPTED, "It is paid if it succeeds"
    ),
    ReplyRule("code 96, concurrency limit", _code(96), Meaning.TRY_LATER, NOTHING, _LIMIT, WiroBusy),
    ReplyRule("HTTP 429, throttled", _http(429), Meaning.TRY_LATER, NOTHING, "try again later", WiroBusy, at_once=True),
    ReplyRule(
        "code 0 or none, the documented words about a missing signature",
        _listed(_LISTED_SIGNING),
        Meaning.REFUSED,
        NOTHING,
        _ADD_SECRET,
        WiroAuthError,
    ),
    ReplyRule(
        "HTTP 401, or code 98 or 99, sign-in",
        _either(_http(401), _code(98, 99)),
        Meaning.REFUSED,
        NOTHING,
        CHECK_CREDENTIALS,
        WiroAuthError,
    ),
    ReplyRule("code 97, balance", _code(97), Meaning.REFUSED, NOTHING, _TOP_UP, WiroRefused),
    ReplyRule(
        "HTTP 404 or 405, no such address, whatever the words",
        _http(*NO_SUCH_ADDRESS),
        Meaning.REFUSED,
        NOTHING,
        _CHECK_PATH,
        WiroRefused,
    ),
    ReplyRule(
        "HTTP 400, 403, 411, 413, 414, 415 or 422, whatever the words",
        _http(*REFUSING_STATUSES),
        Meaning.REFUSED,
        NOTHING,
        CHECK_ALL,
        WiroRefused,
    ),
    ReplyRule("code 1, not found", _code(1), Meaning.REFUSED, NOTHING, CHECK_ALL, WiroRefused),
    ReplyRule(
        "code 0 or none, the documented words about inputs or model",
        _listed(_LISTED_INPUTS),
        Meaning.REFUSED,
        NOTHING,
        CHECK_ALL,
        WiroRefused,
    ),
    ReplyRule(
        "code 0 or none, the documented words about project or account",
        _listed(_LISTED_ACCOUNT),
        Meaning.REFUSED,
        NOTHING,
        _CHECK_ACCOUNT,
        WiroAuthError,
    ),
    ReplyRule(
        "HTTP 301, 307 or 308, a redirect that is not followed",
        _http(301, 307, 308),
        Meaning.REFUSED,
        NOTHING,
        CHECK_ALL,
        WiroRefused,
    ),
    ReplyRule(
        "any other no: another code, other words, a server error",
        lambda outcome: isinstance(outcome, Reply) and complaint(outcome) is not None,
        Meaning.UNKNOWN,
        MAYBE,
        _LOOK,
        WiroSubmissionUnknown,
    ),
    ReplyRule(
        "no answer, or one that says nothing", lambda _: True, Meaning.UNKNOWN, MAYBE, _LOOK, WiroSubmissionUnknown
    ),
)


def rule_of(outcome: Outcome) -> ReplyRule:
    """Return the row that decides."""
    return next(rule for rule in REPLIES if rule.matches(outcome))
