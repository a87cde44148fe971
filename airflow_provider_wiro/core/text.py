"""Foreign text made fit for a log line, an error message or JSON."""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_provider_wiro.exceptions import WiroError

# Any scheme, for "s3://key:secret@bucket" is one too. A user may hold "@", and a path "'".
_URL = re.compile(r"([a-z][a-z0-9+.-]{0,30}://)(?:[^/\s?#]*@)?([^\s?#\"<>]*)(?:[?#][^\s\"<>]*)?", re.IGNORECASE)


# What follows a ":" is a port, or a password, which may hold a "/".
_PASSWORD = re.compile(r"([a-z][a-z0-9+.-]*://)[^/\s@]*:(?!\d+(?:/|$))\S*@", re.IGNORECASE)
NO_PASSWORD = "what stands before '@' is the id of an Airflow connection: keep key and secret in one"


def one_line(value: object, limit: int = 300) -> str:
    """Return *value* as one printable line of at most *limit* characters.

    Control characters, terminal escapes and lone surrogates become spaces, runs of white space one space.
    """
    text = value if isinstance(value, str) else "" if value is None else as_text(value)
    text = text[: limit * 4]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def foreign(value: object, limit: int = 300) -> str:
    """Return what Wiro says as one line, as ``one_line`` does, without the secrets of URLs: it may quote inputs."""
    text = "" if value is None else as_text(value)
    return one_line(without_secrets(text[: limit * 4]), limit)


def in_words(error: BaseException, limit: int = 300) -> str:
    """Return an error as one line: one of this package in all its words, for they say what to do, another one cut."""
    line = f"{type(error).__name__}: {error}"
    return one_line(line, max(limit, len(line)) if isinstance(error, WiroError) else limit)


def steps(*each: str) -> str:
    """Return what to do, each step on a line of its own: Airflow's log view cuts a long line at the right edge."""
    return "\nWhat to do:" + "".join(f"\n{number}. {step}" for number, step in enumerate(each, 1))


def as_text(value: object, convert: Callable[[object], str] = str) -> str:
    """Return *value* as text, also where Python cannot: nested too deeply, or an integer with too many digits."""
    try:
        return convert(value)
    except (RecursionError, ValueError):
        return f"<{type(value).__name__}>"


def without_password(text: str) -> str | None:
    """Return what may be shown of a URL with a password before its host; None where it has none."""
    found = _PASSWORD.match(text.strip())
    return None if found is None else f"{found[1]}…"


def without_secrets(text: str) -> str:
    """Return *text* with the URLs in it as they may be shown: without user and query, which may be a signature."""
    return _URL.sub(r"\1\2", text)
