"""A folder that files are saved to, wherever it is."""

from __future__ import annotations

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from airflow_provider_wiro.clients.apart import interrupted, never
from airflow_provider_wiro.core.fields import refused
from airflow_provider_wiro.core.text import without_secrets

AT_ONCE = 1024 * 1024
PART = ".part"
"""How the name of a file ends that is written aside; it begins with a dot."""
ABANDONED = 3600.0
"""Seconds after which nobody writes such a file any more: whoever does goes on within a minute, or has ended."""


class Sink(ABC):
    """A file that is being written, and is not there until it is committed."""

    @abstractmethod
    def write(self, data: bytes, /) -> object:
        """Write what comes next."""

    @abstractmethod
    def restart(self) -> None:
        """Forget all that was written."""

    @abstractmethod
    def commit(self) -> None:
        """Put the file in place, whole and at once.

        :raises FileExistsError: if there is one of its name.
        """


class Place(ABC):
    """A folder; it is made when something is written to it. A bucket or container is never made.

    :param uri: where it is.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri.rstrip("/")

    def uri_of(self, name: str) -> str:
        """Return where the file *name* is, or would be."""
        return f"{self.uri}/{name}"

    @abstractmethod
    def size_of(self, name: str) -> int | None:
        """Return how many bytes a file has; None if it surely is not there.

        :raises OSError: if that cannot be determined.
        """

    @abstractmethod
    def open(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to be read."""

    @abstractmethod
    def writing(self, name: str, size: int | None = None) -> AbstractContextManager[Sink]:
        """Begin a file; at the end of the block nothing is left of it, unless it was committed.

        :param size: how many bytes it will have, where that is known.
        """

    @abstractmethod
    def replace(self, name: str, content: bytes) -> None:
        """Write a small file, also over one that is there; whoever reads it sees the one or the other, whole."""

    @abstractmethod
    def tidy(self) -> None:
        """Delete what earlier writers have left half-written, and will surely not go on with."""

    def read(self, name: str, most: int) -> bytes:
        """Read a small file.

        :raises ValueError: if it has more bytes than *most*.
        """
        with self.open(name) as file:
            content = file.read(most + 1)
        if len(content) > most:
            raise ValueError(f"it has more than {most} bytes")
        return content

    def digest_of(self, name: str, told_to_stop: Callable[[], bool] = never) -> tuple[int, str]:
        """Read a file, and return its size in bytes and its SHA-256.

        :raises WiroInterrupted: if *told_to_stop* was true.
        """
        digest, size = hashlib.sha256(), 0
        with self.open(name) as file:
            for piece in _pieces(file):
                if told_to_stop():
                    raise interrupted()
                digest.update(piece)
                size += len(piece)
        return size, digest.hexdigest()


def place_of(folder: str, name: str = "save_to") -> Place:
    """Return the folder that a local path or a URL names, as ObjectStoragePath takes it. Nothing is written.

    :param name: what the argument is called.
    :raises WiroInputError: if it names none; also where the provider for its scheme is not installed.
    """
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

    from airflow_provider_wiro.compat import ObjectStoragePath

    if not isinstance(folder, str) or not folder.strip() or not folder.isprintable():
        raise refused(name, folder, _ALLOWED)
    if "::" in folder:
        raise refused(name, without_secrets(folder), f"{_ALLOWED}; without '::', at which fsspec cuts a path off")
    if "://" not in folder and not os.path.isabs(folder):
        raise refused(name, folder, f"{_ALLOWED}; this one depends on the folder that a worker happens to run in")
    try:
        path = ObjectStoragePath(folder)
        fs = path.fs
    except (ValueError, ImportError) as error:
        why = f"{error}; is the provider for it installed, with its extra for fsspec (such as amazon[s3fs]), and was"
        why += " Airflow restarted since?"
        raise refused(name, without_secrets(folder), f"{_ALLOWED} ({why})") from error
    if isinstance(fs, LocalFileSystem):
        from airflow_provider_wiro.landing.local import LocalPlace

        return LocalPlace(path.path)
    from airflow_provider_wiro.landing.stored import StoredPlace

    return StoredPlace(str(path), fs, path.path)


def place_and_name(uri: str) -> tuple[Place, str]:
    """Return the folder of a file and the file's name.

    :raises WiroInputError: as :func:`place_of` raises it.
    """
    folder, _, name = uri.rpartition("/")
    return place_of(folder or "/"), name


def below(folder: str, *names: str) -> str:
    """Return the folder that the path *names* leads to from another folder."""
    return "/".join((folder.rstrip("/"), *names))


_ALLOWED = "an absolute path, or a URL that Airflow's ObjectStoragePath opens, such as s3://conn_id@bucket/folder"


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(AT_ONCE):
        yield piece
