"""The lowest versions that the package asks for are those that ``scripts/test --lowest`` installs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parent.parent
LOCKS = {path.stem.removeprefix("lowest-"): path for path in (ROOT / "requirements").glob("lowest-*.txt")}
ASKED = {
    each.name: each
    for each in map(Requirement, tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"])
}
OLDEST = "2.11"
AIRFLOWS = {"2.11": "2.11.0", "3.0": "3.0.2", "3.3": "3.3.0"}


def pins(airflow: str) -> dict[str, Version]:
    """Return what the lock of this Airflow pins, on the oldest Python."""
    lines = re.findall(r"^([\w.-]+)==([\w.]+)", LOCKS[airflow].read_text(), re.MULTILINE)
    return {name: Version(version) for name, version in reversed(lines)}


def bound(name: str) -> Version:
    [each] = ASKED[name].specifier
    assert each.operator == ">=", f"{name} has no lower bound alone: {each}"
    return Version(each.version)


def test_there_is_a_lock_for_an_early_release_of_the_oldest_airflow_and_of_the_first_and_last_airflow_3() -> None:
    assert {airflow: str(pins(airflow)["apache-airflow"]) for airflow in LOCKS} == AIRFLOWS


@pytest.mark.parametrize("name", ASKED)
def test_the_oldest_airflow_is_tested_with_the_very_bound(name: str) -> None:
    assert pins(OLDEST)[name] == bound(name), "run scripts/lock lowest-, then scripts/test --lowest --airflow 2.11"


@pytest.mark.parametrize("airflow", LOCKS)
@pytest.mark.parametrize("name", ASKED)
def test_no_airflow_is_tested_with_less_than_the_bound(name: str, airflow: str) -> None:
    assert pins(airflow)[name] >= bound(name), "run scripts/lock lowest-"


def test_the_page_says_of_the_official_constraints_what_the_bounds_say() -> None:
    command = [sys.executable, ROOT / "scripts" / "constraints", "--check"]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.stdout, said.returncode) == ("", 0)
