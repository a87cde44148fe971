"""The files that a task has made, which are public and do not last."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import aiohttp

from airflow_provider_wiro.clients.apart import NotBegun, interrupted, run_apart
from airflow_provider_wiro.clients.public import Looks as Looks
from airflow_provider_wiro.clients.public import asked
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.core.texts import text_of
from airflow_provider_wiro.exceptions import WiroConfigError

TIMEOUT = 10.0
ALL_TIMEOUT = 60.0
GONE = (404, 410)
# A server that serves a file, and does not know HEAD.
NO_HEAD = 405
LONGEST_TEXT = 1_000_000

_TROUBLE = (aiohttp.ClientError, TimeoutError, OSError, ValueError, WiroConfigError)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file.

    :param text: what is in it; None if it cannot be read, or is empty.
    :param problem: why that is not all that is in it; None if it is.
    """

    text: str | None
    problem: str | None = None


def first_gone(urls: Iterable[str], looks: Looks) -> str | None:
    """Return the first of *urls* whose file surely no longer exists, None if there is none. Sends no key, no signature.

    No answer proves nothing, and what was not looked at within a minute is taken as there: the look is a courtesy.
    Neither does a look prove anything that is refused because the URL leads to a private address.

    :raises WiroInterrupted: if *looks* was told to stop.
    """
    if looks.told_to_stop():
        raise interrupted()
    try:
        return run_apart(lambda: _first_gone(urls, looks), looks.told_to_stop)
    except NotBegun:
        return None


def those_there(urls: Iterable[str], looks: Looks) -> frozenset[str]:
    """Return those of *urls* that surely answer: whose file is there. Sends no key, no signature.

    What was not looked at within a minute, gives no answer, or is refused because it leads to a private address, does
    not answer.

    :raises WiroInterrupted: if *looks* was told to stop.
    """
    if looks.told_to_stop():
        raise interrupted()
    found: set[str] = set()
    try:
        run_apart(lambda: _look_for(urls, looks, found), looks.told_to_stop)
    except NotBegun:
        return frozenset()
    return frozenset(found)


def read_text(url: str, looks: Looks) -> TextFile:
    """Read at most 1 MB of a text file. Sends no key, no signature.

    :raises WiroInterrupted: if *looks* was told to stop.
    """
    if looks.told_to_stop():
        raise interrupted()
    try:
        return run_apart(lambda: _read_text(url, looks), looks.told_to_stop)
    except NotBegun as error:
        return TextFile(None, f"its text cannot be read: {error}")


async def _first_gone(urls: Iterable[str], looks: Looks) -> str | None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ALL_TIMEOUT):
            for url in urls:
                if await _status_of(url, looks) in GONE:
                    return url
    return None


async def _look_for(urls: Iterable[str], looks: Looks, found: set[str]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ALL_TIMEOUT):
            for url in urls:
                status = await _status_of(url, looks)
                if status is not None and (200 <= status < 300 or status == NO_HEAD):
                    found.add(url)


async def _status_of(url: str, looks: Looks) -> int | None:
    """Return the HTTP status of a look at *url*; None if there is no answer, or it is refused."""
    try:
        async with asyncio.timeout(TIMEOUT), asked("HEAD", url, looks) as response:
            return response.status
    except _TROUBLE:
        return None


async def _read_text(url: str, looks: Looks) -> TextFile:
    try:
        async with asyncio.timeout(TIMEOUT), asked("GET", url, looks) as response:
            if response.status != 200:
                return TextFile(None, f"its text cannot be read: HTTP {response.status}")
            raw = await _first_bytes(response)
    except _TROUBLE as error:
        return TextFile(None, f"its text cannot be read: {in_words(error, 200)}")
    text = text_of(raw[:LONGEST_TEXT].decode("utf-8-sig", "replace"))
    return TextFile(text, None if len(raw) <= LONGEST_TEXT else "its text is cut after 1 MB")


async def _first_bytes(response: aiohttp.ClientResponse) -> bytes:
    raw = b""
    async for piece in response.content.iter_chunked(64 * 1024):
        raw += piece
        if len(raw) > LONGEST_TEXT:
            break
    return raw
