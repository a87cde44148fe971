"""Single values of an answer, read tolerantly: numbers come as strings, and anything may be missing or odd."""

from __future__ import annotations

import math

from airflow_provider_wiro.core.text import as_text, one_line

# Made once: a union that is written where it is asked for is made anew each time.
_PLAIN = str | int | float


def read_taskid(value: object) -> str | None:
    """Return *value* as a taskid, or None if it cannot be one. ``"0"`` is how Wiro writes "none"."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**30 else ""
    return text if text not in ("", "0") and len(text) <= 100 and text.isprintable() and " " not in text else None


def read_line(value: object, limit: int) -> str | None:
    """Return *value* as one line of at most *limit* characters; None if it is no text and no number, or empty."""
    if value is None or isinstance(value, bool) or not isinstance(value, _PLAIN):
        return None
    return one_line(value, limit) or None


def read_word(value: object) -> str | None:
    """Read a word that decides: one that is not clean is shown as Python writes it, and so equals no known word."""
    text = "" if value is None else as_text(value)
    if not text.strip():
        return None
    return text if text == one_line(text, 100) else one_line(as_text(value, ascii), 100)


def read_number(value: object) -> float | None:
    """Return *value* as a number that is not negative, or None if it is none."""
    if isinstance(value, bool) or not isinstance(value, _PLAIN):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def read_whole(value: object) -> int | None:
    """Return *value* as a whole number that is not negative, or None if it is none."""
    number = read_number(value)
    return int(number) if number is not None and number < 2**63 else None
