"""Where the requests of a connection wait while Wiro throttles it: one gate for all clients of a process."""

from __future__ import annotations

import hmac
import math
import random
import secrets
import threading
import time
from collections.abc import Iterator

from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import MAX_RETRY_AFTER, NoReply, Reply, Send

SPREAD = 0.1
NEWS = 10.0

_salt = secrets.token_bytes(32)
# When each closed gate opens, monotonic seconds. The lock is one that a signal handler may take again.
_opens: dict[bytes, float] = {}
_lock = threading.RLock()


def _key(credentials: Credentials) -> bytes:
    said = f"{credentials.base_url}\0{credentials.api_key}"
    return hmac.digest(_salt, said.encode(), "sha256")


def note(outcome: Reply | NoReply, credentials: Credentials, log: Log) -> None:
    """Close the gate of the connection if *outcome* is an HTTP 429 that says for how long; put one line into *log*."""
    if not isinstance(outcome, Reply) or outcome.status != 429 or not outcome.retry_after:
        return
    if _close(_key(credentials), outcome.retry_after):
        log.warning(
            "Wiro throttles this connection (HTTP 429): all its requests in this process wait %.0f s, except stops",
            outcome.retry_after,
        )


def _close(key: bytes, seconds: float) -> bool:
    """Close a gate; return whether that is news: it was open, or stays closed for much longer than it was to."""
    now = time.monotonic()
    with _lock:
        for past in [known for known, opens in _opens.items() if opens <= now]:
            del _opens[past]
        before = _opens.get(key)
        _opens[key] = max(before or 0.0, now + seconds)
        return before is None or _opens[key] - before > NEWS


def pauses(step: Send, credentials: Credentials) -> Iterator[float]:
    """Yield for how many seconds *step* pauses before it asks again, until it may be sent: no more for a stop.

    All of them together are at most five minutes, and end at the step's deadline. Each is up to a tenth longer than the
    gate is closed, so that those who wait do not all come at once.
    """
    until = None
    while not step.urgent and (left := _closed_for(credentials)) > 0:
        now = time.monotonic()
        until = until or now + MAX_RETRY_AFTER
        patience = min(until - now, _before_deadline(step))
        if patience <= 0:
            return
        yield min(left * (1 + SPREAD * random.random()), patience)


def is_closed(credentials: Credentials) -> bool:
    """Whether the requests of the connection wait now."""
    return _closed_for(credentials) > 0


def held_back(step: Send, credentials: Credentials) -> Reply | None:
    """Return the answer to *step* if its deadline has passed and the gate is still closed; None if it may be sent.

    It is what Wiro would answer, but nothing is sent: a submission that comes too late would be paid for nothing.
    """
    left = _closed_for(credentials)
    if step.urgent or left <= 0 or _before_deadline(step) > 0:
        return None
    said = f"not sent, because the deadline has passed, and Wiro throttles this connection for another {left:.0f} s"
    return Reply(429, beginning=said, retry_after=left)


def queued_too_long() -> Reply:
    """Return the answer to a step whose deadline passed while it waited for its turn; nothing was sent."""
    return Reply(429, beginning="not sent, because the deadline has passed while it waited for a free connection")


def _closed_for(credentials: Credentials) -> float:
    if not _opens:
        return 0.0
    now = time.monotonic()
    return _opens.get(_key(credentials), now) - now


def _before_deadline(step: Send) -> float:
    return math.inf if step.deadline is None else step.deadline - time.time()
