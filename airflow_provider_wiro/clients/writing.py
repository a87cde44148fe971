"""Writes what comes in, and hashes it, in two threads of its own while more comes in."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from airflow_provider_wiro.clients.apart import NotBegun

AT_ONCE = 4 * 1024 * 1024
"""Bytes that are gathered before they are written."""
MOST_WAITING = 2
"""So many times as much waits to be written and hashed at most, while more is gathered."""


class Sink(Protocol):
    """Where a download goes; it is written by a thread of the download's."""

    def write(self, data: bytes, /) -> object:
        """Write what comes next."""

    def restart(self) -> None:
        """Forget all that was written."""


class SinkFailed(Exception):
    """The sink has failed, with ``error``."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Writing:
    """One file on its way into a sink.

    :raises NotBegun: if this machine has no room for a thread.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._digest = hashlib.sha256()
        self._batch: list[bytes] = []
        self._held = 0
        self._waiting: deque[Future[None]] = deque()
        self._writer, self._hasher = _Worker("wiro-writing"), _Worker("wiro-hashing")
        try:
            self._writer.start()
            self._hasher.start()
        except RuntimeError as error:
            self.close()
            raise NotBegun(f"no thread could be started: {error}") from error

    def gather(self, piece: bytes) -> bool:
        """Take what comes next; return whether it is time to write it."""
        self._batch.append(piece)
        self._held += len(piece)
        return self._held >= AT_ONCE

    async def write(self) -> None:
        """Have what is gathered written, and wait until not much waits.

        :raises SinkFailed: if the sink has failed.
        """
        batch, self._batch, self._held = self._batch, [], 0
        self._begin(self._writer, lambda: _each(self._sink.write, batch))
        self._begin(self._hasher, lambda: _each(self._digest.update, batch))
        await self._until(2 * MOST_WAITING)

    async def finish(self) -> str:
        """Wait until all is written, and return its SHA-256."""
        await self.write()
        await self._until(0)
        return self._digest.hexdigest()

    async def restart(self) -> None:
        """Forget all that was gathered and written."""
        await self._until(0)
        self._batch, self._held, self._digest = [], 0, hashlib.sha256()
        self._begin(self._writer, self._sink.restart)
        await self._until(0)

    def close(self) -> None:
        """End the threads, once they have done what they do now; what waits is dropped."""
        for job in self._waiting:
            job.cancel()
        self._writer.end()
        self._hasher.end()

    def _begin(self, worker: _Worker, do: Callable[[], object]) -> None:
        self._waiting.append(worker.give(do))

    async def _until(self, most: int) -> None:
        """Wait until *most* jobs wait, or fewer."""
        while self._waiting and (len(self._waiting) > most or self._waiting[0].done()):
            try:
                await asyncio.wrap_future(self._waiting[0])
            except Exception as error:
                raise SinkFailed(error) from error
            self._waiting.popleft()


def _each(take: Callable[[bytes], object], pieces: list[bytes]) -> None:
    for piece in pieces:
        take(piece)


class _Worker(threading.Thread):
    """Does one thing after the other."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._jobs: queue.SimpleQueue[tuple[Future[None], Callable[[], object]] | None] = queue.SimpleQueue()

    def give(self, do: Callable[[], object]) -> Future[None]:
        """Have it do one thing more."""
        done = Future[None]()
        self._jobs.put((done, do))
        return done

    def end(self) -> None:
        """Let it end after all that it was given."""
        self._jobs.put(None)

    def run(self) -> None:
        """Work until it is to end."""
        while (job := self._jobs.get()) is not None:
            done, do = job
            if not done.set_running_or_notify_cancel():
                continue
            try:
                do()
            except Exception as error:
                done.set_exception(error)
            else:
                done.set_result(None)
