"""Downloading a public file in bounded memory: begun again, or gone on with, where the connection drops."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import aiohttp

from airflow_provider_wiro.clients.apart import NotBegun, interrupted, run_apart
from airflow_provider_wiro.clients.public import Looks, RefusedAddress, followed
from airflow_provider_wiro.clients.wire import words_of
from airflow_provider_wiro.clients.writing import Sink, SinkFailed, Writing
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.media_types import contradicts, is_page, plain_type
from airflow_provider_wiro.core.text import one_line, without_secrets
from airflow_provider_wiro.exceptions import WiroConfigError

PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)
"""Seconds before each further attempt; after some progress they begin again."""
MOST_NOT_FOUND = 3
PATIENCE = 30.0
"""Seconds in which the next ``LEAST`` bytes must come, the first ones with the answer's head."""
LEAST = 64 * 1024
PROGRESS = 1024 * 1024

_LATER = frozenset({408, 416, 425, 429})
_GONE = frozenset({404, 410})
_TROUBLE = (aiohttp.ClientError, TimeoutError, OSError, ValueError)
_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


class DownloadFailed(Exception):
    """The file could not be downloaded; the message says why.

    :param gone: whether it surely no longer exists.
    :param final: whether another attempt would come to the same.
    """

    def __init__(self, message: str, *, gone: bool = False, final: bool = False) -> None:
        super().__init__(message)
        self.gone = gone
        self.final = final


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to download.

    :param max_bytes: a longer file is refused.
    :param size: bytes, where they are known before.
    :param content_type: what it should be, where that is known.
    """

    url: str
    max_bytes: int
    size: int | None = None
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """What was downloaded.

    :param sha256: of its content, lower-case hex.
    :param content_type: what its server says that it is; None where it does not.
    """

    size: int
    sha256: str
    content_type: str | None


Progress = Callable[[int, int | None], object]


def no_progress(_: int, __: int | None) -> None:
    """Show nothing."""


def download(wanted: Wanted, sink: Sink, looks: Looks, log: Log, progress: Progress = no_progress) -> Received:
    """Write a public file into *sink*. Sends no key, no signature; costs nothing.

    :param progress: is told how many bytes are there, of how many; by another thread.
    :raises DownloadFailed: if it cannot be had, or is not what is wanted.
    :raises WiroInterrupted: if *looks* was told to stop; *sink* may be written to a last time after that.
    :raises Exception: as *sink* raises it.
    """
    if looks.told_to_stop():
        raise interrupted()
    try:
        whole = _Download(wanted, sink, looks, log, progress)
        return run_apart(whole.run, looks.told_to_stop)
    except SinkFailed as failed:
        raise failed.error from None
    except NotBegun as error:
        raise DownloadFailed(str(error)) from None


class _Again(Exception):
    """This attempt has failed; another one may not."""

    def __init__(self, why: str, *, gone: bool = False) -> None:
        super().__init__(why)
        self.gone = gone


class _Download:
    def __init__(self, wanted: Wanted, sink: Sink, looks: Looks, log: Log, progress: Progress) -> None:
        self._wanted, self._looks = wanted, looks
        self._log, self._progress = log, progress
        self._total: int | None = None
        self._validator: str | None = None
        self._type: str | None = None
        self._size = self._furthest = 0
        self._writing = Writing(sink)

    async def run(self) -> Received:
        """Download the file, in as many attempts as it takes."""
        try:
            return await self._try_again_and_again()
        finally:
            self._writing.close()

    async def _try_again_and_again(self) -> Received:
        failed = not_found = 0
        while True:
            try:
                await self._attempt()
                return Received(self._size, await self._writing.finish(), self._type)
            except _Again as trouble:
                failed = 1 if self._has_got_on() else failed + 1
                not_found += trouble.gone
                if failed > len(PAUSES) or not_found >= MOST_NOT_FOUND:
                    raise DownloadFailed(str(trouble), gone=trouble.gone) from None
                pause = PAUSES[failed - 1]
                where = one_line(without_secrets(self._wanted.url), 200)
                self._log.info("%s: %s; trying again in %.0f s", where, trouble, pause)
            await asyncio.sleep(pause)

    def _has_got_on(self) -> bool:
        far = self._size >= self._furthest + PROGRESS
        self._furthest = self._size if far else self._furthest
        return far

    async def _attempt(self) -> None:
        try:
            rest = await self._rest()
            async with asyncio.timeout(PATIENCE) as patience, followed(self._wanted.url, self._looks, rest) as response:
                await self._begin(response, patience)
                await self._read(response, patience)
        except (RefusedAddress, WiroConfigError) as error:
            raise DownloadFailed(f"it is not read: {words_of(error)}", final=True) from None
        except TimeoutError:
            raise _Again(f"less than {LEAST // 1024} kB came within {PATIENCE:.0f} s") from None
        except _TROUBLE as error:
            raise _Again(words_of(f"{type(error).__name__}: {error}")) from None
        if (said := self._total if self._total is not None else self._wanted.size) not in (None, self._size):
            raise _Again(f"{self._size} of {said} bytes came")

    async def _rest(self) -> dict[str, str]:
        """Return the headers that ask for what is still missing."""
        if not self._size or self._total is None:
            await self._restart()
            return {}
        return {"Range": f"bytes={self._size}-"} | ({"If-Range": self._validator} if self._validator else {})

    async def _restart(self) -> None:
        if self._size:
            await self._writing.restart()
        self._size, self._total, self._validator = 0, None, None

    async def _begin(self, response: aiohttp.ClientResponse, patience: asyncio.Timeout) -> None:
        """Check what the answer says before its body, and start again where it does not go on."""
        status, headers = response.status, response.headers
        if status in _GONE:
            raise _Again(f"it is not there (HTTP {status})", gone=True)
        if status == 416:
            await self._restart()
        if status in _LATER or status >= 500:
            raise _Again(f"HTTP {status}")
        if status not in (200, 206):
            raise DownloadFailed(f"HTTP {status}", final=True)
        if (packed := headers.get("Content-Encoding", "identity").strip().lower()) not in ("", "identity"):
            raise DownloadFailed(f"it comes packed ({one_line(packed, 20)}), which was not asked for", final=True)
        self._type = plain_type(headers.get("Content-Type"))
        if contradicts(self._wanted.content_type, self._type):
            raise _Again(f"{self._type} came instead of {self._wanted.content_type}")
        if status == 206:
            await self._check_range(headers.get("Content-Range", ""))
        else:
            with _paused(patience):
                await self._restart()
            self._total = response.content_length
            self._validator = _validator(headers.get("ETag"), headers.get("Last-Modified"))
        self._check_total()

    async def _check_range(self, told: str) -> None:
        rest = _RANGE.fullmatch(told.strip())
        if not self._size or rest is None or int(rest[1]) != self._size or rest[2] not in ("*", str(self._total)):
            await self._restart()
            raise _Again(f"another part came than was asked for ({one_line(told, 80)})")

    def _check_total(self) -> None:
        total, size = self._total, self._wanted.size
        if (total or 0) > self._wanted.max_bytes:
            raise DownloadFailed(f"it has {total} bytes, and max_bytes is {self._wanted.max_bytes}", final=True)
        if total is not None and size is not None and total != size:
            raise _Again(f"its server says that it has {total} bytes, and Wiro says {size}")

    async def _read(self, response: aiohttp.ClientResponse, patience: asyncio.Timeout) -> None:
        moved = 0
        async for piece, _ in response.content.iter_chunks():
            if not self._size and is_page(self._wanted.content_type, piece):
                raise _Again(f"a web page came instead of {self._wanted.content_type}")
            if self._size + len(piece) > self._wanted.max_bytes:
                raise DownloadFailed(f"it has more bytes than max_bytes, {self._wanted.max_bytes}", final=True)
            self._size += len(piece)
            moved += len(piece)
            if self._writing.gather(piece):
                with _paused(patience):
                    await self._writing.write()
            if moved >= LEAST:
                moved = 0
                self._progress(self._size, self._total)
                _wait_for_more(patience)
        self._progress(self._size, self._total)


@contextmanager
def _paused(patience: asyncio.Timeout) -> Iterator[None]:
    """Have what is written take its time, then wait for more as long as before."""
    patience.reschedule(None)
    yield
    _wait_for_more(patience)


def _wait_for_more(patience: asyncio.Timeout) -> None:
    patience.reschedule(asyncio.get_running_loop().time() + PATIENCE)


def _validator(etag: str | None, last_modified: str | None) -> str | None:
    """Return what If-Range takes: a weak ETag is none."""
    told = etag if etag and not etag.strip().startswith("W/") else last_modified
    return told if told and told.isascii() and told.isprintable() else None
