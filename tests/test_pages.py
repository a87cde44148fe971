"""Each block of Python on a page works, and each page is found."""

from __future__ import annotations

import ast
import configparser
import importlib
import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NotRequired, get_origin, get_type_hints

import pytest
import yaml
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_wiro import __version__, exceptions
from airflow_provider_wiro.core.result import OutputDict, ResultDict
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.get_provider_info import CONFIG, get_provider_info
from airflow_provider_wiro.hooks.wiro import WiroHook
from pages import DOCS, ROOT, Block, blocks
from small_airflow import register, warnings_of_airflow

EXAMPLES = sorted((ROOT / "example_dags").glob("*.py"))
API = (ROOT / "docs" / "api.md").read_text()
WHEEL = f"airflow_provider_wiro-{__version__}-py3-none-any.whl"
# What a part of a DAG may use that it does not import.
GIVEN = """
import pendulum
from typing import Any
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.transfers.wiro_to_object_storage import WiroToObjectStorageOperator
"""


def is_whole(block: Block) -> bool:
    return block.text.startswith(("import ", "from ")) and "with DAG(" in block.text


def run_elsewhere(block: Block, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole DAG file is an example's, or one of the recipes, where each has a test of its own."""
    assert block.page.name == "recipes.md" or any(block.text in path.read_text() for path in EXAMPLES)


def run_the_tests(block: Block, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "example_dags"))
    names: dict[str, Any] = {}
    with warnings_of_airflow():
        exec(block.text, names)
        register(names["dag"])
        for name in re.findall(r"^def (test_\w+)", block.text, re.MULTILINE):
            names[name](emulator)


def load_the_plugin(block: Block, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    names: dict[str, Any] = {}
    exec(block.text, names)
    [plugin] = names["pytest_plugins"]
    assert hasattr(importlib.import_module(plugin), "wiro_emulator")


def compare_the_result(block: Block, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = ast.literal_eval(block.text)
    assert set(shown) == always(ResultDict)
    assert [set(output) for output in shown["outputs"]] == [always(OutputDict)]


def always(of: type) -> set[str]:
    return {
        name for name, hint in get_type_hints(of, include_extras=True).items() if get_origin(hint) is not NotRequired
    }


def compare_the_package(block: Block, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert any(block.text in path.read_text() for path in (ROOT / "airflow_provider_wiro").rglob("*.py"))


def make(block: Block, emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make what is shown, in a DAG of its own where it brings none; the operators check their arguments then."""
    names: dict[str, Any] = {}
    with warnings_of_airflow():
        exec(GIVEN, names)
        with nullcontext() if "with DAG(" in block.text else DAG("shown", schedule=None) as dag:
            if dag is not None:
                names["video"] = names["WiroRunOperator"](task_id="before", model="owner/model")
            exec(compile(block.text, str(block), "exec"), names)


Check = Callable[[Block, WiroEmulator, pytest.MonkeyPatch], None]
KINDS: list[tuple[Callable[[Block], bool], Check]] = [
    (is_whole, run_elsewhere),
    (lambda block: "def test_" in block.text, run_the_tests),
    (lambda block: block.text.startswith("pytest_plugins"), load_the_plugin),
    (lambda block: block.text.startswith("{"), compare_the_result),
    (lambda block: block.text.startswith("def "), compare_the_package),
    (lambda block: re.search(r"\bWiro\w+\(|Operator\(", block.text) is not None, make),
]


@pytest.mark.usefixtures("airflow_database")
@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_block_of_python_works(block: Block, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    check = next((check for fits, check in KINDS if fits(block)), None)
    assert check is not None, "no kind of docs/tested.md"
    check(block, wiro_emulator, monkeypatch)


def test_each_example_is_shown_whole() -> None:
    shown = {block.words for block in blocks("{literalinclude}") if ":pyobject:" not in block.text}
    assert shown == {f"../example_dags/{path.name}" for path in EXAMPLES}


def test_each_language_is_checked_or_said_not_to_be() -> None:
    read = {"python", "shell", "bash", "ini", "yaml", "text", "dockerfile"}
    sphinx = {"{toctree}", "{include}", "{literalinclude}", "{eval-rst}"}
    assert {block.language for block in blocks()} - read - sphinx == {""}


@pytest.mark.parametrize("block", blocks("ini"), ids=str)
def test_options_exist(block: Block) -> None:
    shown = configparser.ConfigParser()
    shown.read_string(block.text)
    assert {(section, name) for section in shown.sections() for name in shown[section]} <= options()


@pytest.mark.parametrize("block", blocks("yaml", "text"), ids=str)
def test_variables_and_requirements_are_what_the_package_takes(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in (line for line in block.text.splitlines() if line and not line.startswith(("#", "--constraint"))):
        if not line.startswith("AIRFLOW_"):
            assert Path(line).name == WHEEL
            continue
        name, value = next(iter(yaml.safe_load(line).items())) if block.language == "yaml" else line.split("=", 1)
        check_variable(name, value, monkeypatch)


@pytest.mark.parametrize("block", blocks("dockerfile"), ids=str)
def test_an_image_gets_the_wheel(block: Block) -> None:
    named = re.findall(r"[\w.-]+\.whl", block.text)
    assert named
    assert set(named) == {WHEEL}


def check_variable(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """See that the package takes a variable of the environment."""
    if name == "AIRFLOW_CONN_WIRO_DEFAULT":
        monkeypatch.setenv(name, value)
        assert WiroHook().base_url == "https://api.wiro.ai/v1"
    else:
        section, option = name.removeprefix("AIRFLOW__").lower().split("__")
        assert (section, option) in options()


def test_one_table_has_all_options_and_their_defaults() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (?:`(\w+)`|none) \| .+ \|$", (ROOT / "docs" / "paying-once.md").read_text(), re.MULTILINE
    )
    assert rows == [(name, option["default"] or "") for name, option in CONFIG["wiro"]["options"].items()]


def options() -> set[tuple[str, str]]:
    return {(section, name) for section, described in CONFIG.items() for name in described["options"]}


def test_the_list_for_machines_names_each_page() -> None:
    text = (ROOT / "docs" / "llms.txt").read_text()
    assert re.findall(r"^- \[[^]]+\]\(([^)]+)\): \S", text, re.MULTILINE) == toctree()


def test_each_page_is_in_the_toctree() -> None:
    assert sorted(toctree()) == sorted(path.name for path in DOCS if path.name != "index.md")


def test_each_picture_is_shown() -> None:
    shown = {name for page in DOCS for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text())}
    there = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").glob("[!_]*/*.png")}
    there |= {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs" / "performance").glob("*.svg")}
    assert there == {name for name in shown if not name.startswith("http")}


def toctree() -> list[str]:
    entries = [line for block in blocks("{toctree}") for line in block.text.splitlines()]
    return [f"{entry}.md" for entry in entries if entry and not entry.startswith(":")]


def test_the_reference_has_what_a_dag_imports() -> None:
    info = get_provider_info()
    named = [
        name
        for kind in ("hooks", "operators", "sensors", "triggers")
        for each in info[kind]
        for name in each["python-modules"]
    ]
    named += [each["python-module"] for each in info["transfers"]]
    named += [each["class-name"] for each in info["task-decorators"]]
    assert [name for name in (*named, exceptions.__name__) if f":: {name}" not in API] == []
