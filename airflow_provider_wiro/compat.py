"""Names of Airflow that moved between its versions.

They come from ``airflow.providers.common.compat.sdk``. The common-compat that Airflow's official constraints pin for
2.11 to 3.1 does not have it, or not all of it: what it lacks is looked for here, where these versions have it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.version_compat import get_base_airflow_version_tuple

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import (
        AirflowException,
        AirflowFailException,
        AirflowNotFoundException,
        AirflowSensorTimeout,
        AirflowSkipException,
        AirflowTaskTimeout,
        BaseHook,
        BaseOperator,
        Connection,
        Context,
        ObjectStoragePath,
        TaskDeferred,
        XCom,
        conf,
        get_current_context,
        mask_secret,
    )

__all__ = [
    "AIRFLOW_V_3_0_PLUS",
    "AIRFLOW_V_3_3_PLUS",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "BaseHook",
    "BaseOperator",
    "Connection",
    "Context",
    "ObjectStoragePath",
    "TaskDeferred",
    "XCom",
    "conf",
    "get_current_context",
    "mask_secret",
]

AIRFLOW_V_3_0_PLUS = get_base_airflow_version_tuple() >= (3, 0, 0)
AIRFLOW_V_3_3_PLUS = get_base_airflow_version_tuple() >= (3, 3, 0)

_SDK = "airflow.providers.common.compat.sdk"
_EXCEPTIONS = ("airflow.sdk.exceptions", "airflow.exceptions")
PLACES = {
    "AirflowException": _EXCEPTIONS,
    "AirflowFailException": _EXCEPTIONS,
    "AirflowNotFoundException": _EXCEPTIONS,
    "AirflowSensorTimeout": _EXCEPTIONS,
    "AirflowSkipException": _EXCEPTIONS,
    "AirflowTaskTimeout": _EXCEPTIONS,
    "BaseHook": ("airflow.sdk", "airflow.hooks.base"),
    "BaseOperator": ("airflow.sdk", "airflow.models.baseoperator"),
    "Connection": ("airflow.sdk", "airflow.models.connection"),
    "Context": ("airflow.sdk", "airflow.utils.context"),
    "ObjectStoragePath": ("airflow.sdk", "airflow.io.path"),
    "TaskDeferred": _EXCEPTIONS,
    "XCom": ("airflow.sdk.execution_time.xcom", "airflow.models.xcom"),
    "conf": ("airflow.sdk.configuration", "airflow.configuration"),
    "get_current_context": ("airflow.sdk", "airflow.operators.python"),
    "mask_secret": ("airflow.sdk.log", "airflow.sdk.execution_time.secrets_masker", "airflow.utils.log.secrets_masker"),
}


def __getattr__(name: str) -> Any:
    """Import *name* when it is first asked for: a DAG file must not pay for what only a running task needs."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for module in (_SDK, *PLACES[name]):
        try:
            found = getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
        globals()[name] = found
        return found
    raise ImportError(f"this Airflow has no {name}, neither in {_SDK} nor in {' or '.join(PLACES[name])}")
