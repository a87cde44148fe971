"""Who sees what with Flask-AppBuilder's roles: the auth manager that has them, asked with its own tokens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from small_airflow import migrate, warnings_of_airflow

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
HOST = "https://airflow.example.org"
PASSWORD = "only for this test"
MAY_READ_XCOMS = ("can_read", "XComs")
# Role -> what it may do, where Airflow has no such role by itself.
ROLES: dict[str, list[tuple[str, str]]] = {
    "Admin": [],
    "Viewer": [],
    "Public": [],
    "One DAG": [("can_read", "DAG:films"), MAY_READ_XCOMS],
    "No XComs": [("can_read", "DAGs")],
    "No DAG": [MAY_READ_XCOMS],
}
BOTH = {"films", "secret"}


@pytest.fixture(scope="module")
def visit() -> Iterator[Callable[..., Any]]:
    """Ask the gallery for generations, as a user with a role."""
    os.environ["AIRFLOW__CORE__AUTH_MANAGER"] = FAB
    with warnings_of_airflow():
        from airflow.api_fastapi.app import get_auth_manager, init_auth_manager, purge_cached_app
        from fastapi import FastAPI
        from starlette.testclient import TestClient

        from airflow_provider_wiro.gallery.lazy import LazyApp
        from airflow_provider_wiro.gallery.plugin import PREFIX
        from generations import generation, keeping

        migrate()
        host = FastAPI()
        init_auth_manager(host)
        host.mount(PREFIX, LazyApp())
        with keeping() as kept, TestClient(host, base_url=HOST) as client:
            for dag_id in BOTH:
                kept.task(dag_id, wiro_generation=generation(taskid=dag_id))
            make_users(get_auth_manager())

            def ask(role: str, **query: str) -> Any:
                with warnings_of_airflow():
                    said = client.post("/auth/token", json={"username": role, "password": PASSWORD})
                    cookie = {"Cookie": f"_token={said.json()['access_token']}"}
                    return client.get(f"{PREFIX}/generations", params=query or None, headers=cookie)

            yield ask
        purge_cached_app()
    del os.environ["AIRFLOW__CORE__AUTH_MANAGER"]


def make_users(auth_manager: Any) -> None:
    """Make a user of each role, called as the role is."""
    with auth_manager.flask_app.app_context():
        security = auth_manager.security_manager
        security.sync_roles()
        security.create_dag_specific_permissions()
        for number, (role, may) in enumerate(ROLES.items()):
            made = security.add_role(role) or security.find_role(role)
            for action, resource in may:
                security.add_permission_to_role(made, security.create_permission(action, resource))
            assert security.add_user(role, "A", "User", f"{number}@example.org", made, PASSWORD)


@pytest.mark.parametrize(
    ("role", "status", "seen"),
    [
        ("Admin", 200, BOTH),
        ("Viewer", 200, BOTH),
        ("Public", 403, set()),
        ("One DAG", 200, {"films"}),
        ("No XComs", 403, set()),
        ("No DAG", 403, set()),
    ],
)
def test_a_role_sees_what_it_may_see(visit: Callable[..., Any], role: str, status: int, seen: set[str]) -> None:
    answer = visit(role)
    assert answer.status_code == status, answer.text
    for dag_id in BOTH:
        alone = visit(role, dag_id=dag_id)
        assert alone.status_code == (200 if dag_id in seen else 403), (dag_id, alone.text)
    if status == 200:
        told = answer.json()
        assert {tile["dag_id"] for tile in told["generations"]} == seen == set(told["dags"])
        assert told["cost_usd"] == 0.5 * len(seen)
