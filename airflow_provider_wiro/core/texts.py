"""The text of what a text model answers, in each of the shapes in which Wiro has been seen to give it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping

DEEPEST_TEXT = 5
DEEPEST_VALUE = 50
# What only the wrapping of an answer has: JSON that a person asked for stays as it is.
WRAPPING = frozenset({"prompt", "raw", "thinking", "answer", "message"})

_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.IGNORECASE)
_THINKING = re.compile(r"<(think|thinking)>.*?(?:</\1>|\Z)", re.DOTALL | re.IGNORECASE)
# Some models leave out the tag that begins it.
_THOUGHT = re.compile(r"\A.*</(?:think|thinking)>", re.DOTALL | re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def text_of(content: object) -> str | None:
    """Return the text in what stands in ``content`` or ``text`` of an output; None if there is none.

    It is the answer, without the thinking before it. Several parts are joined, each on a line of its own. An answer
    that Wiro has taken out itself stays to the letter.
    """
    if isinstance(content, str):
        wrapped = _wrapped(content)
        found = None if wrapped is None else _answer(wrapped, 0)
        return _without_tags(content) if found is None else found
    return _answer(content, 0)


def _answer(content: object, depth: int) -> str | None:
    if depth > DEEPEST_TEXT:
        return None
    if isinstance(content, str):
        return str(storable(content)) if content.strip() else None
    if isinstance(content, Mapping):
        found = (_answer(content.get(place), depth + 1) for place in ("answer", "message", "text"))
        raw = content.get("raw")
        untagged = _without_tags(raw) if isinstance(raw, str) else _answer(raw, depth + 1)
        return next((text for text in found if text is not None), untagged)
    if isinstance(content, list):
        return joined(_answer(part, depth + 1) for part in content)
    known = isinstance(content, int | float) and not isinstance(content, bool)
    return str(storable(content)) if known and storable(content) is not None else None


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


def _wrapped(said: str) -> object | None:
    """Return the wrapping of an answer that is written as JSON, None where it is none."""
    if said.lstrip()[:1] != "{":
        return None
    try:
        inner = json.loads(said)
    except (ValueError, RecursionError):
        return None
    is_asked_for = inner.keys() == {"answer"} and not isinstance(inner["answer"], list)
    return inner if inner and inner.keys() <= WRAPPING and not is_asked_for else None


def _without_tags(said: str) -> str | None:
    answers = _ANSWER.findall(said)
    bare = "\n".join(answers) if answers else _THOUGHT.sub("", _THINKING.sub("", said))
    text = said if bare == said else bare.strip()
    return str(storable(text)) if text.strip() else None
