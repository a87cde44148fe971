"""Writes what comes in, and hashes it, in a thread of its own while more comes in."""

from __future__ import annotations

import asyncio
import hashlib
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Protocol

from airflow_provider_wiro.clients.apart import NotBegun

AT_ONCE = 1024 * 1024
"""Bytes that are gathered before they are written; twice as many are held at most."""


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
        self._busy: Future[None] | None = None
        self._jobs: queue.SimpleQueue[tuple[Future[None], Callable[[], object]] | None] = queue.SimpleQueue()
        try:
            threading.Thread(target=self._work, name="wiro-writing", daemon=True).start()
        except RuntimeError as error:
            raise NotBegun(f"no thread could be started: {error}") from error

    def gather(self, piece: bytes) -> None:
        """Take what comes next."""
        self._batch.append(piece)
        self._held += len(piece)

    async def write_if_full(self) -> None:
        """Have what is gathered written, once what was gathered before it is, where it is enough.

        :raises SinkFailed: if the sink has failed.
        """
        if self._held >= AT_ONCE:
            await self._write()

    async def _write(self) -> None:
        await self._done()
        batch, self._batch, self._held = self._batch, [], 0
        self._begin(lambda: self._take(batch))

    async def finish(self) -> str:
        """Wait until all is written, and return its SHA-256."""
        await self._write()
        await self._done()
        return self._digest.hexdigest()

    async def restart(self) -> None:
        """Forget all that was gathered and written."""
        await self._done()
        self._batch, self._held, self._digest = [], 0, hashlib.sha256()
        self._begin(self._sink.restart)
        await self._done()

    def close(self) -> None:
        """End the thread, once it has done what it does."""
        self._jobs.put(None)

    def _take(self, batch: list[bytes]) -> None:
        for piece in batch:
            self._sink.write(piece)
            self._digest.update(piece)

    def _begin(self, do: Callable[[], object]) -> None:
        self._busy = Future()
        self._jobs.put((self._busy, do))

    async def _done(self) -> None:
        busy, self._busy = self._busy, None
        if busy is not None:
            try:
                await asyncio.wrap_future(busy)
            except Exception as error:
                raise SinkFailed(error) from error

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            result, do = job
            if not result.set_running_or_notify_cancel():
                continue
            try:
                do()
            except Exception as error:
                result.set_exception(error)
            else:
                result.set_result(None)
