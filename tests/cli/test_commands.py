"""One command line, and the old ways to start the same commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_wiro.cli
from airflow_provider_wiro.cli import COMMANDS, main

HEAVY = ("airflow", "aiohttp", "requests")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)


def test_the_help_names_every_command_and_what_costs_money(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert "none costs money" in said
    assert [name for name in COMMANDS if f" {name} " in said] == list(COMMANDS)


@pytest.mark.parametrize(("given", "named"), [([], COMMANDS), (["journal"], ("list", "show", "forget", "init"))])
def test_without_a_command_all_of_them_are_named(
    given: list[str], named: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(given) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [name for name in named if f"    {name} " in said.err] == list(named)


def test_every_module_of_the_folder_that_is_a_command_is_in_the_list() -> None:
    folder = Path(airflow_provider_wiro.cli.__file__).parent
    commands = {path.stem for path in folder.glob("*.py") if "\nSUMMARY = " in path.read_text()}
    assert commands == set(COMMANDS)


@pytest.mark.parametrize(
    "arguments", [(), ("sweeep",), ("journal",), ("sweep", "--hours", "0"), ("emulator", "--port", "x")]
)
def test_wrong_arguments_end_with_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = run("-m", "airflow_provider_wiro", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: python -m airflow_provider_wiro" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["sweep", "emulator"])
def test_the_module_paths_of_0_1_0_take_the_same_options(command: str) -> None:
    old = run("-m", f"airflow_provider_wiro.{command}", "--help")
    new = run("-m", "airflow_provider_wiro", command, "--help")
    assert (old.returncode, new.returncode) == (0, 0)
    assert f"usage: python -m airflow_provider_wiro.{command} " in old.stdout
    assert f"usage: python -m airflow_provider_wiro {command} " in new.stdout
    options = [{word for word in done.stdout.split() if word.startswith("--")} for done in (old, new)]
    assert options[0] == options[1] > {"--help"}


def test_the_list_of_commands_imports_nothing_heavy() -> None:
    script = f"""
import sys
from airflow_provider_wiro.cli import main
try:
    main(["--help"])
except SystemExit:
    print([name for name in {HEAVY} if name in sys.modules])
"""
    assert run("-c", script).stdout.splitlines()[-1] == "[]"
