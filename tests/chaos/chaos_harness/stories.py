"""Runs what happens to many jobs at the same time, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

MOST = 100


def chosen(request: pytest.FixtureRequest) -> set[str]:
    """The ids of all tests of this module that are going to run."""
    items = [item for item in request.session.items if getattr(item, "module", None) is request.module]
    return {item.callspec.id for item in items if hasattr(item, "callspec")}


class Stories:
    """Stories that are being told; each is asked for its end by its name."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=MOST)
        self._ends: dict[str, Future[None]] = {}

    def start(self, name: str, story: Callable[[], None]) -> None:
        assert len(self._ends) < MOST
        self._ends[name] = self._pool.submit(story)

    def end(self, name: str) -> None:
        """Waits for the story's end; what it has raised is raised here."""
        self._ends[name].result()

    def wait(self) -> None:
        """Waits until all are over, well or not."""
        for end in self._ends.values():
            end.exception()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
