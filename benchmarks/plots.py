"""Draws the tables of docs/performance.md: a bar for each row, as SVG in docs/_static/.

    python benchmarks/plots.py

A test compares the pictures with the tables, so run it after a table has changed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, LABELS, BAR, HEAD = 760, 330, 26, 40
SVG = "http://www.w3.org/2000/svg"
OURS, OTHERS = "#7c3aed", "#a8b0bd"


@dataclass(frozen=True)
class Plot:
    """A picture of one column of a table.

    :param name: of the picture's file.
    :param table: the first cell of the table's heading.
    :param column: which column, and which number in its cells.
    """

    name: str
    title: str
    table: str
    column: tuple[int, int]


PLOTS = (
    Plot("requests", "Requests a task, for jobs of five minutes", "requests a task / mean delay", (3, 0)),
    Plot(
        "delay",
        "How late the end is noticed, in seconds, for jobs of five minutes",
        "requests a task / mean delay",
        (3, 1),
    ),
    Plot("cpu", "CPU-ms of 1,000 looks", "way", (1, 0)),
    Plot("memory", "kB of a waiting trigger", "trigger", (1, 0)),
)


def main() -> None:
    page = (DOCS / "performance.md").read_text()
    for plot in PLOTS:
        (DOCS / "_static" / f"{plot.name}.svg").write_text(drawn(plot, page))


def drawn(plot: Plot, page: str) -> str:
    """Return the picture of a table of the page, as SVG."""
    rows = rows_of(plot, page)
    most = max(number for _, number in rows)
    height = HEAD + BAR * len(rows) + 14
    lines = [
        f'<svg xmlns="{SVG}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="14">',
        f"<title>{escape(plot.title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="#ffffff"/>',
        f'<text x="14" y="26" font-weight="bold" fill="#1f2430">{escape(plot.title)}</text>',
    ]
    for index, (label, number) in enumerate(rows):
        top, colour = HEAD + BAR * index, OURS if label.startswith("this package") else OTHERS
        length = max(2.0, (WIDTH - LABELS - 90) * number / most)
        lines += [
            f'<text x="{LABELS - 10}" y="{top + 17}" text-anchor="end" fill="#1f2430">{escape(label)}</text>',
            f'<rect x="{LABELS}" y="{top + 4}" width="{length:.1f}" height="{BAR - 8}" fill="{colour}"/>',
            f'<text x="{LABELS + length + 8:.1f}" y="{top + 17}" fill="#1f2430">{number:g}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])


def rows_of(plot: Plot, page: str) -> list[tuple[str, float]]:
    """Return each row's label and number."""
    table = re.search(rf"^\| {re.escape(plot.table)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", page, re.MULTILINE)
    if table is None:
        raise ValueError(f"docs/performance.md has no table {plot.table!r}")
    column, which = plot.column
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()]
    return [
        (re.sub(r"\*\*", "", row[0]).replace("`", ""), float(re.findall(r"[\d.]+", row[column])[which]))
        for row in cells
    ]


if __name__ == "__main__":
    main()
