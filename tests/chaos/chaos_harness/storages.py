"""Where a job's source file comes from, and its outputs are saved: a folder, a bucket, or what can only move files."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from small_s3 import SmallS3, small_s3

SOURCE = bytes(range(256)) * 8_000


class Storage(ABC):
    """A storage of one job.

    :param url: what its paths begin with.
    :param conf: what the run's configuration says of it.
    """

    left_behind = "a hidden .part"

    def __init__(self, url: str, **conf: str) -> None:
        self.conf = {"image": f"{url}/in/frame.png", "save_to": f"{url}/out", **conf}

    @abstractmethod
    def saved(self) -> dict[str, bytes]:
        """What is below the folder of the outputs, by path; hidden files too."""

    def unfinished(self) -> int:
        """How many files are begun, and not whole."""
        return sum(_is_hidden(path) for path in self.saved())

    def visible(self, taskid: str) -> dict[str, bytes]:
        """The files of a task, by name; without what is hidden."""
        found = {path: content for path, content in self.saved().items() if not _is_hidden(path)}
        assert all(path.startswith(f"{taskid}/") for path in found), sorted(found)
        return {path.removeprefix(f"{taskid}/"): content for path, content in found.items()}


def _is_hidden(path: str) -> bool:
    return path.rpartition("/")[2].startswith(".")


class Disk(Storage):
    """A folder."""

    def __init__(self, folder: Path, url: str, **conf: str) -> None:
        super().__init__(url, **conf)
        self._out = folder / "out"
        (folder / "in").mkdir(parents=True)
        (folder / "in" / "frame.png").write_bytes(SOURCE)

    def saved(self) -> dict[str, bytes]:
        """What is in the folder."""
        files = [path for path in self._out.rglob("*") if path.is_file()]
        return {path.relative_to(self._out).as_posix(): path.read_bytes() for path in files}


class Bucket(Storage):
    """A bucket of a small S3."""

    left_behind = "an upload that no listing shows"

    def __init__(self, store: SmallS3) -> None:
        super().__init__("s3://bucket@media", s3=store.url)
        self._store = store
        store.buckets["media"]["in/frame.png"] = SOURCE

    def saved(self) -> dict[str, bytes]:
        """What is in the bucket."""
        objects = dict(self._store.buckets["media"])
        return {key.removeprefix("out/"): content for key, content in objects.items() if key.startswith("out/")}

    def unfinished(self) -> int:
        """How many uploads nobody has ended."""
        return len(self._store.uploads)


@contextmanager
def a_folder(root: Path) -> Iterator[Storage]:
    """A local folder."""
    folder = root / uuid.uuid4().hex
    yield Disk(folder, str(folder))


@contextmanager
def a_bucket(root: Path) -> Iterator[Storage]:
    """A bucket in an S3 of its own."""
    with small_s3("media") as store:
        yield Bucket(store)


@contextmanager
def a_shelf(root: Path) -> Iterator[Storage]:
    """Whatever else fsspec opens: its files are written aside, and moved."""
    folder = root / uuid.uuid4().hex
    yield Disk(folder / "media", "memory://shelf@media", shelf=str(folder))
