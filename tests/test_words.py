"""Words that a person who is woken at night must not have to read twice, and what is said in their place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "airflow_provider_wiro"
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

BETTER = {
    r"behind the Run\b": "after it was sent",
    r"nobody can (find out|know)\b": "cannot be determined",
    r"cannot be found out\b": "cannot be determined",
    r"\b(is|are) there no more\b": "no longer exists",
    r"\bnot surely\b": "not with certainty",
    r"\banswers? badly\b": "returns errors",
    r"\bgives? no sign\b": "does not notify the provider",
    r"\bwanted no more\b": "is no longer wanted",
    r"\bwants? nothing any more\b": "needs no result",
    r"below 10\*\*9": "below 1,000,000,000",
    r"(?<![\w:])[Rr]aise (`?)(timeout|queue_timeout|execution_timeout|outage_tolerance|task_error_grace)\b": "increase",
    r"Wiro does not charge for it\b": "what Wiro shows, for it may have charged",
    r", for (that might|Airflow only|its model is)\b": "because",
    r"\b(were|was) others?\b(?! task)": "was different",
    r"\bbegins? anew\b|\bbeginning anew\b": "starts again",
    r"\btaken as: ": "assuming that",
    r"\bbut is or may be\b": "but may be",
    r"\bcannot be seen\b": "cannot be determined",
    r"\btask state store\b": "Task State Store, as the UI of Airflow 3.3 calls it",
    r"\baccepted Runs?\b|\b[Aa] Run that\b|\b(after|before) the Run\b": "submission",
}
# What is generated from a long measurement, and says so itself.
MEASURED = {"reliability.md"}
CASES = [pytest.param(pattern, better, id=pattern) for pattern, better in BETTER.items()]


def texts_of(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the whole of each text in Python source: adjacent literals are one, a value in it is {}."""
    parts: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            parts.update(id(value) for value in node.values)
            yield (
                node.lineno,
                "".join(value.value if isinstance(value, ast.Constant) else "{}" for value in node.values),  # type: ignore[misc]
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


@pytest.fixture(scope="module")
def texts() -> list[tuple[str, str]]:
    """Where each text stands, and the text on one line."""
    told = [
        (f"{path.relative_to(ROOT)}:{line}", text)
        for path in sorted(PACKAGE.rglob("*.py"))
        for line, text in texts_of(path.read_text())
    ]
    told += [(str(path.relative_to(ROOT)), path.read_text()) for path in DOCS if path.name not in MEASURED]
    return [(where, " ".join(text.split())) for where, text in told]


@pytest.mark.parametrize(("pattern", "better"), CASES)
def test_no_text_is_worded_awkwardly(texts: list[tuple[str, str]], pattern: str, better: str) -> None:
    found = [
        f"{where}: …{text[max(0, hit.start() - 40) : hit.end() + 20]}…"
        for where, text in texts
        for hit in re.finditer(pattern, text)
    ]
    assert found == [], f"better: {better}"


def test_the_patterns_find_what_is_split_over_two_literals() -> None:
    [(line, text)] = texts_of('say(f"Wiro {a} is there "\n    "no more")')
    assert (line, text) == (1, "Wiro {} is there no more")


def test_no_error_is_cut_that_may_be_our_own() -> None:
    """``in_words`` cuts a foreign error, and leaves the advice of one of this package whole."""
    cut = re.compile(r"one_line\(f[\"']\{type\([\w.]+\)\.__name__\}: \{[\w.]+\}[\"']\)")
    assert [str(path) for path in PACKAGE.rglob("*.py") if cut.search(path.read_text())] == []
