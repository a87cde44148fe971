"""What Airflow loads by the entry point ``airflow.plugins``, in every process: it imports nothing that costs time."""

from __future__ import annotations

from typing import Any

from airflow import __version__ as airflow_version
from airflow.plugins_manager import AirflowPlugin

from airflow_provider_wiro.gallery.lazy import LazyApp

PREFIX = "/wiro-ui"
# Without a leading slash, so that all of it is found below a sub-path too.
PAGE = "wiro-ui/"
ICONS = {"icon": f"{PAGE}static/icon.svg", "icon_dark_mode": f"{PAGE}static/icon-dark.svg"}
OF_DAG = f"{PAGE}?dag_id={{DAG_ID}}"
OF_RUN = f"{OF_DAG}&run_id={{RUN_ID}}"
TABS = {
    "dag": OF_DAG,
    "dag_run": OF_RUN,
    "task": f"{OF_DAG}&task_id={{TASK_ID}}",
    "task_instance": f"{OF_RUN}&task_id={{TASK_ID}}&map_index={{MAP_INDEX}}",
}
# Older Airflow has no such pages.
SINCE = (3, 1)


def has_pages(version: str) -> bool:
    """Whether this Airflow shows a plugin's pages."""
    major, minor, *_ = version.split(".")
    return (int(major), int(minor)) >= SINCE


def views() -> list[dict[str, str]]:
    """Return the page in the navigation, and the tabs."""
    page = {"name": "Wiro gallery", "href": PAGE, "destination": "nav", "url_route": "wiro-gallery"}
    tabs = [
        {"name": "Wiro", "href": href, "destination": destination, "url_route": f"wiro-{destination.replace('_', '-')}"}
        for destination, href in TABS.items()
    ]
    return [{**page, "category": "browse", **ICONS}, *({**tab, **ICONS} for tab in tabs)]


class WiroPlugin(AirflowPlugin):
    """The gallery's pages, and the app that answers them."""

    name = "wiro"
    if has_pages(airflow_version):
        fastapi_apps: list[Any] = [{"app": LazyApp(), "url_prefix": PREFIX, "name": "Wiro gallery"}]
        external_views: list[Any] = views()
