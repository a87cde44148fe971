"""The gallery's app, as Airflow mounts it, with a database and users."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow import __version__

from airflow_provider_wiro.gallery.plugin import PREFIX, has_pages

if TYPE_CHECKING:
    from generations import Kept

WITHOUT_PAGES = {"test_plugin.py", "test_roots.py"}
"""What is tested on Airflow before 3.1 too, which need not have what the pages are made of."""

collect_ignore = (
    []
    if has_pages(__version__)
    else [file.name for file in Path(__file__).parent.glob("test_*.py") if file.name not in WITHOUT_PAGES]
)


@pytest.fixture
def kept(airflow_database: None) -> Iterator[Kept]:
    """What is in the metadata database."""
    from generations import keeping

    with keeping() as there:
        yield there


@pytest.fixture
def visit(airflow_database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Ask the gallery something, as a user."""
    from airflow.api_fastapi.app import init_auth_manager, purge_cached_app
    from fastapi import FastAPI

    from airflow_provider_wiro.gallery.lazy import LazyApp
    from small_airflow import warnings_of_airflow

    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "roles.Roles")
    with warnings_of_airflow():
        from starlette.testclient import TestClient

        host = FastAPI()
        init_auth_manager(host)
        host.mount(PREFIX, LazyApp())
        with TestClient(host, base_url="https://airflow.example.org") as client:

            def ask(path: str = "generations", user: str | None = "editor", headers: Any = None, **query: Any) -> Any:
                cookies = {} if user is None else {"Cookie": f"_token={user}"}
                return client.get(f"{PREFIX}/{path}", params=query or None, headers={**cookies, **(headers or {})})

            yield ask
        purge_cached_app()
