"""The tables in the documentation are the rules in the code."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
SHOWN = "<!-- table: colours -->\nold\n<!-- end of table -->"


def load() -> Any:
    spec = spec_from_file_location("rendering", ROOT / "scripts" / "rendering.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


rendering = load()


class Colour(Enum):
    RED = "red | hot"


@dataclass
class Row:
    name: str
    colour: Colour
    error: type[Exception] | None
    final: bool
    inner: tuple[str, ...] = ("a", "b")


@dataclass
class Table:
    name: str
    rows: str
    columns: dict[str, str]


ROWS = [Row("one\n two", Colour.RED, ValueError, True), Row("two", Colour.RED, None, False)]
COLOURS = Table(
    "colours",
    f"{__name__}:ROWS",
    {"name": "name", "what": "colour", "error": "error", "final": "final", "second": "inner.1", "all": "inner"},
)


def render(text: str) -> str:
    filled: str = rendering.rendered(text, [COLOURS], lambda name: None)
    return filled


def test_a_table_is_put_between_its_markers_and_nothing_else_changes() -> None:
    once = render(f"before\n\n{SHOWN}\n\nafter\n")
    assert once.splitlines() == [
        "before",
        "",
        "<!-- table: colours -->",
        "| name | what | error | final | second | all |",
        "| --- | --- | --- | --- | --- | --- |",
        "| one two | red \\| hot | `ValueError` | yes | b | a, b |",
        "| two | red \\| hot | | no | b | a, b |",
        "<!-- end of table -->",
        "",
        "after",
    ]
    assert render(once) == once


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SHOWN.replace("colours", "colors"), "there is no table 'colors', only colours"),
        ("<!-- table: colours -->\n", "no partner"),
        ("text\n<!-- end of table -->\n", "no partner"),
        (f"<!-- table: colours -->\n{SHOWN}\n", "the table 'colours' has no end"),
    ],
)
def test_a_marker_that_cannot_be_filled_is_an_error(text: str, message: str) -> None:
    with pytest.raises(rendering.NotRendered, match=message):
        render(text)


def script(root: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "scripts" / "render"), "--root", str(root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


def test_the_documentation_shows_the_rules_as_they_are() -> None:
    assert script(ROOT, "--check") == (0, "good\n")


def test_a_table_that_differs_is_found_and_mended(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    rules = tmp_path / "docs" / "rules.md"
    right = rules.read_text()
    rules.write_text(right.replace("| refused for good |", "| accepted |", 1))
    code, said = script(tmp_path, "--check")
    assert (code, said) == (1, "docs/rules.md does not show the rules as they are: run scripts/render\n")
    assert script(tmp_path) == (0, "docs/rules.md written\ngood\n")
    assert rules.read_text() == right


def test_a_table_that_nothing_shows_is_told(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("# Nothing\n")
    code, said = script(tmp_path, "--check")
    assert code == 1
    assert "nothing shows the table 'replies'" in said
