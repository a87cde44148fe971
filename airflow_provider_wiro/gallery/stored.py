"""Opens a file in an object storage, and reads it piece by piece."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.gallery.kinds import played_type
from airflow_provider_wiro.gallery.roots import Stored

PIECE = 1024 * 1024
# Under which names storages tell an object's type.
_TYPES = ("ContentType", "contentType", "content_type")

log = logging.getLogger(__name__)


class NotThere(Exception):
    """It cannot be streamed; why is for whoever looks at the page."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be streamed.

    :param size: bytes.
    :param content_type: what it is sent as.
    """

    fs: Any
    path: str
    size: int
    content_type: str


def opened(stored: Stored, told: str | None) -> File:
    """Look at a file. Takes the time of a request to the storage.

    :param told: the type that the result of its task says.
    :raises NotThere: if it is not there, cannot be reached, or is no image, video or audio.
    """
    if played_type(stored.name, told) is None:
        raise NotThere("it is no image, video or audio")
    try:
        _check_connection(stored)
        fs, path = _reached(stored)
        info = fs.info(path)
    except NotThere:
        raise
    except FileNotFoundError:
        raise NotThere("it is not there any more") from None
    except Exception as error:
        log.warning("%s cannot be read for the Wiro gallery: %s", stored.address, in_words(error))
        raise NotThere("the API server cannot read it; its log says why") from error
    content_type = played_type(stored.name, told, next((info[name] for name in _TYPES if info.get(name)), None))
    if content_type is None or info.get("type") != "file" or not isinstance(info.get("size"), int):
        raise NotThere("it is no image, video or audio")
    return File(fs, path, info["size"], content_type)


async def pieces(file: File, start: int, end: int) -> AsyncIterator[bytes]:
    """Read the bytes from *start* to before *end*, each piece by a request of its own."""
    while start < end:
        upto = min(start + PIECE, end)
        piece = await asyncio.to_thread(file.fs.cat_file, file.path, start=start, end=upto)
        if not piece:
            raise NotThere("it has become shorter")
        yield piece
        start += len(piece)


def _check_connection(stored: Stored) -> None:
    """See that the connection is there: without it, some providers fall back on what the server itself may do."""
    from airflow_provider_wiro.compat import AirflowNotFoundException, BaseHook

    if stored.conn_id is None:
        return
    try:
        BaseHook.get_connection(stored.conn_id)
    except AirflowNotFoundException:
        raise NotThere(f"the API server has no connection {stored.conn_id}") from None


def _reached(stored: Stored) -> tuple[Any, str]:
    from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

    from airflow_provider_wiro.compat import ObjectStoragePath

    path = ObjectStoragePath(stored.address)
    if isinstance(path.fs, LocalFileSystem) or not str(path.path).endswith(stored.key):
        raise NotThere("it is in no object storage")
    return path.fs, path.path
