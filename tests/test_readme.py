"""The README shows the example DAGs as they are, and what else it and the other pages show works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_wiro import cli
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.runway import DURATIONS, MODERATIONS, RATIOS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / f"{name}.md" for name in ("README", "CHANGELOG", "CONTRIBUTING")] + sorted((ROOT / "docs").glob("*.md"))
PROGRAM = "python -m airflow_provider_wiro"
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def example(name: str) -> str:
    return (ROOT / "example_dags" / f"{name}.py").read_text()


def test_the_dag_of_the_readme_is_the_example() -> None:
    assert example("wiro_image_to_video").split("from __future__ import annotations\n\n")[1] == BLOCKS[0]


def test_the_batch_of_the_readme_is_in_the_example() -> None:
    lines = {line.strip() for line in example("wiro_image_to_video_batch").splitlines()}
    [batch] = [block for block in BLOCKS if ".partial(" in block]
    assert [line for line in batch.splitlines() if line.strip() not in lines] == []


def test_the_readme_names_what_is_allowed() -> None:
    for allowed in (*RATIOS, *DURATIONS, *MODERATIONS):
        assert f"`{allowed}`" in README or f" {allowed} " in README, allowed


def links(page: Path) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)]+)\)", page.read_text()) if ":" not in link]


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


def test_the_readmes_test_of_a_stop_works(wiro_emulator: WiroEmulator) -> None:
    [shown] = [block for block in BLOCKS if "def test_a_generation_that_is_stopped" in block]
    code = shown[shown.index("def test_a_generation_that_is_stopped") :]
    names = {"WiroHook": WiroHook}
    exec(code, names)
    names["test_a_generation_that_is_stopped"](wiro_emulator)
