"""What Airflow reads about the package at start-up, checked against the installed Airflow."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import airflow
import jsonschema  # type: ignore[import-untyped]
import pytest
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_2_PLUS
from airflow.providers_manager import ProvidersManager

from airflow_provider_wiro.get_provider_info import CONNECTION_TYPE, get_provider_info
from airflow_provider_wiro.hooks.wiro import WiroHook

needs_the_form = pytest.mark.skipif(
    AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_2_PLUS and find_spec("wtforms") is None,
    reason="Airflow 3.0 and 3.1 know of no provider's form unless Flask-AppBuilder is installed",
)
LABELS = {"login": "API key", "password": "API secret", "host": "Base URL"}


def schema(name: str) -> Any:
    return json.loads((Path(airflow.__path__[0]) / name).read_text())


def test_the_provider_info_is_valid_for_this_airflow() -> None:
    jsonschema.validate(get_provider_info(), schema("provider_info.schema.json"))


@pytest.mark.skipif(not AIRFLOW_V_3_2_PLUS, reason="Airflow reads the form from the provider info since 3.2")
def test_the_form_in_the_provider_info_is_valid_for_this_airflow() -> None:
    declared = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    jsonschema.validate([CONNECTION_TYPE], declared)


def test_the_form_of_the_hook_is_valid_for_this_airflow() -> None:
    behaviour = WiroHook.get_ui_field_behaviour()
    jsonschema.validate(behaviour, schema("customized_form_field_behaviours.schema.json"))
    assert behaviour["relabeling"] == LABELS


def test_the_form_stores_no_text_that_is_too_short_to_be_masked() -> None:
    """Airflow takes every extra for a secret, and warns in each task's log where it is too short."""
    defaults = {name: made["schema"].get("default") for name, made in CONNECTION_TYPE["conn-fields"].items()}
    assert defaults == {"timeout": 30, "verify": None, "allow_http": False, "max_active": None}


def test_the_hook_and_the_provider_info_agree() -> None:
    assert CONNECTION_TYPE["hook-class-name"] == f"{WiroHook.__module__}.{WiroHook.__qualname__}"
    assert CONNECTION_TYPE["connection-type"] == WiroHook.conn_type
    assert CONNECTION_TYPE["hook-name"] == WiroHook.hook_name


def test_airflow_finds_the_package_by_its_entry_point() -> None:
    [found] = [point for point in entry_points(group="apache_airflow_provider") if "wiro" in point.value]
    assert found.load()() == get_provider_info()
    provider = ProvidersManager().providers["airflow-provider-wiro"]
    assert provider.version == version("airflow-provider-wiro") == get_provider_info()["versions"][0]


def test_airflow_knows_the_connection_type_and_its_hook() -> None:
    manager: Any = ProvidersManager
    if AIRFLOW_V_3_2_PLUS:
        from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime as manager
    hook = manager().hooks["wiro"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_id_attribute_name) == ("Wiro", "wiro_conn_id")
    assert hook.connection_testable


def test_airflow_builds_a_hook_from_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MY_WIRO", json.dumps({"conn_type": "wiro", "login": "key-0123"}))
    from airflow.providers.common.compat.sdk import BaseHook

    hook = BaseHook.get_hook("my_wiro")
    assert isinstance(hook, WiroHook)
    assert hook.wiro_conn_id == "my_wiro"


@needs_the_form
def test_the_connection_form_of_this_airflow_has_our_labels() -> None:
    behaviour = ProvidersManager().field_behaviours["wiro"]
    assert behaviour["relabeling"] == LABELS
    assert behaviour["hidden_fields"] == ["schema", "port"]


@needs_the_form
@pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="the form of Airflow 2 is rendered by its web server")
def test_the_ui_gets_our_labels_and_fields() -> None:
    script = (
        "from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService\n"
        "[hook] = [each for each in HookMetaService.hook_meta_data() if each.connection_type == 'wiro']\n"
        "print(hook.model_dump_json())"
    )
    answer = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    hook = json.loads(answer.stdout.splitlines()[-1])
    assert hook["hook_name"] == "Wiro"
    assert {name: hook["standard_fields"][name]["title"] for name in LABELS} == LABELS
    assert set(hook["extra_fields"] or ()) == (set(CONNECTION_TYPE["conn-fields"]) if AIRFLOW_V_3_2_PLUS else set())


@pytest.mark.parametrize("kind", ["hooks", "operators", "sensors", "triggers"])
def test_every_module_that_is_listed_exists(kind: str) -> None:
    [entry] = get_provider_info()[kind]
    for name in entry["python-modules"]:
        importlib.import_module(name)


def test_the_transfer_that_is_listed_is_the_one_that_there_is() -> None:
    [entry] = get_provider_info()["transfers"]
    listed = importlib.import_module(entry["python-module"])
    package = importlib.import_module("airflow_provider_wiro.transfers")
    assert [f"{package.__name__}.{found.name}" for found in iter_modules(package.__path__)] == [listed.__name__]


@pytest.mark.parametrize("kind", ["hooks", "sensors", "triggers"])
def test_every_module_with_a_class_of_the_kind_is_listed(kind: str) -> None:
    from airflow.providers.common.compat.sdk import BaseHook, BaseSensorOperator
    from airflow.triggers.base import BaseTrigger

    base = {"hooks": BaseHook, "sensors": BaseSensorOperator, "triggers": BaseTrigger}[kind]
    package = importlib.import_module(f"airflow_provider_wiro.{kind}")
    modules = [importlib.import_module(f"{package.__name__}.{found.name}") for found in iter_modules(package.__path__)]
    named = {
        module.__name__
        for module in modules
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, base) and each.__module__ == module.__name__
    }
    [entry] = get_provider_info()[kind]
    assert named == set(entry["python-modules"])
