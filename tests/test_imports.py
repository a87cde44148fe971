"""What a DAG file pays for importing an operator: nothing that only a running task needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

HEAVY = ("requests", "aiohttp", "airflow.triggers.base", "airflow_provider_wiro.triggers.wiro")
SCRIPT = """
import json, sys
from airflow.providers.common.compat.sdk import BaseOperator, conf
conf.getboolean
before = set(sys.modules)
import {module}
print(json.dumps(sorted(set(sys.modules) - before)))
print(json.dumps(sorted(set(sys.modules))))
"""


@pytest.fixture(scope="module", params=["operators.runway", "sensors.wiro", "decorators.wiro"])
def modules(request: pytest.FixtureRequest) -> tuple[list[str], list[str]]:
    """Import what a DAG file imports in a fresh process; return which modules that added, and all there are."""
    script = SCRIPT.format(module=f"airflow_provider_wiro.{request.param}")
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    added, there = answer.stdout.splitlines()[-2:]
    return json.loads(added), json.loads(there)


def test_importing_an_operator_imports_nothing_that_only_a_running_task_needs(
    modules: tuple[list[str], list[str]],
) -> None:
    added, there = modules
    assert [name for name in added if name.startswith("airflow_provider_wiro.stages")]
    assert not set(HEAVY) & set(added)
    assert "airflow_provider_wiro.hooks.wiro" not in there
    assert not [name for name in there if name.startswith("airflow_provider_wiro.clients")]


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="older Airflow imports some of them itself")
def test_on_this_airflow_they_are_not_there_for_another_reason_either(modules: tuple[list[str], list[str]]) -> None:
    assert not set(HEAVY) & set(modules[1])


def test_the_provider_info_needs_only_the_standard_library() -> None:
    script = (
        "import sys; before = set(sys.modules)\n"
        "import airflow_provider_wiro.get_provider_info\n"
        "added = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(added - set(sys.stdlib_module_names)))"
    )
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == "['airflow_provider_wiro']"
