"""Arguments that can only be checked after rendering, and what rendering has made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Path = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What an argument was rendered to.

    :param now: its value.
    :param before: the value that releases before 0.2.0 sent: native rendering made a number of text such as ``1.50``.
        What they have recorded is compared with it.
    :param nothing: where in it a template was rendered to the text ``None``: it has found nothing.
    """

    now: object
    before: object
    nothing: tuple[Path, ...] = ()


def is_templated(value: object) -> bool:
    """Whether *value* holds Jinja or an XComArg, so that it can only be checked after rendering."""
    if isinstance(value, str):
        return any(mark in value for mark in ("{{", "{%", "{#"))
    if isinstance(value, Mapping):
        return any(is_templated(item) for item in value.values())
    if isinstance(value, list | tuple | set):
        return any(is_templated(item) for item in value)
    return hasattr(value, "resolve") and hasattr(value, "iter_references")


def each_rendered(content: object, leaf: Callable[[object], Rendered]) -> Rendered:
    """Render everything in *content*, however deep.

    :param leaf: renders what is neither a dict nor a list nor a tuple.
    """
    if isinstance(content, dict):
        named = {name: each_rendered(item, leaf) for name, item in content.items()}
        return Rendered(
            {name: item.now for name, item in named.items()},
            {name: item.before for name, item in named.items()},
            tuple((name, *path) for name, item in named.items() for path in item.nothing),
        )
    if type(content) in (list, tuple):
        make = type(content)
        items = [each_rendered(item, leaf) for item in content]  # type: ignore[attr-defined]
        return Rendered(
            make(item.now for item in items),  # type: ignore[call-arg]
            make(item.before for item in items),  # type: ignore[call-arg]
            tuple((number, *path) for number, item in enumerate(items) for path in item.nothing),
        )
    return leaf(content)
