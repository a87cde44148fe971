"""Which benchmarks scripts/bench runs, and their tables in the page."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plotting import NUMBER, Panel, Table

PAGE = Path("docs") / "performance.md"
END = "<!-- end of measured -->"
MARKED = "<!-- measured: {} -->"
VERSIONS = ("apache-airflow", "aiohttp")
FIVE = ("--rounds", "5")
ONE = ("--rounds", "1")


@dataclass(frozen=True)
class Benchmark:
    """One of them.

    :param name: what its marker and its plot are called.
    :param script: its file in benchmarks/. It prints a table in Markdown whose first column names the rows.
    :param full: its arguments.
    :param quick: its arguments where it only has to run.
    :param times: how often it is run; the table has the medians. 1: it makes medians itself.
    :param panels: which columns its plot shows.
    """

    name: str
    script: str
    full: Sequence[str] = ()
    quick: Sequence[str] = ()
    times: int = 1
    panels: Sequence[Panel] = field(default=(Panel(1),))

    def arguments(self, *, quick: bool) -> Sequence[str]:
        """Return its arguments."""
        return self.quick if quick else self.full


BENCHMARKS = (
    Benchmark("pauses", "pauses.py", quick=("--jobs", "5"), panels=(Panel(2), Panel(2, number=1, unit="s late"))),
    Benchmark("looks", "looks.py", (*FIVE, "--looks", "10000"), (*ONE, "--looks", "200"), panels=(Panel(1), Panel(4))),
    Benchmark(
        "capacity",
        "capacity.py",
        quick=("--triggers", "50", "--minutes", "0.2"),
        panels=(Panel(1, number=1), Panel(2, number=1), Panel(3), Panel(5)),
    ),
    Benchmark("memory", "memory.py", ("--triggers", "1000"), ("--triggers", "100"), times=5),
    Benchmark("saving", "saving.py", FIVE, (*ONE, "--megabytes", "5"), panels=(Panel(2), Panel(4))),
    Benchmark("imports", "imports.py", FIVE, ONE),
    Benchmark(
        "gallery",
        "gallery.py",
        ("--postgres",),
        ("--rounds", "1", "--foreign", "100", "--generations", "50"),
        panels=(Panel(2),),
    ),
    *(
        Benchmark(
            f"end_to_end_{tasks}",
            "end_to_end.py",
            (*FIVE, "--tasks", tasks),
            (*ONE, "--tasks", "3"),
            panels=(Panel(1), Panel(3), Panel(5)),
        )
        for tasks in ("100", "300")
    ),
)


def table_in(printed: str) -> Table:
    """Return the first table of what a benchmark has printed, its headings first.

    :raises ValueError: if there is none, or its rows differ in length.
    """
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    if len(rows) < 3 or set("".join(rows[1])) - set("-: "):
        raise ValueError(f"it has printed no table: {printed[-500:]!r}")
    if len({len(row) for row in rows}) != 1:
        raise ValueError(f"its rows differ in length: {lines}")
    return [rows[0], *rows[2:]]


def middle(tables: Sequence[Table]) -> Table:
    """Return a table whose numbers are the medians of those at their places; all else is that of the first.

    :raises ValueError: if the tables are not alike.
    """
    first, *others = tables
    if any([len(row) for row in other] != [len(row) for row in first] for other in others):
        raise ValueError("its tables have different rows")
    return [
        first[0],
        *(
            [row[0], *(_middle([table[y][x] for table in tables]) for x in range(1, len(row)))]
            for y, row in enumerate(first[1:], 1)
        ),
    ]


def _middle(cells: Sequence[str]) -> str:
    numbers = [NUMBER.findall(cell) for cell in cells]
    if len({len(each) for each in numbers}) != 1:
        return cells[0]
    medians = iter([_as(each[0], statistics.median(map(float, each))) for each in zip(*numbers, strict=True)])
    return NUMBER.sub(lambda _: next(medians), cells[0])


def _as(shown: str, number: float) -> str:
    """Return a number with as many decimal places as another one that is shown."""
    return f"{number:.{len(shown.partition('.')[2])}f}"


def markdown(table: Table) -> str:
    """Return the table in Markdown."""
    lines = [table[0], ["---"] * len(table[0]), *table[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def written(page: str, name: str, table: Table, told: str) -> str:
    """Return the page with a benchmark's table, its plot, and how it was measured, between the markers of that name.

    :raises ValueError: if there are no such markers.
    """
    picture = f"![{name.replace('_', ' ')}]({PAGE.stem}/{name}.svg)"
    block = f"{MARKED.format(name)}\n{markdown(table)}\n{picture}\n\n{told}\n{END}"
    marked = re.compile(f"^{re.escape(MARKED.format(name))}$.*?^{re.escape(END)}$", re.MULTILINE | re.DOTALL)
    filled, count = marked.subn(lambda _: block, page)
    if count != 1:
        raise ValueError(f"{PAGE} has {count} places for {name!r}")
    return filled


def machine(commands: Path, run: Callable[..., bytes] = subprocess.check_output) -> str:
    """Return the machine, the versions and the day, in words."""
    wanted = f"import importlib.metadata as m; print(*(m.version(name) for name in {VERSIONS}))"
    versions = run([str(commands / "python"), "-c", wanted]).decode().split()
    python = run([str(commands / "python"), "-c", "import platform; print(platform.python_version())"]).decode()
    named = [f"Python {python.strip()}", *map(" ".join, zip(VERSIONS, versions, strict=True))]
    load = f"load {os.getloadavg()[0]:.1f} at the end"
    return f"{_processor()}, {os.cpu_count()} cores, {load}; {', '.join(named)}; {time.strftime('%Y-%m-%d')}"


def _processor() -> str:
    try:
        told = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*: (.+)$", told, re.MULTILINE)
    return found[1] if found else platform.machine()
