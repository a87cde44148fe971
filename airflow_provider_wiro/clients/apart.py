"""A coroutine in a thread of its own, while the calling thread waits and can turn away at any time."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from airflow_provider_wiro.exceptions import WiroInterrupted

T = TypeVar("T")

NAP = 0.05
# How long a caller that turns away waits for the end of what it has given up, in seconds. It takes milliseconds.
ENDING = 1.0


class NotBegun(OSError):
    """There is no thread or no event loop left to do it in: nothing was done."""


def never() -> bool:
    """Say that nobody told anything to stop."""
    return False


def interrupted() -> WiroInterrupted:
    """Return the error of what was told to stop."""
    return WiroInterrupted("Airflow told this task to stop; nothing more was sent")


def run_apart(work: Callable[[], Coroutine[Any, Any, T]], told_to_stop: Callable[[], bool] = never) -> T:
    """Carry *work* out and return its result.

    It works in any thread, also where an event loop runs. Whatever is raised in this thread meanwhile, as signal
    handlers do, cancels *work* before it goes on its way.

    :param told_to_stop: is asked at least every tenth of a second; once it is true, *work* is cancelled.
    :raises WiroInterrupted: if *told_to_stop* was true.
    :raises NotBegun: if this machine has no room for it.
    """
    errand = _Errand(work)
    try:
        errand.begin()
        while not errand.over.wait(NAP):
            if told_to_stop():
                raise interrupted()
        return errand.result()
    finally:
        errand.give_up()


class _Errand(Generic[T]):
    def __init__(self, work: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self.over = threading.Event()
        self._work = work
        self._results: list[T] = []
        self._error: BaseException | None = None
        self._given_up = False
        self._cancel: Callable[[], object] | None = None
        self._thread = threading.Thread(target=self._run, name="wiro-exchange", daemon=True)

    def begin(self) -> None:
        try:
            self._thread.start()
        except RuntimeError as error:
            raise NotBegun(f"no thread could be started: {error}") from error

    def result(self) -> T:
        if self._results:
            return self._results[0]
        assert self._error is not None
        raise self._error

    def give_up(self) -> None:
        """Cancel what still runs, and see it end."""
        self._given_up = True
        if self._cancel is not None and not self.over.is_set():
            with contextlib.suppress(RuntimeError):  # its event loop is closed: it has just ended
                self._cancel()
        with contextlib.suppress(RuntimeError):  # its thread was never started
            self._thread.join(ENDING)

    def _run(self) -> None:
        try:
            with _new_loop() as runner:
                self._results.append(runner.run(self._carry_out()))
        except BaseException as error:
            self._error = error
        finally:
            self.over.set()

    async def _carry_out(self) -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
        if self._given_up:
            task.cancel()
        return await self._work()


def _new_loop() -> asyncio.Runner:
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    try:
        runner.get_loop()
    except OSError as error:
        raise NotBegun(f"no event loop could be made: {error}") from error
    return runner
