"""How a person has a new generation made where one is recorded."""

from __future__ import annotations

import shlex

from airflow_provider_wiro.core.journal import Identity


def forget(place: str, identity: Identity, when: str = "for a new generation") -> tuple[str, str]:
    """Return the steps by which a person has a new generation made after all.

    :param place: where the record is.
    :param identity: whose it is.
    :param when: what they are for.
    """
    return (
        f"{when}, delete the record ({place}) with\n"
        f"   {forget_command(identity)}\n"
        "   or set another idempotency_key, or durable=False",
        "then clear this task",
    )


def forget_command(identity: Identity) -> str:
    """Return the command that deletes a record, as it is typed into a shell."""
    of = [identity.dag_id, identity.run_id, identity.task_id]
    of += ["--map-index", str(identity.map_index)] if identity.mapped else []
    of += ["--execution", identity.execution] if identity.execution else []
    return f"python -m airflow_provider_wiro journal forget {shlex.join(of)}"
