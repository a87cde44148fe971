"""The README shows the first example DAG as it is, and its links and those of the other pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_wiro import cli
from airflow_provider_wiro.operators.runway import DURATIONS, MODERATIONS, RATIOS
from pages import PAGES, ROOT

README = (ROOT / "README.md").read_text()
PROGRAM = "python -m airflow_provider_wiro"
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def example(name: str) -> str:
    return (ROOT / "example_dags" / f"{name}.py").read_text()


def test_the_dag_of_the_readme_is_the_example() -> None:
    assert example("wiro_image_to_video").split("from __future__ import annotations\n\n")[1] == BLOCKS[0]


def test_the_readme_names_each_example() -> None:
    names = {path.stem for path in (ROOT / "example_dags").glob("*.py")}
    assert names - set(re.findall(r"\(example_dags/(\w+)\.py\)", README)) == {"wiro_image_to_video"}


def test_the_page_of_the_operators_names_what_is_allowed() -> None:
    page = (ROOT / "docs" / "operators.md").read_text()
    for allowed in (*RATIOS, *DURATIONS, *MODERATIONS):
        assert f"`{allowed}`" in page or f" {allowed} " in page, allowed


def links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if ":" not in link]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_every_command_exists(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_wiro.sweep.process.see_the_deployment", lambda: None)  # it is for a process
    shown = {words for page in PAGES for words in re.findall(rf"{PROGRAM} ([a-z]+(?: [a-z]+)?)", page.read_text())}
    assert {"emulator", "journal init", "journal forget", "sweep"} <= shown
    for words in shown:
        with pytest.raises(SystemExit) as ended:
            cli.main([*words.split(), "--help"])
        assert ended.value.code == 0, words
    assert "usage" in capsys.readouterr().out
