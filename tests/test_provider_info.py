"""What Airflow reads about the package at start-up, checked against the installed Airflow."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
import warnings
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import Any

import airflow
import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_1_PLUS, AIRFLOW_V_3_2_PLUS
from airflow.providers_manager import ProvidersManager

from airflow_provider_wiro.get_provider_info import CONNECTION_TYPE, get_provider_info
from airflow_provider_wiro.hooks.wiro import WiroHook

needs_the_form = pytest.mark.skipif(
    AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_2_PLUS and find_spec("wtforms") is None,
    reason="Airflow 3.0 and 3.1 know of no provider's form unless Flask-AppBuilder is installed",
)
ROOT = Path(__file__).parent.parent
PLACEHOLDERS = CONNECTION_TYPE["ui-field-behaviour"]["placeholders"]
KINDS = ("hooks", "operators", "sensors", "triggers")
LABELS = {"login": "API key", "password": "API secret", "host": "Base URL"}


def schema(name: str) -> Any:
    return json.loads((Path(airflow.__path__[0]) / name).read_text())


def test_the_provider_info_is_valid_for_this_airflow() -> None:
    jsonschema.validate(get_provider_info(), schema("provider_info.schema.json"))


@pytest.mark.parametrize("name", sorted(get_provider_info()))
def test_what_is_told_is_valid_by_the_stricter_schema_of_airflows_own_providers(name: str) -> None:
    """What these must have beside, such as the date of a release, is of no use here."""
    allowed = schema("provider.yaml.schema.json")
    rules = {**allowed["properties"][name], "definitions": allowed["definitions"]}
    jsonschema.validate(get_provider_info()[name], rules)


def test_the_logo_and_the_guides_are_there() -> None:
    [integration], [transfer] = get_provider_info()["integrations"], get_provider_info()["transfers"]
    for path in (*integration["how-to-guide"], integration["logo"], transfer["how-to-guide"]):
        assert (ROOT / path.removeprefix("/")).is_file(), path


def test_the_registry_of_astronomer_is_told_of_every_class() -> None:
    """Each module of a kind with its public classes, as `.astro-registry.yaml` names them."""
    told = yaml.safe_load((ROOT / ".astro-registry.yaml").read_text())
    info = get_provider_info()
    assert (told["package-name"], told["display-name"]) == (info["package-name"], info["name"])
    kinds = {kind: [name for entry in info[kind] for name in entry["python-modules"]] for kind in KINDS}
    kinds["transfers"] = [entry["python-module"] for entry in info["transfers"]]
    kinds["decorators"] = ["airflow_provider_wiro.decorators.wiro"]
    for kind, modules in kinds.items():
        listed = [entry["module"].rpartition(".") for entry in told[kind]]
        assert {module for module, _, _ in listed} == set(modules)
        for module, _, name in listed:
            assert callable(getattr(importlib.import_module(module), name))


def test_the_form_of_the_hook_is_valid_for_this_airflow() -> None:
    behaviour = WiroHook.get_ui_field_behaviour()
    jsonschema.validate(behaviour, schema("customized_form_field_behaviours.schema.json"))
    assert behaviour["relabeling"] == LABELS


def test_the_form_stores_no_text_that_is_too_short_to_be_masked() -> None:
    """Airflow takes every extra for a secret, and warns in each task's log where it is too short."""
    defaults = {name: made["schema"].get("default") for name, made in CONNECTION_TYPE["conn-fields"].items()}
    assert defaults == {"timeout": 30, "verify": None, "allow_http": False, "max_active": None, "socket_url": None}


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


PACKAGE = "airflow-provider-wiro"
COMMANDS = {
    "providers_list": {"package_name": PACKAGE, "version": version(PACKAGE)},
    "provider_get": {"package-name": PACKAGE, "name": "Wiro"},
    "hooks_list": {"connection_type": "wiro", "hook_name": "Wiro"},
    "triggers_list": {"package_name": PACKAGE, "class": "airflow_provider_wiro.triggers.room"},
    "extra_links_list": {"extra_link_class_name": "airflow_provider_wiro.links.wiro.WiroOutputLink"},
    "connection_form_widget_list": {"connection_parameter_name": "extra__wiro__max_active"},
    "connection_field_behaviours": {"field_behaviours": "wiro"},
}


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=needs_the_form if "_f" in name else ()) for name in COMMANDS]
)
def test_the_command_airflow_providers_shows_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from airflow.cli.commands import provider_command

    asked = SimpleNamespace(provider_name=PACKAGE, full=True, output="json", verbose=False)
    with warnings.catch_warnings(action="ignore"):  # Airflow 3.3 warns of its own command
        inspect.unwrap(getattr(provider_command, command))(asked)
    printed = capsys.readouterr().out
    shown = json.loads(printed[printed.index("[{") :])  # before it, Airflow 3.0 prints what it logs
    assert [row for row in shown if row.items() >= COMMANDS[command].items()], shown


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


@pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="the form of Airflow 2 is rendered by its web server")
@pytest.mark.skipif(
    not AIRFLOW_V_3_1_PLUS and find_spec("wtforms") is None,
    reason="Airflow 3.0 shows no provider's form unless Flask-AppBuilder is installed",
)
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
    fields = hook["extra_fields"]
    assert set(fields) == set(CONNECTION_TYPE["conn-fields"]) - (
        set() if AIRFLOW_V_3_2_PLUS else {"verify", "socket_url"}
    )
    for name, field in fields.items():
        declared = CONNECTION_TYPE["conn-fields"][name]
        assert (field["schema"]["title"], field["description"]) == (declared["label"], declared["description"])
        assert field["value"] == declared["schema"].get("default")
    shown = hook["standard_fields"]
    assert {name: shown[name]["placeholder"] for name in LABELS} == {name: PLACEHOLDERS[name] for name in LABELS}
    assert [name for name, field in shown.items() if field and field["hidden"]] == ["url_schema", "port"]


@pytest.mark.skipif(AIRFLOW_V_3_0_PLUS, reason="the form of Airflow 3 is asked for above")
def test_the_form_of_airflow_2_gets_our_fields() -> None:
    made = {
        name: widget.field
        for name, widget in ProvidersManager().connection_form_widgets.items()
        if name.startswith("extra__wiro__")
    }
    assert set(made) == {"extra__wiro__timeout", "extra__wiro__allow_http", "extra__wiro__max_active"}
    for name, field in made.items():
        declared = CONNECTION_TYPE["conn-fields"][name.removeprefix("extra__wiro__")]
        assert (str(field.kwargs["label"]), field.kwargs["description"]) == (declared["label"], declared["description"])


@pytest.mark.skipif(AIRFLOW_V_3_0_PLUS, reason="Airflow 3 has another form")
@pytest.mark.parametrize("typed", ["", "45"])
def test_an_empty_field_of_airflow_2_keeps_no_connection_from_being_saved(typed: str) -> None:
    import wtforms
    from werkzeug.datastructures import MultiDict

    form = type("Form", (wtforms.Form,), WiroHook.get_connection_form_widgets())
    filled = form(MultiDict({"timeout": typed, "max_active": ""}))
    assert filled.validate()
    assert filled.data == {"timeout": int(typed) if typed else None, "allow_http": False, "max_active": None}


@pytest.mark.parametrize("kind", KINDS)
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
