"""Files on a local path, or on a share that is mounted there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from airflow_provider_wiro.journals.disk import NO_HARD_LINKS, sync_folder, unless_not_for_this_mount
from airflow_provider_wiro.journals.files import Files

FILE_MODE = 0o644


class LocalFiles(Files):
    """Files that are whole or not there, and on the disk before anything is sent.

    :param mode: the mode of each file, whatever the umask, and with x for r that of each folder; None: files are
        rw-r--r--, and the umask decides about folders.
    """

    def __init__(self, root: str, mode: int | None = None) -> None:
        super().__init__(root)
        self._mode = mode

    def read(self, path: str) -> bytes | None:
        """Return a file's content; None if it is not there, in a folder that is."""
        try:
            return Path(path).read_bytes()
        except FileNotFoundError:
            self._check_root()
            return None

    def create(self, path: str, content: bytes) -> None:
        """Write a file that must not be there yet."""
        with self._aside(path, content) as aside:
            _put_where_there_is_none(aside, Path(path))
        try:
            sync_folder(Path(path).parent)
        except OSError:
            os.unlink(path)
            raise

    def replace(self, path: str, content: bytes) -> None:
        """Write the file aside and put it in place at once."""
        with self._aside(path, content) as aside:
            os.replace(aside, path)
        sync_folder(Path(path).parent)

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        Path(path).unlink(missing_ok=True)

    def find(self, folder: str) -> Mapping[str, float | None]:
        """Return all files below a folder."""
        found: dict[str, float | None] = {}
        for inside, _, names in os.walk(folder, onerror=_unless_it_is_gone):
            for path in (f"{inside}/{name}" for name in names):
                with suppress(FileNotFoundError):
                    found[path] = os.stat(path).st_mtime
        return found

    def probe_in(self, path: str) -> str:
        """Return the file's own folder: it may be that of another user."""
        return path.rpartition("/")[0]

    @contextmanager
    def _aside(self, path: str, content: bytes) -> Iterator[Path]:
        folder = Path(path).parent
        self._make_folders(folder)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".part", delete=False) as aside:
            try:
                aside.write(content)
                aside.flush()
                os.fsync(aside.fileno())
                unless_not_for_this_mount(lambda: os.chmod(aside.fileno(), self._mode or FILE_MODE))
                yield Path(aside.name)
            finally:
                Path(aside.name).unlink(missing_ok=True)

    def _make_folders(self, folder: Path) -> None:
        missing: list[Path] = []
        while folder != Path(self.root) and not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        self._check_root()
        for each in reversed(missing):
            try:
                each.mkdir()
            except FileExistsError:
                if not each.is_dir():
                    raise NotADirectoryError(f"{each} is not a folder") from None
                continue
            self._open_up(each)

    def _open_up(self, folder: Path) -> None:
        if self._mode is None:
            return
        # The bits above 0o777 are the parent's doing: a group that is handed down.
        mode = self._mode | (self._mode & 0o444) >> 2 | folder.stat().st_mode & 0o7000
        unless_not_for_this_mount(lambda: os.chmod(folder, mode))

    def _check_root(self) -> None:
        if not Path(self.root).is_dir():
            raise NotADirectoryError(f"{self.root} is not a folder; is a share not mounted?")


def _put_where_there_is_none(aside: Path, path: Path) -> None:
    try:
        os.link(aside, path)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        path.open("xb").close()
        try:
            os.replace(aside, path)
        except BaseException:
            path.unlink()
            raise


def _unless_it_is_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
