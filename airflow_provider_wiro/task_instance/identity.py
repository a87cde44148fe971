"""Who pays: the task instance, told apart from all others that may run at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow_provider_wiro.core.journal import Identity
from airflow_provider_wiro.exceptions import WiroInputError

ROOT_REGION = "00000000-0000-0000-0000-000000000000"
"""The region of everything outside of task loops: ``UUID(int=0)``."""


def identity_of(ti: Any, context: Mapping[str, Any] | None = None) -> Identity:
    """Return who pays: the task instance, whichever its try.

    Airflow 3.4 has task loops. What it runs there carries a region (one execution of a loop, or of what is expanded
    within it) and an index in that region; both together are the identity's ``execution``. It is empty outside of
    loops, so that what Airflow 3.3 and this package's 0.1.0 have written is found again.

    :param ti: the task instance.
    :param context: of ``execute``, if it is at hand; it says, too, whether this is a loop.
    :raises WiroInputError: in a loop of which Airflow does not say which execution this is. Nothing is sent before.
    """
    map_index = -1 if ti.map_index is None else ti.map_index
    return Identity(ti.dag_id, ti.run_id, ti.task_id, map_index, _execution(ti, context))


def _execution(ti: Any, context: Mapping[str, Any] | None) -> str:
    region, index = getattr(ti, "region_id", None), getattr(ti, "region_index", None)
    rooted = region is None or str(region) == ROOT_REGION
    if rooted and not _loops(ti, context):
        return ""
    if rooted or index is None:
        raise WiroInputError(
            f"task {ti.task_id} is in a task loop, and this Airflow does not say which iteration of it this is: one "
            "iteration could take the generation of another. Nothing was submitted. Take the task out of the loop, or "
            "set durable=False: then each try pays for a generation of its own"
        )
    return f"{region}.{index}"


def _loops(ti: Any, context: Mapping[str, Any] | None) -> bool:
    """Whether the task stands within a loop, which its context and the task groups around it tell."""
    if context is not None and context.get("loop") is not None:
        return True
    group = getattr(getattr(ti, "task", None), "task_group", None)
    while group is not None:
        if any(kind.__name__ == "LoopTaskGroup" for kind in type(group).__mro__):
            return True
        group = getattr(group, "parent_group", None)
    return False
