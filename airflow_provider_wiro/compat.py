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
        Asset,
        AssetAlias,
        BaseHook,
        BaseOperator,
        BaseOperatorLink,
        BaseSensorOperator,
        Connection,
        Context,
        DecoratedOperator,
        ObjectStoragePath,
        PokeReturnValue,
        TaskDecorator,
        TaskDeferred,
        XCom,
        conf,
        context_merge,
        determine_kwargs,
        get_current_context,
        mask_secret,
        task_decorator_factory,
    )

__all__ = [
    "AIRFLOW_V_3_0_PLUS",
    "AIRFLOW_V_3_1_PLUS",
    "AIRFLOW_V_3_3_PLUS",
    "AirflowException",
    "AirflowFailException",
    "AirflowNotFoundException",
    "AirflowSensorTimeout",
    "AirflowSkipException",
    "AirflowTaskTimeout",
    "Asset",
    "AssetAlias",
    "BaseHook",
    "BaseOperator",
    "BaseOperatorLink",
    "BaseSensorOperator",
    "Connection",
    "Context",
    "DecoratedOperator",
    "ObjectStoragePath",
    "PokeReturnValue",
    "TaskDecorator",
    "TaskDeferred",
    "XCom",
    "conf",
    "context_merge",
    "determine_kwargs",
    "get_current_context",
    "mask_secret",
    "task_decorator_factory",
]

AIRFLOW_V_3_0_PLUS = get_base_airflow_version_tuple() >= (3, 0, 0)
AIRFLOW_V_3_1_PLUS = get_base_airflow_version_tuple() >= (3, 1, 0)
AIRFLOW_V_3_3_PLUS = get_base_airflow_version_tuple() >= (3, 3, 0)

_SDK = "airflow.providers.common.compat.sdk"
_EXCEPTIONS = ("airflow.sdk.exceptions", "airflow.exceptions")
PLACES: dict[str, tuple[str, ...]] = {
    "AirflowException": _EXCEPTIONS,
    "AirflowFailException": _EXCEPTIONS,
    "AirflowNotFoundException": _EXCEPTIONS,
    "AirflowSensorTimeout": _EXCEPTIONS,
    "AirflowSkipException": _EXCEPTIONS,
    "AirflowTaskTimeout": _EXCEPTIONS,
    "Asset": ("airflow.sdk", "airflow.datasets:Dataset"),
    "AssetAlias": ("airflow.sdk", "airflow.datasets:DatasetAlias"),
    "BaseHook": ("airflow.sdk", "airflow.hooks.base"),
    "BaseOperator": ("airflow.sdk", "airflow.models.baseoperator"),
    "BaseOperatorLink": ("airflow.sdk", "airflow.models.baseoperatorlink"),
    "BaseSensorOperator": ("airflow.sdk", "airflow.sensors.base"),
    "Connection": ("airflow.sdk", "airflow.models.connection"),
    "Context": ("airflow.sdk", "airflow.utils.context"),
    "DecoratedOperator": ("airflow.sdk.bases.decorator", "airflow.decorators.base"),
    "ObjectStoragePath": ("airflow.sdk", "airflow.io.path"),
    "PokeReturnValue": ("airflow.sdk", "airflow.sensors.base"),
    "TaskDecorator": ("airflow.sdk.bases.decorator", "airflow.decorators.base"),
    "TaskDeferred": _EXCEPTIONS,
    "XCom": ("airflow.sdk.execution_time.xcom", "airflow.models.xcom"),
    "conf": ("airflow.sdk.configuration", "airflow.configuration"),
    "context_merge": ("airflow.sdk.definitions.context", "airflow.utils.context"),
    "determine_kwargs": ("airflow.sdk.bases.decorator", "airflow.utils.operator_helpers"),
    "get_current_context": ("airflow.sdk", "airflow.operators.python"),
    "mask_secret": ("airflow.sdk.log", "airflow.sdk.execution_time.secrets_masker", "airflow.utils.log.secrets_masker"),
    "task_decorator_factory": ("airflow.sdk.bases.decorator", "airflow.decorators.base"),
}


def __getattr__(name: str) -> Any:
    """Import *name* when it is first asked for: a DAG file must not pay for what only a running task needs."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    for place in (_SDK, *PLACES[name]):
        module, _, other_name = place.partition(":")
        try:
            found = getattr(import_module(module), other_name or name)
        except (ImportError, AttributeError):
            continue
        globals()[name] = found
        return found
    raise ImportError(f"this Airflow has no {name}, neither in {_SDK} nor in {' or '.join(PLACES[name])}")
