"""Upload, first half: what the files contain, which is what makes the work the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_wiro.core.files import MAX_BYTES, FileInput, Source
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.text import one_line, without_secrets
from airflow_provider_wiro.core.uploading import NOTHING_PAID
from airflow_provider_wiro.exceptions import WiroError, WiroInputError, WiroUploadError
from airflow_provider_wiro.stages.remember import name_of

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import ObjectStoragePath
    from airflow_provider_wiro.stages.this_try import Order, Try

# What is read at once of a file in an object storage, and kept in memory.
BLOCK = 4 * 1024 * 1024
# What fsspec's file systems say of a file and another content changes: local, S3, Google's, Azure's, and others.
CHANGES = ("mtime", "ETag", "LastModified", "etag", "last_modified", "generation")


def with_contents(this: Try, order: Order, found: Record | None) -> Order:
    """Read what the files contain, which is what makes the work the same.

    Where they cannot be read, this goes on with what an earlier try has submitted.

    :raises WiroInputError: a file is too large, empty, or none; nothing is submitted.
    :raises WiroUploadError: it cannot be read; nothing is submitted.
    """
    if order.problem is not None or not order.files:
        return order
    try:
        return replace(order, files=tuple(_with_contents(this, file) for file in order.files))
    except (WiroInputError, WiroUploadError) as error:
        if found is None or not found.sent:
            raise
        said = "going on with it, though a file of its inputs cannot be used now"
        this.log.warning("%s: %s: %s", name_of(found), said, error)
        return replace(order, files=(), problem=error)


def _with_contents(this: Try, file: FileInput) -> FileInput:
    try:
        sources = tuple(source if source.is_url else _read(this, source) for source in file.sources)
    except (WiroInputError, WiroUploadError) as error:
        raise type(error)(f"input {file.name}: {error}") from None
    return replace(file, sources=sources)


def _read(this: Try, source: Source) -> Source:
    path = _path_of(source)
    with _said_of(source):
        told = path.fs.info(path.path)
        is_file, size = told.get("type") != "directory", told.get("size")
    if not is_file:
        raise WiroInputError(f"{source.shown} is a directory; allowed: a file.\n{NOTHING_PAID}")
    _check_size(source, size)
    key = _key_of(source, told)
    if key in this.contents:
        sha256, read = this.contents[key]
        return replace(source, sha256=sha256, size=read)
    digest, read = hashlib.sha256(), 0
    with opened(source) as file:
        while piece := _piece_of(file, source):
            this.caller.check()
            digest.update(piece)
            read += len(piece)
            if read > MAX_BYTES:
                break
    _check_size(source, read)
    if key is not None:
        this.contents[key] = digest.hexdigest(), read
    return replace(source, sha256=digest.hexdigest(), size=read)


def _key_of(source: Source, told: Mapping[str, object]) -> str | None:
    """Return a digest of what a storage says of a file, which changes with its content; None where it says too little.

    By it a task that waits for room, and looks at its files again before each attempt, need not read them again.
    """
    telling = {name: str(told[name]) for name in (*CHANGES, "size", "ino") if told.get(name) is not None}
    if not telling.keys() & set(CHANGES):
        return None
    return hashlib.sha256(repr((source.address, sorted(telling.items()))).encode()).hexdigest()


def _piece_of(file: IO[bytes], source: Source) -> bytes:
    with _said_of(source):
        return file.read(1024 * 1024)


def _check_size(source: Source, size: object) -> None:
    if size == 0:
        raise WiroInputError(f"{source.shown} is empty; allowed: a file with a content.\n{NOTHING_PAID}")
    if isinstance(size, int) and size > MAX_BYTES:
        raise WiroInputError(f"{source.shown} has {size} bytes or more; allowed: {MAX_BYTES} bytes.\n{NOTHING_PAID}")


@contextmanager
def opened(source: Source) -> Iterator[IO[bytes]]:
    """Open it for reading.

    :raises WiroUploadError: if that cannot be done.
    """
    path = _path_of(source)
    with _said_of(source):
        file: Any = path.open("rb", block_size=BLOCK)
    try:
        yield file
    finally:
        file.close()


def _path_of(source: Source) -> ObjectStoragePath:
    from airflow_provider_wiro.compat import ObjectStoragePath

    with _said_of(source):
        return ObjectStoragePath(source.address)


@contextmanager
def _said_of(source: Source) -> Iterator[None]:
    """Turn whatever a storage raises into an error that names the file."""
    try:
        yield
    except FileNotFoundError:
        said = f"there is no file {source.shown}, or this worker does not see it"
        raise WiroUploadError(f"{said}.\n{NOTHING_PAID}") from None
    except WiroError:
        raise
    except Exception as error:
        said = one_line(without_secrets(f"{type(error).__name__}: {error}"), 200)
        raise WiroUploadError(f"the file {source.shown} cannot be read ({said}).\n{NOTHING_PAID}") from None
