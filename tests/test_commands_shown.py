"""Each command that a page shows is run, or parsed, or docs/tested.md says why not."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from airflow.configuration import conf

from airflow_provider_wiro import cli
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.get_provider_info import CONFIG
from airflow_provider_wiro.hooks.wiro import WiroHook
from pages import ROOT, commands
from small_airflow import warnings_of_airflow
from taskids import FIRST

PAGE = (ROOT / "docs" / "tested.md").read_text()
ROWS = dict(
    re.findall(r"^\| `([^`]+)` \| (run|parsed|not run) \| .*\|$", PAGE[PAGE.index("## Commands") :], re.MULTILINE)
)
WHY = dict(re.findall(r"^\| `([^`]+)` \| (?:parsed|not run) \| (.+) \|$", PAGE, re.MULTILINE))
SHOWN = commands()

pytestmark = pytest.mark.usefixtures("airflow_database")


def row_of(command: str) -> str | None:
    """Return the row that names the command."""
    patterns = {row: ".*".join(map(re.escape, row.split("…"))) for row in ROWS}
    return next((row for row, pattern in patterns.items() if re.fullmatch(pattern, command)), None)


def airflow(command: str, *, run: bool) -> None:
    with warnings_of_airflow():
        from airflow.cli import cli_parser

        options = cli_parser.get_parser().parse_args(shlex.split(command, comments=True)[1:])
        if run:
            options.func(options)


def add_connection(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Add it, and give the hook what is stored, for outside of a task Airflow 3 does not look into its database."""
    airflow(command, run=True)
    try:
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", stored().as_json())
    finally:
        airflow("airflow connections delete wiro_default", run=True)
    host = re.search(r"--conn-host (\S+)", command)
    assert WiroHook().base_url == (host[1] if host else "https://api.wiro.ai/v1")


def delete_connection(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow(
        "airflow connections add wiro_default --conn-type wiro --conn-login API-KEY --conn-password API-SECRET",
        run=True,
    )
    airflow(command, run=True)
    assert stored() is None


def stored() -> Any:
    with warnings_of_airflow():
        from airflow.models import Connection
        from airflow.utils.session import create_session

        with create_session() as session:
            return session.query(Connection).filter_by(conn_id="wiro_default").one_or_none()


def start_the_first_dag(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Save the DAG in the DAG folder, and do what the page says, once: the last command runs all of them."""
    shown = list(dict.fromkeys(line for _, line in SHOWN if line.startswith("airflow dags ")))
    if command != shown[-1]:
        return
    [(_, copied)] = [each for each in SHOWN if each[1].startswith("cp ")]
    [_, example, folder] = shlex.split(copied)
    saved = Path(folder.replace("~/airflow", os.environ["AIRFLOW_HOME"])) / Path(example).name
    shutil.copy(ROOT / example, saved)
    before = {run.run_id for run in runs()}
    try:
        for line in shown:
            airflow(line, run=True)
        assert [run.state for run in runs() if run.run_id not in before] == ["queued"]
    finally:
        saved.unlink()
        airflow("airflow dags delete wiro_image_to_video --yes", run=True)


def runs() -> list[Any]:
    with warnings_of_airflow():
        from airflow.models import DagRun
        from airflow.utils.session import create_session

        with create_session() as session:
            return session.query(DagRun).filter_by(dag_id="wiro_image_to_video").all()


def set_pool(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    airflow(command, run=True)


def export_connection(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [_, variable] = shlex.split(command)
    monkeypatch.setenv(*variable.split("=", 1))
    assert WiroHook().base_url == "https://api.wiro.ai/v1"


def python_code(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [_, _, code] = shlex.split(command)
    WiroHook().run("owner/model", {"prompt": "a kite"})
    exec(code.replace("2221", FIRST), {})


def to_the_emulator(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(command)
    [address] = [word for word in words if word.startswith("http")]
    body = words[words.index("-d") + 1].encode() if "-d" in words else None
    with WiroEmulator() as emulator:
        here = address.replace("http://127.0.0.1:8099/v1", emulator.url).replace(
            "http://127.0.0.1:8099", emulator.url.removesuffix("/v1")
        )
        with urlopen(Request(here, body, method="POST" if "POST" in words else "GET"), timeout=10) as answer:
            assert answer.status == 200


RUN: dict[str, Callable[[str, pytest.MonkeyPatch], None]] = {
    "airflow connections add …": add_connection,
    "airflow connections delete …": delete_connection,
    "airflow dags …": start_the_first_dag,
    "airflow pools set …": set_pool,
    "cp …": start_the_first_dag,
    "export AIRFLOW_CONN_WIRO_DEFAULT=…": export_connection,
    "python -c …": python_code,
    "curl …127.0.0.1:8099/_emulator/…": to_the_emulator,
}


def parse(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = shlex.split(command)
    if command.startswith(cli.PROGRAM):
        parse_as_the_package(words[3:], monkeypatch)
    elif words[0] == "airflow":
        airflow(command, run=False)
    elif words[0] == "export":
        section, option = words[1].partition("=")[0].removeprefix("AIRFLOW__").lower().split("__")
        assert option in CONFIG[section]["options"] if section in CONFIG else conf.has_option(section, option)
    else:
        script = ROOT / next(word for word in words if "/" in word)
        options = [word for word in words if word.startswith("--")]
        assert [option for option in options if option not in script.read_text()] == []
        assert subprocess.run(["test", "-x", script], check=False).returncode == 0 or words[0] == "bash"


class Parsed(Exception):
    """The command line is one that the command takes."""


def parse_as_the_package(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    parse_args = argparse.ArgumentParser.parse_args

    def parse_only(parser: argparse.ArgumentParser, *arguments: Any) -> Any:
        options = parse_args(parser, *arguments)
        if parser.prog == cli.PROGRAM:
            return options
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    with pytest.raises(Parsed):
        cli.main(words)


@pytest.mark.usefixtures("wiro_emulator")
@pytest.mark.parametrize("command", sorted({command for _, command in SHOWN}))
def test_a_command_does_what_the_table_says(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = row_of(command)
    assert row is not None, "no row of docs/tested.md names it"
    if ROWS[row] == "run":
        RUN[row](command, monkeypatch)
    elif ROWS[row] == "parsed":
        parse(command, monkeypatch)


def test_each_row_names_a_command() -> None:
    assert {row_of(command) for _, command in SHOWN} == set(ROWS)


def test_what_is_not_run_says_why_and_what_exists() -> None:
    assert {row for row, how in ROWS.items() if how != "run"} == set(WHY)
    named = {path for why in WHY.values() for path in re.findall(r"`((?:tests|scripts)/[\w/.]+)", why)}
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_what_pip_is_given_exists() -> None:
    named = {word for _, command in SHOWN if command.startswith("pip ") for word in shlex.split(command) if "/" in word}
    assert [word for word in named if not (ROOT / word).exists()] == []
