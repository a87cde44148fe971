"""How Sphinx builds these pages: `scripts/lint docs`, which takes seconds."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from airflow_provider_wiro import __version__

project = "airflow-provider-wiro"
release = version = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # the changelog is included below a heading of its own level

autodoc_typehints = "none"  # the docstrings say it, in words
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
nitpick_ignore_regex = [("py:.*", r"(airflow|aiohttp|collections|typing)\..*")]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["wide.css"]
pygments_style = "github-light"
pygments_dark_style = "github-dark"
html_title = f"airflow-provider-wiro {version}"
html_extra_path = ["llms.txt"]
html_show_copyright = html_show_sphinx = False
html_copy_source = False

copybutton_exclude = ".linenos, .gp, .go"

# On the code host these files are beside the folder of the pages; here they are pages of their own.
BESIDE = {"../CHANGELOG.md": "changelog.md", "../CONTRIBUTING.md": "contributing.md", "../README.md": "index.md"}
NAMED = re.compile(r"\[`docs/[\w-]+\.md`\]\(")
INCLUDED = re.compile(r"\]\(docs/([\w-]+\.md)")


def at_home(app: Any, name: str, text: list[str]) -> None:
    """Let links to what is beside the folder lead to its page."""
    for path, page in BESIDE.items():
        text[0] = text[0].replace(f"]({path}", f"]({page}")


def as_included(app: Any, path: Any, name: str, text: list[str]) -> None:
    """Let the links of an included file be those of the page that includes it, and show the pages' titles."""
    text[0] = NAMED.sub("[](", text[0])
    text[0] = INCLUDED.sub(r"](\1", text[0])


def pages_as_markdown(app: Any, exception: Exception | None) -> None:
    """Put each page beside its HTML, where llms.txt leads to."""
    for page in Path(app.srcdir).glob("*.md"):
        shutil.copy(page, app.outdir)


def setup(app: Any) -> None:
    app.connect("source-read", at_home)
    app.connect("include-read", as_included)
    app.connect("build-finished", pages_as_markdown)
