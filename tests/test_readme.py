"""The README shows the example DAGs as they are, and what else it shows works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.runway import DURATIONS, MODERATIONS, RATIOS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
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


@pytest.mark.parametrize("path", re.findall(r"\]\(([^):]+)\)", README))
def test_what_the_readme_links_to_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_readmes_test_of_a_stop_works(wiro_emulator: WiroEmulator) -> None:
    [shown] = [block for block in BLOCKS if "def test_a_generation_that_is_stopped" in block]
    code = shown[shown.index("def test_a_generation_that_is_stopped") :]
    names = {"WiroHook": WiroHook}
    exec(code, names)
    names["test_a_generation_that_is_stopped"](wiro_emulator)
