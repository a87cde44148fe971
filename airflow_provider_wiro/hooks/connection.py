"""Reading the Airflow connection, in a worker and on a triggerer's event loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_wiro.core.credentials import Credentials

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

DEFAULT_CONN_ID = "wiro_default"


def read_credentials(conn_id: str) -> Credentials:
    """Read the connection and mask its secrets in logs.

    :raises WiroConfigError: if the connection cannot be used as it is.
    """
    from airflow.providers.common.compat.sdk import BaseHook, mask_secret

    connection = BaseHook.get_connection(conn_id)
    credentials = _credentials(conn_id, connection, connection.extra_dejson)
    for secret in (credentials.api_key, credentials.api_secret):
        mask_secret(secret)
    return credentials


async def aread_credentials(conn_id: str) -> Credentials:
    """Do the same without blocking the event loop."""
    from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson

    connection = await get_async_connection(conn_id)
    credentials = _credentials(conn_id, connection, await get_async_extra_dejson(connection))
    for secret in (credentials.api_key, credentials.api_secret):
        await _amask(secret)
    return credentials


async def _amask(secret: str | None) -> None:
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:  # before Airflow 3.3.2
        from airflow.providers.common.compat.sdk import mask_secret
        from asgiref.sync import sync_to_async

        await sync_to_async(mask_secret)(secret)
    else:
        await amask_secret(secret)


def _credentials(conn_id: str, connection: Connection, extra: Mapping[str, object]) -> Credentials:
    return Credentials.from_connection(
        conn_id,
        login=connection.login,
        password=connection.password,
        host=connection.host,
        schema=connection.schema,
        port=connection.port,
        extra=extra,
    )
