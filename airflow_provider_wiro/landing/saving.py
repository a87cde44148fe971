"""Saves what a task has made."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from airflow_provider_wiro import __version__
from airflow_provider_wiro.clients.download import DownloadFailed, Progress, Received, Wanted, download, no_progress
from airflow_provider_wiro.clients.public import Looks
from airflow_provider_wiro.core.file_names import MANIFEST, harmless
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.manifest import About, files_in, written
from airflow_provider_wiro.core.media_types import expected_type
from airflow_provider_wiro.core.parts import Part, parts_of
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.core.text import one_line, without_secrets
from airflow_provider_wiro.exceptions import WiroError, WiroSaveError
from airflow_provider_wiro.landing.checking import MOST_MANIFEST
from airflow_provider_wiro.landing.place import Place, Sink, below, place_of
from airflow_provider_wiro.landing.words import said

Note = Callable[[tuple[Landed, ...]], object]

STAYS = ". It stays at Wiro for a limited time"
PROVIDER = f"airflow-provider-wiro {__version__}"


def no_note(_: tuple[Landed, ...]) -> None:
    """Note nothing."""


def land(
    result: ResultDict,
    save_to: str,
    about: About,
    *,
    looks: Looks,
    max_bytes: int,
    log: Log,
    progress: Progress = no_progress,
    before: Iterable[Landed] = (),
    note: Note = no_note,
) -> tuple[Landed, ...]:
    """Save a task's outputs and texts below ``<save_to>/<taskid>/``, and a manifest last. Costs nothing.

    A file is there whole, or not at all. Nothing is ever written over one that is there already.

    :param result: as Wiro gave it, not cut for XCom.
    :param save_to: a local path or a URL, as ObjectStoragePath takes it.
    :param about: what the manifest says beyond the files.
    :param max_bytes: for each file; a longer one is refused.
    :param progress: is told, by another thread, how many bytes of the present file are there, of how many.
    :param before: what *note* was told at an earlier time.
    :param note: is told of all files so far, right before each is put in place.
    :returns: the files, in the order of the outputs.
    :raises WiroInputError: if *save_to* is no folder that can be opened.
    :raises WiroSaveError: if not all is saved; it keeps taskid and outputs.
    :raises WiroInterrupted: if *looks* was told to stop.
    """
    place_of(save_to)
    with _as_save_error(result, save_to):
        place = place_of(below(save_to, harmless(result["taskid"])))
        there = {one.name: one for one in before if one.uri == place.uri_of(one.name)}
        saving = _Saving(place, _known(place), there, looks, max_bytes, log, progress, note)
        saving.save_all(parts_of(result) or saving.nothing())
        landed = tuple(saving.done)
        saving.write_manifest(about, landed)
        place.tidy()
        log.info("saved %d file(s), %d bytes, in %s", len(landed), sum(file.size for file in landed), place.uri)
        return landed


@contextmanager
def _as_save_error(result: ResultDict, save_to: str) -> Iterator[None]:
    try:
        yield
    except _NotSaved as error:
        failed = _save_error(result, save_to, f"{error}{'' if error.gone else STAYS}", error.retryable)
        failed.gone = error.gone
        raise failed from error.__cause__
    except WiroError:
        raise
    except Exception as error:
        raise _save_error(result, save_to, f"{said(error)}{STAYS}", retryable=True) from error


def _save_error(result: ResultDict, save_to: str, why: str, retryable: bool) -> WiroSaveError:
    taskid, shown = result["taskid"], one_line(without_secrets(save_to))
    return WiroSaveError(
        f"Wiro task {taskid} succeeded and is paid, but not all that it made is saved to {shown}: {why}",
        taskid=taskid,
        status=result["status"],
        cost_usd=result["cost_usd"],
        outputs=[dict(output) for output in result["outputs"]],
        retryable=retryable,
    )


class _NotSaved(Exception):
    def __init__(self, message: str, *, retryable: bool, gone: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.gone = gone


@dataclass(frozen=True, slots=True)
class _Saving:
    """One task's files on their way.

    :param known: what the manifest of an earlier time says, by name.
    :param noted: the same for what was noted then.
    """

    place: Place
    known: dict[str, Landed]
    noted: dict[str, Landed]
    looks: Looks
    max_bytes: int
    log: Log
    progress: Progress
    note: Note
    done: list[Landed] = field(default_factory=list)

    def save_all(self, parts: Iterable[Part]) -> None:
        """Save one file after the other; one that cannot be saved at all keeps none of the others back."""
        refused: list[_NotSaved] = []
        for part in parts:
            try:
                self.done.append(self.save(part))
            except _NotSaved as error:
                refused.append(error)
                if error.retryable:
                    break
        if refused:
            raise max(refused, key=lambda error: (error.retryable, not error.gone))

    def save(self, part: Part) -> Landed:
        """Save one file, or find that it is there."""
        size = self.place.size_of(part.name)
        if size is not None:
            return self._found(part, size)
        with self.place.writing(part.name, part.size) as sink:
            received = self._fill(part, sink)
            self.note((*self.done, self._landed(part, received)))
            try:
                sink.commit()
            except FileExistsError:
                return self._compared(part, received)
        self._check_size(part, received)
        return self._landed(part, received)

    def nothing(self) -> NoReturn:
        """Say that there is nothing to save, which is never what somebody wants who saves."""
        before = f". What was saved before stays as it is, with {one_line(self.place.uri_of(MANIFEST))}"
        shown = f"any more{before}" if self.known else "that could be saved"
        raise _NotSaved(f"Wiro shows no output of it {shown}", retryable=False, gone=True)

    def write_manifest(self, about: About, landed: tuple[Landed, ...]) -> None:
        """Write the manifest, unless one of just these files is there."""
        if {_content(one) for one in landed} == {_content(one) for one in self.known.values()}:
            return
        self.place.replace(MANIFEST, written(about, landed, saved_at=time.time(), provider=PROVIDER))

    def _found(self, part: Part, size: int) -> Landed:
        """Leave a file alone that is there; it must be the same.

        :raises _NotSaved: if it is another one.
        """
        known = self.known.get(part.name) or self.noted.get(part.name)
        digest = self.place.digest_of(part.name, self.looks.told_to_stop)
        if known is not None and (known.size, known.sha256) == digest:
            return self._landed(part, Received(known.size, known.sha256, known.content_type))
        if part.size not in (None, size):
            raise self._conflict(part)
        return self._compared(part, self._fill(part, _Nowhere()), digest)

    def _compared(self, part: Part, received: Received, there: tuple[int, str] | None = None) -> Landed:
        if (there or self.place.digest_of(part.name, self.looks.told_to_stop)) != (received.size, received.sha256):
            raise self._conflict(part)
        return self._landed(part, received)

    def _conflict(self, part: Part) -> _NotSaved:
        return _NotSaved(
            f"there is another file at {one_line(self.place.uri_of(part.name))}, which is never replaced; "
            "move it away, or save to another folder",
            retryable=False,
        )

    def _fill(self, part: Part, sink: Sink) -> Received:
        if part.content is not None:
            sink.write(part.content)
            return Received(len(part.content), hashlib.sha256(part.content).hexdigest(), part.content_type)
        assert part.url is not None
        wanted = Wanted(part.url, self.max_bytes, part.size, expected_type(part.content_type, part.name))
        if (part.size or 0) > self.max_bytes:
            raise _NotSaved(f"{part.name} has {part.size} bytes, and max_bytes is {self.max_bytes}", retryable=False)
        try:
            return download(wanted, sink, self.looks, self.log, self.progress)
        except DownloadFailed as error:
            expired = ". Its address at Wiro has expired" if error.gone else ""
            final = error.final or error.gone
            raise _NotSaved(f"{part.name}: {error}{expired}", retryable=not final, gone=error.gone) from error

    def _check_size(self, part: Part, received: Received) -> None:
        size = self.place.size_of(part.name)
        if size != received.size:
            where = one_line(self.place.uri_of(part.name))
            raise _NotSaved(f"{where} has {size} bytes, though {received.size} were written to it", retryable=False)

    def _landed(self, part: Part, received: Received) -> Landed:
        return Landed(
            uri=self.place.uri_of(part.name),
            name=part.name,
            size=received.size,
            sha256=received.sha256,
            content_type=part.content_type or received.content_type,
            url=None if part.url is None else without_secrets(part.url),
        )


def _content(one: Landed) -> tuple[str, int, str]:
    return one.name, one.size, one.sha256


class _Nowhere(Sink):
    """Takes all, and keeps nothing."""

    def write(self, data: bytes, /) -> object:
        """Forget what comes."""
        return len(data)

    def restart(self) -> None:
        """Do nothing."""

    def commit(self) -> None:
        """Do nothing."""


def _known(place: Place) -> dict[str, Landed]:
    """Return what an earlier manifest says, by name; nothing if there is none.

    :raises _NotSaved: if something else has its name.
    """
    if place.size_of(MANIFEST) is None:
        return {}
    try:
        return {one.name: one for one in files_in(place.read(MANIFEST, MOST_MANIFEST))}
    except ValueError as error:
        raise _NotSaved(
            f"{one_line(place.uri_of(MANIFEST))} is {said(error)}, and is never replaced; move it away, or save to "
            "another folder",
            retryable=False,
        ) from error
