"""Storages of the tests, known to Airflow by a connection."""

from __future__ import annotations

import uuid
from typing import Any, Protocol

import s3fs  # type: ignore[import-untyped]
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

if AIRFLOW_V_3_0_PLUS:
    from airflow.sdk.io import attach
else:
    from airflow.io.store import attach  # type: ignore[import-not-found,no-redef]

__all__ = ["attach", "connected", "file_system"]


class Served(Protocol):
    """An S3 that is served somewhere."""

    @property
    def url(self) -> str:
        """Where."""


def file_system(store: Served) -> Any:
    """Return the real s3fs, as it reads and writes *store*."""
    return s3fs.S3FileSystem(
        key="key",
        secret="secret",
        endpoint_url=store.url,
        client_kwargs={"region_name": "eu-central-1"},
        config_kwargs={"retries": {"max_attempts": 1}},
        skip_instance_cache=True,
    )


def connected(store: Served) -> str:
    """Return the name of a new connection to it."""
    conn_id = f"secret-{uuid.uuid4().hex}"
    attach("s3", conn_id=conn_id, fs=file_system(store))
    return conn_id
