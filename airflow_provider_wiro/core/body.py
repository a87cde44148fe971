"""What came over the wire, read so that nothing in it can make this fail, or take long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from airflow_provider_wiro.core.text import foreign, one_line

MAX_RETRY_AFTER = 300.0
# Reading more would hold up the event loop, in a thread too: json keeps the GIL. A page of 100 tasks has some 5,000.
MOST_VALUES = 100_000

# Several times as quick as Python's own, but slower with numbers of many digits: a longer body is left to that one.
# So is what it refuses: Python's takes NaN, and broken characters.
LONGEST_QUICK = 1_000_000
_STRICT = msgspec.json.Decoder()
_TOLERANT = json.JSONDecoder(parse_constant=lambda _: None)


def parse_json(raw: bytes) -> object:
    """Return the JSON of a body; None if it is none, or has too many values."""
    if _is_crowded(raw):
        return None
    if len(raw) > LONGEST_QUICK:
        return _tolerated(raw)
    try:
        return _STRICT.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _tolerated(raw)


def _tolerated(raw: bytes) -> object:
    try:
        return _TOLERANT.decode(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def read_retry_after(header: str | None, now: float | None) -> float | None:
    """Read seconds or an HTTP date, capped; None if it is neither, or a date without *now*."""
    text = (header or "").strip()
    if not text or not text.isascii() or len(text) > 40:
        return None
    if text.isdigit():
        return min(float(text), MAX_RETRY_AFTER)
    until = read_date(text)
    return None if now is None or until is None else min(max(until - now, 0.0), MAX_RETRY_AFTER)


def read_date(header: str | None) -> float | None:
    """Read an HTTP date as unix time; None if it is none."""
    if header is None or len(header) > 40:
        return None
    try:
        date = parsedate_to_datetime(header)
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def words_of(error: object) -> str:
    """Return the message of an error as one line; empty if it has none."""
    return foreign(error.get("message") if isinstance(error, Mapping) else error)


def code_of(error: object) -> tuple[int | None, str]:
    """Read the code of an error, as a number if it is one, and as text."""
    value = error.get("code") if isinstance(error, Mapping) else None
    if value is None or isinstance(value, bool):
        return None, ""
    word = one_line(value, 50)
    try:
        return int(value) if isinstance(value, int | str) else None, word
    except ValueError:
        return None, word


def _is_crowded(raw: bytes) -> bool:
    """Whether the JSON has too many values. Only what stands outside of strings counts: a prompt may be a table."""
    if len(raw) <= MOST_VALUES or _marks(raw) <= MOST_VALUES:
        return False
    bare = raw.replace(rb"\\", b"").replace(rb"\"", b"")
    return bare.count(b'"') > 4 * MOST_VALUES or _marks(b"".join(bare.split(b'"')[::2])) > MOST_VALUES


def _marks(raw: bytes) -> int:
    return sum(raw.count(mark) for mark in (b"[", b"{", b","))
