"""A folder on an object storage, or on whatever else fsspec reaches over a network."""

from __future__ import annotations

import threading
import time
import uuid
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, cast

from airflow_provider_wiro.landing.place import ABANDONED, PART, Place, Sink

BLOCK = 5 * 1024 * 1024
"""Bytes that are held until they are sent, as one part of an upload: the fewest that S3 takes."""
MOST_PARTS = 9_000
ENDING = 1.0
"""Seconds for which a block that is being sent is waited for, by whoever gives the file up."""
# Whose files fsspec writes as one upload in parts, which is there once it is committed, and can be discarded.
ONE_UPLOAD = frozenset({"s3", "s3a", "gs", "gcs"})


class NoBucket(OSError):
    """What a folder is in is not there."""


class StoredPlace(Place):
    """A folder of objects.

    :param fs: a file system of fsspec's.
    :param path: the folder, as *fs* names it.
    """

    def __init__(self, uri: str, fs: Any, path: str) -> None:
        super().__init__(uri)
        self._fs, self._path = fs, path.rstrip("/")
        names = fs.protocol if isinstance(fs.protocol, list | tuple) else (fs.protocol,)
        self._at_once = not ONE_UPLOAD.isdisjoint(names)

    def size_of(self, name: str) -> int | None:
        """Return how many bytes a file has; None if it is not there, in a bucket that is."""
        self._fs.invalidate_cache()  # it would know nothing of what others have written since it has listed last
        try:
            return cast("int | None", self._fs.info(self._of(name))["size"])
        except FileNotFoundError:
            self._check_bucket()
            return None

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """Open a file to be read."""
        with self._fs.open(self._of(name), "rb", block_size=BLOCK) as file:
            yield file

    @contextmanager
    def writing(self, name: str, size: int | None = None) -> Iterator[Sink]:
        """Begin a file."""
        block = max(BLOCK, (size or 0) // MOST_PARTS)
        kind = _Upload if self._at_once else _Aside
        sink = kind(self, self._fs, self._of(name), block)
        try:
            yield sink
        finally:
            sink.give_up()

    def replace(self, name: str, content: bytes) -> None:
        """Write a small file: an object, which is there at once, or a file aside that is moved."""
        if self._at_once:
            with self.in_a_bucket():
                self._fs.pipe_file(self._of(name), content)
        else:
            with self.writing(name) as sink:
                assert isinstance(sink, _StoredSink)
                sink.write(content)
                sink.put_in_place()
        self._fs.invalidate_cache()

    def tidy(self) -> None:
        """Delete what was left aside an hour ago or earlier.

        Who has a bucket says when uploads that nobody ends are forgotten.
        """
        if self._at_once:
            return
        with suppress(Exception):  # all is saved; not each file system can list, or say when
            for path in self._fs.ls(self._path, detail=False):
                name = path.rpartition("/")[2]
                if name.startswith(".") and name.endswith(PART) and self._is_abandoned(path):
                    self._fs.rm_file(path)

    def _is_abandoned(self, path: str) -> bool:
        return cast("float", self._fs.modified(path).timestamp()) < time.time() - ABANDONED

    @contextmanager
    def in_a_bucket(self) -> Iterator[None]:
        """Say so where it is the bucket that is missing, which reads like a file that is missing."""
        try:
            yield
        except FileNotFoundError:
            self._check_bucket()
            raise

    def _of(self, name: str) -> str:
        return f"{self._path}/{name}"

    def make(self) -> None:
        """Make the folder, where folders are more than a part of a name; never what it is in."""
        self._check_bucket()
        self._fs.makedirs(self._path, exist_ok=True)

    def _check_bucket(self) -> None:
        slash = "/" if self._path.startswith("/") else ""
        bucket = self._path.strip("/").partition("/")[0]
        self._fs.invalidate_cache()
        if self._at_once and not self._fs.exists(slash + bucket):
            raise NoBucket(f"there is no bucket {bucket}: is its name mistyped? It is not made here") from None


class _StoredSink(Sink):
    """A file that a thread writes, and that another one may give up meanwhile: whoever is last, discards it."""

    def __init__(self, place: StoredPlace, fs: Any, path: str, block: int) -> None:
        self._place, self._fs, self._path, self._block = place, fs, path, block
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._file: Any = None

    def write(self, data: bytes, /) -> object:
        """Write what comes next; whole blocks are sent."""
        with self._lock:
            if self._over.is_set():
                raise OSError("the file was given up")
            try:
                if self._file is None:
                    self._file = self._open()
                with self._place.in_a_bucket():
                    return self._file.write(data)
            finally:
                if self._over.is_set():
                    self._discard()

    def restart(self) -> None:
        """Forget all that was written."""
        with self._lock:
            self._discard()

    def give_up(self) -> None:
        """Leave nothing behind, unless it was committed."""
        self._over.set()
        if self._lock.acquire(timeout=ENDING):
            try:
                self._discard()
            finally:
                self._lock.release()

    def commit(self) -> None:
        """Put the file in place."""
        if self._file is None:
            self.write(b"")
        with self._lock:
            if self._place.size_of(self._path.rpartition("/")[2]) is not None:
                raise FileExistsError(self._path)
            self._place_it()

    def put_in_place(self) -> None:
        """Put the file in place, also of one that is there."""
        with self._lock:
            self._place_it()

    def _place_it(self) -> None:
        with self._place.in_a_bucket():
            self._put_in_place()
        self._file = None
        self._fs.invalidate_cache()

    def _discard(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(Exception):  # what has gone wrong before is being said
                self._drop(file)

    @abstractmethod
    def _open(self) -> Any:
        """Begin to write it."""

    @abstractmethod
    def _put_in_place(self) -> None:
        """Let it be there, whole."""

    @abstractmethod
    def _drop(self, file: Any) -> None:
        """Leave nothing of *file*."""


class _Upload(_StoredSink):
    """One upload in parts."""

    def _open(self) -> Any:
        return self._fs.open(self._path, "wb", block_size=self._block, autocommit=False)

    def _put_in_place(self) -> None:
        self._file.close()
        self._file.commit()

    def _drop(self, file: Any) -> None:
        try:
            file.discard()
        finally:
            file.closed = True  # else fsspec sends what is left once nobody holds the file


class _Aside(_StoredSink):
    """A file of another name, which is moved into place."""

    def _open(self) -> Any:
        folder, _, _ = self._path.rpartition("/")
        self._place.make()
        self._aside = f"{folder}/.{uuid.uuid4().hex}{PART}"
        return self._fs.open(self._aside, "wb", block_size=self._block)

    def _put_in_place(self) -> None:
        self._file.close()
        self._fs.mv(self._aside, self._path)

    def _drop(self, file: Any) -> None:
        with suppress(Exception):
            file.close()
        self._fs.rm_file(self._aside)
