"""Storages of the tests, known to Airflow by a connection."""

from __future__ import annotations

import uuid

import s3fs  # type: ignore[import-untyped]
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from small_s3 import SmallS3

if AIRFLOW_V_3_0_PLUS:
    from airflow.sdk.io import attach
else:
    from airflow.io.store import attach  # type: ignore[import-not-found,no-redef]

__all__ = ["attach", "connected"]


def connected(store: SmallS3) -> str:
    """Return the name of a new connection to it; its file system is the real s3fs."""
    conn_id = f"secret-{uuid.uuid4().hex}"
    fs = s3fs.S3FileSystem(
        key="key",
        secret="secret",
        endpoint_url=store.url,
        client_kwargs={"region_name": "eu-central-1"},
        config_kwargs={"retries": {"max_attempts": 1}},
        skip_instance_cache=True,
    )
    attach("s3", conn_id=conn_id, fs=fs)
    return conn_id
