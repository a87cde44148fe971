"""The text of what a text model answers, in each of the shapes in which Wiro has been seen to give it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping

# What a text may stand in, the best first: an answer without the thinking, or all there is.
PLACES = ("answer", "message", "text", "raw")
DEEPEST_TEXT = 5
DEEPEST_VALUE = 50

_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.IGNORECASE)
_THINKING = re.compile(r"<(think|thinking)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
# Some models leave out the tag that begins it.
_THOUGHT = re.compile(r"\A.*</(?:think|thinking)>", re.DOTALL | re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def text_of(content: object, depth: int = 0) -> str | None:
    """Return the text in what stands in ``content`` or ``text`` of an output; None if there is none.

    It is the answer, without the thinking before it. Several parts are joined, each on a line of its own.
    """
    if depth > DEEPEST_TEXT:
        return None
    if isinstance(content, str):
        return _told(content, depth)
    if isinstance(content, Mapping):
        found = (text_of(content.get(place), depth + 1) for place in PLACES)
        return next((text for text in found if text is not None), None)
    if isinstance(content, list):
        return joined(text_of(part, depth + 1) for part in content)
    known = isinstance(content, int | float) and not isinstance(content, bool)
    return str(storable(content)) if known else None


def joined(texts: Iterable[str | None]) -> str | None:
    """Return the texts that there are, each on a line of its own; None if there are none."""
    there = [text for text in texts if text is not None]
    return "\n".join(there) if there else None


def storable(value: object, depth: int = 0) -> object:
    """Return a value of JSON as every database can store it: no NUL, no half of a character, no number that is none.

    What is nested more than 50 deep becomes "…".
    """
    if isinstance(value, str):
        return _UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    if depth >= DEEPEST_VALUE:
        return "…"
    if isinstance(value, Mapping):
        return {str(storable(str(name))): storable(item, depth + 1) for name, item in value.items()}
    return [storable(item, depth + 1) for item in value] if isinstance(value, list | tuple) else None


def _told(said: str, depth: int) -> str | None:
    """Read text that may be JSON, or have tags in it."""
    if said.lstrip()[:1] in ("{", "["):
        try:
            inner = json.loads(said)
        except (ValueError, RecursionError):
            inner = None
        found = text_of(inner, depth + 1) if _holds_text(inner) else None
        if found is not None:
            return found
    answers = _ANSWER.findall(said)
    bare = "\n".join(answers) if answers else _THOUGHT.sub("", _THINKING.sub("", said))
    text = bare.strip() if bare != said else said
    return str(storable(text)) if text.strip() else None


def _holds_text(value: object) -> bool:
    """Whether JSON in a text is a wrapping: what a person asked for as JSON stays as it is."""
    if isinstance(value, list):
        return bool(value) and all(_holds_text(item) for item in value)
    return isinstance(value, Mapping) and any(place in value for place in ("answer", "message", "raw"))
