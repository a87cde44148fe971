"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")), *DOCS]
FENCED = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*) *(?P<words>.*)\n(?P<text>(?:.*\n)*?)(?P=indent)```$", re.MULTILINE
)


@dataclass(frozen=True)
class Block:
    """A block of code.

    :param language: what stands behind the fence, ``{name}`` for a directive of Sphinx.
    :param words: what stands behind that.
    """

    page: Path
    line: int
    language: str
    words: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    """Return the blocks in one of these languages, on all pages; without languages, all of them."""
    return [block for page in PAGES for block in _blocks_of(page) if not languages or block.language in languages]


def commands() -> list[tuple[Block, str]]:
    """Return each command that is shown, on one line and without its comment."""
    return [(block, line) for block in blocks("shell", "bash") for line in _lines(block.text)]


def _blocks_of(page: Path) -> list[Block]:
    text = page.read_text()
    return [
        Block(
            page,
            text.count("\n", 0, found.start()) + 1,
            found["language"],
            found["words"],
            re.sub(rf"^{found['indent']}", "", found["text"], flags=re.MULTILINE),
        )
        for found in FENCED.finditer(text)
    ]


def _lines(text: str) -> list[str]:
    whole = re.sub(r"\\\n\s*", "", text)
    return [line for each in whole.splitlines() if (line := re.sub(r"(^|\s+)#.*", "", each).strip())]
