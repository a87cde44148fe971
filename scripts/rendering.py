"""Rules as tables in Markdown, and put in their place in the documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from importlib import import_module
from typing import Protocol

END = "<!-- end of table -->"
MARKED = re.compile(rf"^<!-- table: (?P<name>.+?) -->\n(?P<held>.*?)^{END}$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"^<!-- (?:table: .+?|end of table) -->$", re.MULTILINE)


class Table(Protocol):
    """What is known of a table: its name, where its rows are, and the field for each heading."""

    @property
    def name(self) -> str: ...

    @property
    def rows(self) -> str: ...

    @property
    def columns(self) -> Mapping[str, str]: ...


class NotRendered(Exception):
    """A marker cannot be filled; the message says why."""


def markdown(table: Table) -> str:
    """Return the table in Markdown."""
    module, _, attribute = table.rows.partition(":")
    rows = getattr(import_module(module), attribute)
    rows = rows.values() if isinstance(rows, Mapping) else rows
    lines = [table.columns.keys(), ["---"] * len(table.columns)]
    lines += [[_cell(_field(row, path)) for path in table.columns.values()] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n".replace("|  |", "| |") for line in lines)


def rendered(text: str, tables: Iterable[Table], seen: Callable[[str], object]) -> str:
    """Return *text* with each table in its place.

    :param seen: called with the name of each table that the text shows.
    :raises NotRendered: if a marker names no table, or has no end.
    """
    known = {table.name: table for table in tables}

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in known:
            raise NotRendered(f"there is no table {name!r}, only {', '.join(known)}")
        if MARK.search(match["held"]):
            raise NotRendered(f"the table {name!r} has no end")
        seen(name)
        return f"<!-- table: {name} -->\n{markdown(known[name])}{END}"

    filled, count = MARKED.subn(fill, text)
    if len(MARK.findall(text)) != 2 * count:
        raise NotRendered("a marker has no partner")
    return filled


def _field(row: object, path: str) -> object:
    for part in path.split("."):
        row = row[int(part)] if part.isdigit() else getattr(row, part)  # type: ignore[index]
    return row


def _cell(value: object) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, type):
        return f"`{value.__name__}`"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(_cell, value))
    return " ".join(("" if value is None else str(value)).split()).replace("|", "\\|")
