"""The names that the package looks for itself are those of common-compat, wherever that has them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from airflow_provider_wiro import compat

SCRIPT = """
import json, sys
sdk = "airflow.providers.common.compat.sdk"
if {hidden}:
    sys.modules[sdk] = None
from airflow_provider_wiro import compat

def described(found):
    kind = found if isinstance(found, type) or callable(found) else type(found)
    return f"{{kind.__module__}}.{{kind.__qualname__}}"

print(json.dumps({{name: described(getattr(compat, name)) for name in compat.PLACES}}))
"""


def looked_up(*, hidden: bool) -> dict[str, str]:
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT.format(hidden=hidden)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    names: dict[str, str] = json.loads(answer.stdout.splitlines()[-1])
    return names


def test_without_the_library_each_name_is_the_same_object() -> None:
    assert looked_up(hidden=True) == looked_up(hidden=False)


def test_a_name_that_is_not_listed_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"'airflow_provider_wiro\.compat' has no attribute 'Variable'"):
        compat.Variable  # noqa: B018


def test_a_name_that_this_airflow_has_nowhere_says_where_it_was_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(compat.PLACES, "Gone", ("airflow.nowhere", "airflow.exceptions"))
    with pytest.raises(
        ImportError, match=r"no Gone, neither in airflow\..*\.sdk nor in airflow\.nowhere or airflow\.e"
    ):
        compat.Gone  # noqa: B018
