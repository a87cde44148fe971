"""Arguments that can only be checked after rendering."""

from __future__ import annotations

from collections.abc import Mapping


def is_templated(value: object) -> bool:
    """Whether *value* holds Jinja or an XComArg, so that it can only be checked after rendering."""
    if isinstance(value, str):
        return any(mark in value for mark in ("{{", "{%", "{#"))
    if isinstance(value, Mapping):
        return any(is_templated(item) for item in value.values())
    if isinstance(value, list | tuple | set):
        return any(is_templated(item) for item in value)
    return hasattr(value, "resolve") and hasattr(value, "iter_references")
