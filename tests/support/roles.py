"""An auth manager whose tokens are its users' names, and who may read what is said here."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from jwt import InvalidTokenError

# User -> the DAGs that may be read; None: all of them.
DAGS: dict[str, set[str] | None] = {"editor": None, "guest": {"films"}, "blind": None}
NO_XCOMS = {"blind"}


class Roles(SimpleAuthManager):
    """As strict with single DAGs as FAB, which the tests' environments do not have."""

    def init(self) -> None:
        """Make no passwords."""

    async def get_user_from_token(self, token: str) -> Any:
        """Return the user of that name."""
        if token not in DAGS:
            raise InvalidTokenError
        return SimpleAuthManagerUser(username=token, role="viewer")

    def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
        """Whether the user may read the DAG; without one, whether there is any."""
        if method != "GET" or (access_entity == DagAccessEntity.XCOM and user.username in NO_XCOMS):
            return False
        may = DAGS[user.username]
        return may is None or details is None or details.id is None or details.id in may
