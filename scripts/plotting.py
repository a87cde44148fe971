"""A table as bars, in SVG: small enough to be kept beside it, and readable where no picture is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

Table = list[list[str]]
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?")
OURS = "this package"
WIDTH, NAMES, BAR, GAP, HEAD = 760, 290, 16, 8, 34
STYLE = (
    "text{font:12px sans-serif;fill:#222}.h{font-weight:bold}.a{fill:#9aa5b1}.b{fill:#5b4bdb}"
    "@media(prefers-color-scheme:dark){text{fill:#ddd}}"
)


@dataclass(frozen=True)
class Panel:
    """One group of bars.

    :param column: which column of the table it shows.
    :param number: which number of a cell.
    :param unit: what stands in its heading beside the column's.
    """

    column: int
    number: int = 0
    unit: str = ""


def plot(table: Table, panels: Sequence[Panel]) -> str:
    """Return the picture: for each panel a heading, and a bar for each row that has a number there."""
    parts: list[str] = []
    top = 0
    for panel in panels:
        heading = ", ".join(filter(None, (_plain(table[0][panel.column]), panel.unit)))
        parts.append(f'<text class="h" x="0" y="{top + 20}">{escape(heading)}</text>')
        top += HEAD
        values = [(_plain(row[0]), _number(row[panel.column], panel.number)) for row in table[1:]]
        most = max((value for _, value in values if value is not None), default=0.0) or 1.0
        for name, value in values:
            if value is not None:
                parts.append(_bar(top, name, value, value / most))
                top += BAR + GAP
    size = f'width="{WIDTH}" height="{top + GAP}" viewBox="0 0 {WIDTH} {top + GAP}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">\n<style>{STYLE}</style>\n{body}\n</svg>\n'


def _bar(top: int, name: str, value: float, share: float) -> str:
    kind = "b" if OURS in name else "a"
    width = round(max(1.0, share * (WIDTH - NAMES - 70)), 1)
    return (
        f'<text x="{NAMES - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="{kind}" x="{NAMES}" y="{top}" width="{width}" height="{BAR}"/>'
        f'<text x="{NAMES + width + 6:.1f}" y="{top + 13}">{value:g}</text>'
    )


def _number(cell: str, which: int) -> float | None:
    numbers = NUMBER.findall(cell.replace(",", ""))
    return float(numbers[which]) if which < len(numbers) else None


def _plain(cell: str) -> str:
    """Return a cell without its marks, and no longer than there is room for."""
    text = re.sub(r"[*`]", "", cell)
    return text if len(text) <= 44 else text[:43] + "…"
