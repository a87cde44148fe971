"""What scripts/bench makes of what the benchmarks print, and the page that it has written."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

from benchmarking import BENCHMARKS, END, MARKED, PAGE, Benchmark, markdown, middle, table_in, written  # noqa: E402
from plotting import Panel, plot  # noqa: E402

PRINTED = """aiohttp 3.14

| way | ms & more | beside |
|---|---|---|
| **this package** | {} | 1.00 × |
| `a<b` | 20.5 | {} × |
"""
NOT_YET = "Not measured yet."
EACH = pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda each: each.name)


def printed(*numbers: object) -> str:
    return PRINTED.format(*numbers)


def block(benchmark: Benchmark) -> str:
    """Return what the page shows of a benchmark."""
    page = (ROOT / PAGE).read_text()
    assert page.count(MARKED.format(benchmark.name)) == 1
    return page.partition(MARKED.format(benchmark.name))[2].partition(END)[0]


def test_numbers_become_medians_and_words_stay() -> None:
    table = middle([table_in(printed(1.0, "2.50")), table_in(printed(3.0, "2.00")), table_in(printed(2.0, "9.00"))])
    assert table == [["way", "ms & more", "beside"], ["**this package**", "2.0", "1.00 ×"], ["`a<b`", "20.5", "2.50 ×"]]


@pytest.mark.parametrize("text", ["", "no table", "| a | b |\n|---|---|\n", "| a | b |\n|---|---|\n| 1 |\n"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"table|differ"):
        table_in(text)


def test_tables_with_different_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="different rows"):
        middle([table_in(printed(1, 2)), table_in(printed(1, 2))[:2]])


def test_a_plot_is_valid_and_has_a_bar_for_each_number() -> None:
    table = table_in(printed(1, "2.50 to 3,000"))
    drawn = ElementTree.fromstring(plot(table, [Panel(1), Panel(2, number=1, unit="at most")]))
    namespace = "{http://www.w3.org/2000/svg}"
    bars = drawn.findall(f"{namespace}rect")
    assert [bar.get("class") for bar in bars] == ["b", "a", "a"]
    assert float(bars[1].get("width", 0)) > 10 * float(bars[0].get("width", 0))
    texts = [text.text for text in drawn.findall(f"{namespace}text")]
    assert texts == ["ms & more", "this package", "1", "a<b", "20.5", "beside, at most", "a<b", "3000"]


def test_a_table_is_put_in_its_place_and_all_else_stays() -> None:
    page = f"# Page\n\n{MARKED.format('looks')}\nold\n{END}\n\nWords.\n"
    now = written(page, "looks", table_in(printed(1, 2)), "by hand")
    assert now.startswith(f"# Page\n\n{MARKED.format('looks')}\n| way |")
    assert now.endswith(f"\n![looks](performance/looks.svg)\n\nby hand\n{END}\n\nWords.\n")
    assert written(now, "looks", table_in(printed(1, 2)), "by hand") == now
    with pytest.raises(ValueError, match="0 places for 'memory'"):
        written(page, "memory", table_in(printed(1, 2)), "")


@EACH
def test_each_benchmark_is_there_and_takes_its_arguments(benchmark: Benchmark) -> None:
    source = (ROOT / "benchmarks" / benchmark.script).read_text()
    for arguments in (benchmark.full, benchmark.quick):
        assert all(f'add_argument("{each}"' in source for each in arguments if each.startswith("--"))


@EACH
def test_the_page_shows_each_with_its_plot(benchmark: Benchmark) -> None:
    shown = block(benchmark)
    if shown.strip() == NOT_YET:
        return
    table = table_in(shown)
    assert markdown(table) in shown
    assert max(panel.column for panel in benchmark.panels) < len(table[0])
    picture = ROOT / PAGE.parent / PAGE.stem / f"{benchmark.name}.svg"
    assert f"({PAGE.stem}/{picture.name})" in shown
    drawn = ElementTree.parse(picture).getroot()
    assert drawn.findall(".//{http://www.w3.org/2000/svg}rect")


def test_each_plot_and_each_marker_is_of_a_benchmark() -> None:
    names = {benchmark.name for benchmark in BENCHMARKS}
    drawn = {benchmark.name for benchmark in BENCHMARKS if block(benchmark).strip() != NOT_YET}
    assert {path.stem for path in (ROOT / PAGE.parent / PAGE.stem).glob("*.svg")} == drawn
    assert set(re.findall(r"<!-- measured: (\w+) -->", (ROOT / PAGE).read_text())) == names
