"""Reading the Airflow connection, in a worker and on a triggerer's event loop."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from airflow_provider_wiro.core.credentials import Credentials

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import Connection

DEFAULT_CONN_ID = "wiro_default"

# Look-ups that are on their way: the event loop itself holds tasks only weakly.
_reading: set[asyncio.Task[Credentials]] = set()


def read_credentials(conn_id: str) -> Credentials:
    """Read the connection and mask its secrets in logs.

    :raises WiroConfigError: if the connection cannot be used as it is.
    """
    from airflow_provider_wiro.compat import BaseHook, mask_secret

    connection = BaseHook.get_connection(conn_id)
    credentials = _credentials(conn_id, connection, connection.extra_dejson)
    for secret in (credentials.api_key, credentials.api_secret):
        mask_secret(secret)
    return credentials


async def aread_credentials(conn_id: str) -> Credentials:
    """Do the same without blocking the event loop.

    It goes on where its caller is cancelled: before Airflow 3.2, a request to the supervisor that is broken off
    leaves its answer to the next one, and all triggers of the process fail.
    """
    reading = asyncio.ensure_future(_aread_credentials(conn_id))
    _reading.add(reading)
    reading.add_done_callback(_forget)
    return await asyncio.shield(reading)


def _forget(reading: asyncio.Task[Credentials]) -> None:
    _reading.discard(reading)
    if not reading.cancelled():
        reading.exception()  # taken here, for nobody may be left to take it


async def _aread_credentials(conn_id: str) -> Credentials:
    from asgiref.sync import sync_to_async

    from airflow_provider_wiro.compat import AirflowNotFoundException

    try:
        from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
        from airflow.sdk.log import amask_secret
    except ImportError:  # before Airflow 3.3.2, all of them mask in a way that blocks
        return await sync_to_async(read_credentials)(conn_id)
    try:
        connection = await get_async_connection(conn_id)
    except AirflowNotFoundException:
        # Airflow 3.3 runs a trigger in the process of ``dags test`` over a channel that can only be asked this way.
        return await sync_to_async(read_credentials)(conn_id)
    credentials = _credentials(conn_id, connection, await get_async_extra_dejson(connection))
    for secret in (credentials.api_key, credentials.api_secret):
        await amask_secret(secret)
    return credentials


def _credentials(conn_id: str, connection: Connection, extra: object) -> Credentials:
    if extra == {} and connection.extra and not _is_json(connection.extra):
        extra = connection.extra  # Airflow makes {} of what is no JSON
    return Credentials.from_connection(
        conn_id,
        login=connection.login,
        password=connection.password,
        host=connection.host,
        schema=connection.schema,
        port=connection.port,
        extra=extra,
    )


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
