"""The plugin: absent before Airflow 3.1, and for nothing in every process that does not show it."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__

from airflow_provider_wiro.gallery import lazy, plugin

ROOT = Path(__file__).resolve().parents[2]
# Airflow has imported these before it looks for plugins.
THERE = {"__future__", "airflow", "airflow.plugins_manager", "collections.abc", "typing"}
OURS = {"airflow_provider_wiro.gallery.lazy"}


def test_it_imports_nothing_that_is_not_there_already() -> None:
    imported: set[str | None] = set()
    for module in (plugin, lazy):
        tree = ast.parse(Path(module.__file__ or "").read_text())
        imported |= {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
        imported |= {name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names}
    assert imported == THERE | OURS


def test_it_is_registered_by_the_entry_point_alone() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [value] = project["entry-points"]["airflow.plugins"].values()
    assert value == f"{plugin.__name__}:WiroPlugin"
    from airflow_provider_wiro.get_provider_info import get_provider_info

    assert "plugins" not in get_provider_info()


@pytest.mark.parametrize(
    ("version", "there"),
    [("2.11.2", False), ("3.0.6", False), ("3.1.0", True), ("3.3.2", True), ("3.10.0rc1", True), ("4.0.0", True)],
)
def test_older_airflow_has_no_gallery(version: str, there: bool) -> None:
    assert plugin.has_pages(version) == there


def test_the_plugin_has_what_this_airflow_shows() -> None:
    there = plugin.has_pages(__version__)
    assert bool(getattr(plugin.WiroPlugin, "external_views", [])) == there
    assert bool(getattr(plugin.WiroPlugin, "fastapi_apps", [])) == there


def test_pages_and_tabs() -> None:
    views = plugin.views()
    assert [view["destination"] for view in views] == ["nav", "dag", "dag_run", "task", "task_instance"]
    assert len({view["url_route"] for view in views}) == len(views)
    assert not any(value.startswith("/") for view in views for value in view.values())


@pytest.mark.skipif(not plugin.has_pages(__version__), reason="older Airflow has no such pages")
def test_airflow_takes_its_description() -> None:
    from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse

    fields: dict[str, Any] = {view["url_route"]: ExternalViewResponse(**view) for view in plugin.views()}
    assert len(fields) == 5
    for view in plugin.views():
        assert (ROOT / "airflow_provider_wiro" / "gallery" / view["icon"].removeprefix(plugin.PAGE)).is_file()
