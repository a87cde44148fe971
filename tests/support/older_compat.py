"""What an older common-compat lacks of the names that the tests use: scripts/test --lowest runs with such a one.

The package must not see it, and has found all of its own names before.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

from airflow.providers.common.compat import version_compat

from airflow_provider_wiro import compat

SDK = "airflow.providers.common.compat.sdk"
VERSIONS = ((3, 0), (3, 1), (3, 2), (3, 3))
PLACES = {
    "DAG": (("airflow.sdk", "DAG"), ("airflow.models.dag", "DAG")),
    "Param": (("airflow.sdk", "Param"), ("airflow.models.param", "Param")),
    "TaskGroup": (("airflow.sdk", "TaskGroup"), ("airflow.utils.task_group", "TaskGroup")),
    "redact": (("airflow.sdk.execution_time.secrets_masker", "redact"), ("airflow.utils.log.secrets_masker", "redact")),
    "task": (("airflow.sdk", "task"), ("airflow.decorators", "task")),
}


def fill_in() -> None:
    """Add what the installed common-compat lacks; nothing where it lacks nothing."""
    here = version_compat.get_base_airflow_version_tuple()
    for version in VERSIONS:
        name = f"AIRFLOW_V_{version[0]}_{version[1]}_PLUS"
        if not hasattr(version_compat, name):
            setattr(version_compat, name, here[:2] >= version)
    wanted = {name: getattr(compat, name) for name in compat.PLACES}
    try:
        sdk = import_module(SDK)
    except ImportError:
        sdk = sys.modules[SDK] = ModuleType(SDK)
    for name in [*wanted, *PLACES]:
        if not hasattr(sdk, name):
            setattr(sdk, name, wanted[name] if name in wanted else _found(name))


def _found(name: str) -> Any:
    for module, attribute in PLACES[name]:
        try:
            return getattr(import_module(module), attribute)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"this Airflow has no {name}")
