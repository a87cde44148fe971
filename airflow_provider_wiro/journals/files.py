"""What a folder of records must be able to do, wherever it is; it is tried out before anything is sent."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.exceptions import WiroJournalError

_probed: set[tuple[str, str]] = set()


class Files(ABC):
    """Small files below a folder that all workers share. A path begins with ``root``.

    :param root: the folder. It, or the bucket that it is in, is never made here: then a share is not mounted, or a
        name is mistyped.
    """

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")

    @abstractmethod
    def read(self, path: str) -> bytes | None:
        """Return a file's content; None if it surely is not there.

        :raises OSError: also where the root or its bucket is not there.
        """

    @abstractmethod
    def create(self, path: str, content: bytes) -> None:
        """Write a file that must not be there yet.

        :raises FileExistsError: if it is.
        """

    @abstractmethod
    def replace(self, path: str, content: bytes) -> None:
        """Write a file; whoever reads it meanwhile sees what was there or what is written, whole."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""

    @abstractmethod
    def find(self, folder: str) -> Mapping[str, float | None]:
        """Return all files below *folder*, and when each was written (unix time, None where it is not said)."""

    @abstractmethod
    def probe_in(self, path: str) -> str:
        """Return the folder in which to try out whether *path* can be written."""

    def probe(self, path: str) -> None:
        """Try out once per process what is needed to write *path*.

        :raises WiroJournalError: naming what cannot be done.
        """
        folder = self.probe_in(path)
        if (key := (type(self).__name__, folder)) in _probed:
            return
        file = f"{folder}/.probe-{uuid.uuid4().hex}"
        try:
            self._try_out(file)
        except BaseException:
            self._tidy(file)
            raise
        _probed.add(key)

    def _try_out(self, file: str) -> None:
        one, two = b"one", b"two"
        with _needed("create a file", file):
            self._try_to_create(file, one)
        with _needed("refuse to create a file that is there", file):
            _check(self._refuses(file, two), "it was made again")
        with _needed("replace a file", file):
            self.replace(file, two)
        with _needed("read back what was written", file):
            _check(self.read(file) == two, "it reads otherwise")
        with _needed("list its files", file):
            _check(file in self.find(file.rpartition("/")[0]), "a file that is there is not listed")
        with _needed("delete a file", file):
            self.delete(file)
            _check(self.read(file) is None, "it is still there")

    def _try_to_create(self, file: str, content: bytes) -> None:
        self.create(file, content)

    def _refuses(self, file: str, content: bytes) -> bool:
        try:
            self.create(file, content)
        except FileExistsError:
            return True
        return False

    def _tidy(self, file: str) -> None:
        try:
            self.delete(file)
        except Exception:
            return  # what is wrong with the place is being said


@contextmanager
def _needed(what: str, file: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        said = in_words(error)
        raise WiroJournalError(
            f"the journal's folder cannot be written: tried out with the file {file}, it does not {what} ({said}). "
            "Use a place that can do that, for every user that tasks run as"
        ) from error


def _check(right: bool, otherwise: str) -> None:
    if not right:
        raise OSError(otherwise)
