"""Single values of a record, read strictly: what is none of ours is an error, never "nothing"."""

from __future__ import annotations

from collections.abc import Mapping

LAST_TIME = 2.0**40


def kept_texts(value: object) -> dict[str, str]:
    """Return an object whose values are texts.

    :raises TypeError: if it is none.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{type(value).__name__} instead of an object")
    return {kept_text(name): kept_text(item) for name, item in value.items()}


def kept_time(value: object) -> float:
    """Return a unix time.

    :raises ValueError: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LAST_TIME:
        raise ValueError("a time that is none")
    return float(value)


def kept_text(value: object) -> str:
    """Return a text.

    :raises TypeError: if it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} instead of text")
    return value


def kept_name(value: object) -> str:
    """Return a text that is not empty.

    :raises ValueError: if it is.
    """
    if not kept_text(value):
        raise ValueError("empty text")
    return kept_text(value)
