"""A folder on a local path, or on a share that is mounted there."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from airflow_provider_wiro.journals.disk import NO_HARD_LINKS, sync_folder, unless_not_for_this_mount
from airflow_provider_wiro.landing.place import ABANDONED, PART, Place, Sink

EARLY = 16 * 1024 * 1024
"""Bytes after which the system is told to begin to write to the disk."""


class LocalPlace(Place):
    """A local folder; what is saved is on the disk before it is said to be saved."""

    def __init__(self, path: str) -> None:
        self._folder = Path(path)
        super().__init__(f"file://{self._folder.as_posix()}")

    def size_of(self, name: str) -> int | None:
        """Return how many bytes a file has; None if it is not there."""
        try:
            return (self._folder / name).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to be read."""
        with (self._folder / name).open("rb") as file:
            yield file

    @contextmanager
    def writing(self, name: str, size: int | None = None) -> Iterator[Sink]:
        """Begin a file."""
        _make(self._folder)
        aside = self._folder / f".{uuid.uuid4().hex}{PART}"
        with aside.open("xb") as file:
            try:
                yield _LocalSink(file, aside, self._folder / name)
            finally:
                aside.unlink(missing_ok=True)

    def replace(self, name: str, content: bytes) -> None:
        """Write a small file aside, and put it in place at once."""
        with self.writing(name) as sink:
            assert isinstance(sink, _LocalSink)
            sink.write(content)
            sink.put_in_place()

    def tidy(self) -> None:
        """Delete what was left half-written an hour ago or earlier."""
        for left in self._folder.glob(f".*{PART}"):
            with suppress(OSError):
                if left.stat().st_mtime < time.time() - ABANDONED:
                    left.unlink()


class _LocalSink(Sink):
    def __init__(self, file: BinaryIO, aside: Path, path: Path) -> None:
        self._file, self._aside, self._path = file, aside, path
        self._size = self._begun = 0

    def write(self, data: bytes, /) -> object:
        """Write what comes next."""
        written = self._file.write(data)
        self._size += written
        if self._size - self._begun >= EARLY:
            self._begin_to_sync()
        return written

    def restart(self) -> None:
        """Forget all that was written."""
        self._file.seek(0)
        self._file.truncate()
        self._size = self._begun = 0

    def _begin_to_sync(self) -> None:
        """Have the system begin to write to the disk, while more comes in: the sync at the end has less to wait for."""
        if hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # a hint
                os.posix_fadvise(self._file.fileno(), self._begun, self._size - self._begun, os.POSIX_FADV_DONTNEED)
        self._begun = self._size

    def commit(self) -> None:
        """Put the file in place, where there is none."""
        self._sync()
        try:
            os.link(self._aside, self._path)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            if self._path.exists():
                raise FileExistsError(str(self._path)) from None
            os.replace(self._aside, self._path)
        sync_folder(self._path.parent)

    def put_in_place(self) -> None:
        """Put the file in place, also of one that is there."""
        self._sync()
        os.replace(self._aside, self._path)
        sync_folder(self._path.parent)

    def _sync(self) -> None:
        self._file.flush()
        unless_not_for_this_mount(lambda: os.fsync(self._file.fileno()))


def _make(folder: Path) -> None:
    """Make a folder and those above it, each known to the disk."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
