"""Storages of the tests; each is known by a connection that only the task's own process has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS


def attach_storages(conf: Mapping[str, Any]) -> None:
    """Let the task reach what the run's configuration names.

    :param conf: `s3` is the address of an S3, behind the connection `bucket`; `shelf` is a folder behind the
        connection `shelf`, known as a file system whose files are written aside and moved.
    """
    if not {"s3", "shelf"} & conf.keys():
        return
    if AIRFLOW_V_3_0_PLUS:
        from airflow.sdk.io import attach
    else:
        from airflow.io.store import attach  # type: ignore[import-not-found,no-redef]
    from fsspec.implementations.dirfs import DirFileSystem  # type: ignore[import-untyped]
    from s3fs import S3FileSystem  # type: ignore[import-untyped]

    if "s3" in conf:
        keys = {"key": "key", "secret": "secret", "client_kwargs": {"region_name": "eu-central-1"}}
        attach("s3", conn_id="bucket", fs=S3FileSystem(**keys, endpoint_url=conf["s3"], skip_instance_cache=True))
    if "shelf" in conf:
        attach("memory", conn_id="shelf", fs=DirFileSystem(conf["shelf"]))
