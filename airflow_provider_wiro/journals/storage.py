"""Files on an object storage, or on whatever else fsspec reaches over a network."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from airflow_provider_wiro.journals.files import Files

log = logging.getLogger(__name__)
_cannot_create_only: set[str] = set()


class StoredFiles(Files):
    """Objects. A bucket or container is never made, and that it is missing is never taken for "no such file".

    :param fs: a file system of fsspec's.
    """

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(root)
        self._fs = fs

    def read(self, path: str) -> bytes | None:
        """Return a file's content; None if it is not there, in a bucket that is."""
        self._fs.invalidate_cache()  # it would know nothing of what others have written since it has listed last
        try:
            content: bytes = self._fs.cat_file(path)
        except FileNotFoundError:
            self._check_bucket()
            return None
        return content

    def create(self, path: str, content: bytes) -> None:
        """Write a file that must not be there yet.

        Where the storage or its library cannot do that (older gcsfs, adlfs and s3fs, some that look like S3), it is
        looked for before, and read back: of two that do so within the same moment, both may go on.
        """
        if self.root not in _cannot_create_only:
            self._put(path, content, mode="create")
            return
        if self.read(path) is not None:
            raise FileExistsError(path)
        self._put(path, content)
        if self.read(path) != content:
            raise FileExistsError(path)

    def replace(self, path: str, content: bytes) -> None:
        """Write a file; an object is there at once."""
        self._put(path, content)

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        with suppress(FileNotFoundError):
            self._fs.rm_file(path)

    def find(self, folder: str) -> Mapping[str, float | None]:
        """Return all files below a folder."""
        self._fs.invalidate_cache()
        try:
            found = self._fs.find(folder, detail=True)
        except FileNotFoundError:
            self._check_bucket()
            return {}
        return {path: _written_at(about) for path, about in found.items()}

    def probe_in(self, path: str) -> str:
        """Return a folder that can be listed quickly, however many records there are."""
        return f"{self.root}/.probes"

    def _try_to_create(self, file: str, content: bytes) -> None:
        try:
            super()._try_to_create(file, content)
        except Exception as error:
            if self.root in _cannot_create_only:
                raise
            self._put(file, content)
            self._say_that_it_cannot(f"{type(error).__name__}: {error}")

    def _refuses(self, file: str, content: bytes) -> bool:
        if super()._refuses(file, content):
            return True
        self._say_that_it_cannot("it made one that was there already")
        return super()._refuses(file, content)

    def _say_that_it_cannot(self, why: str) -> None:
        _cannot_create_only.add(self.root)
        log.warning(
            "the storage of the journal, %s, or the library that reaches it, cannot create a file only where there is "
            "none (%.200s): of two tries that begin within the same moment both may submit. Upgrade s3fs, "
            "gcsfs or adlfs: newer versions can",
            self.root,
            why,
        )

    def _put(self, path: str, content: bytes, **mode: str) -> None:
        try:
            self._fs.pipe_file(path, content, **mode)
        except OSError as error:
            if not _is_missing(error):
                raise
            self._check_bucket()
            # An object needs no folder, and its makedirs may make a bucket: so only where one was missing.
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(path, content, **mode)

    def _check_bucket(self) -> None:
        """Make sure that what the root is in is there: a bucket that is missing reads like a file that is missing."""
        slash = "/" if self.root.startswith("/") else ""
        bucket = self.root.strip("/").partition("/")[0]
        if not bucket or self._fs.exists(slash + bucket):
            return
        try:
            self._fs.ls(slash + bucket, detail=False)
        except OSError as error:
            if not _is_missing(error):
                raise
            raise OSError(
                f"there is no bucket, container or folder {bucket}: is its name mistyped? It is not made here"
            ) from error


def _is_missing(error: OSError) -> bool:
    return isinstance(error, FileNotFoundError) or error.errno == errno.ENOENT


def _written_at(about: Mapping[str, Any]) -> float | None:
    """Return what the file system says of when a file was written, where it does, each in a way of its own."""
    told = about.get("mtime") or about.get("LastModified") or about.get("last_modified")
    return told.timestamp() if isinstance(told, datetime) else told if isinstance(told, float) else None
