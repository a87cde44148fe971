"""The README shows the example DAGs as they are, and what else it and the other pages show works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro import cli
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.operators.runway import DURATIONS, MODERATIONS, RATIOS
from small_airflow import register, warnings_of_airflow

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")] + sorted((ROOT / "docs").glob("*.md"))
PROGRAM = "python -m airflow_provider_wiro"
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def example(name: str) -> str:
    return (ROOT / "example_dags" / f"{name}.py").read_text()


def test_the_dag_of_the_readme_is_the_example() -> None:
    assert example("wiro_image_to_video").split("from __future__ import annotations\n\n")[1] == BLOCKS[0]


RECIPES = README[README.index("## Recipes") : README.index("## All arguments")]


def title(recipe: str) -> str:
    return recipe.partition("\n")[0]


@pytest.mark.parametrize("recipe", re.split(r"^### ", RECIPES, flags=re.MULTILINE)[1:], ids=title)
def test_each_line_of_a_recipe_is_in_the_example_that_it_names(recipe: str) -> None:
    code = "\n".join(map(example, re.findall(r"\(example_dags/(\w+)\.py\)", recipe)))
    there = {line.strip() for line in code.splitlines()}
    shown = "\n".join(re.findall(r"```python\n(.*?)```", recipe, re.DOTALL)).splitlines()
    assert shown
    assert [line for line in shown if line.strip() not in there] == []


def test_the_readme_names_each_example() -> None:
    names = {path.stem for path in (ROOT / "example_dags").glob("*.py")}
    assert names - set(re.findall(r"\(example_dags/(\w+)\.py\)", README)) == {"wiro_image_to_video"}


def test_the_readme_names_what_is_allowed() -> None:
    for allowed in (*RATIOS, *DURATIONS, *MODERATIONS):
        assert f"`{allowed}`" in README or f" {allowed} " in README, allowed


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


@pytest.mark.usefixtures("airflow_database")
def test_the_readmes_tests_work(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "example_dags"))
    [shown] = [block for block in BLOCKS if "def test_what_is_sent" in block]
    names: dict[str, Any] = {}
    with warnings_of_airflow():
        exec(shown, names)
        register(names["dag"])
        for name in re.findall(r"^def (test_\w+)", shown, re.MULTILINE):
            names[name](wiro_emulator)
