"""Asking in a thread of its own, for no longer than a worker has that is told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 2.0
"""Seconds for one question: Airflow 3 sends SIGKILL five seconds after SIGTERM."""


class Pending(Generic[T]):
    """A question on its way. It goes on where nobody waits any longer; ask again for its answer with `is_over`.

    :param ask: what brings the answer.
    :param name: of the thread.
    """

    def __init__(self, ask: Callable[[], T], name: str) -> None:
        self.result: T | None = None
        self.error: Exception | None = None
        self._ask = ask
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def is_over(self, within: float | None = None) -> bool:
        """Wait for the answer, at most *within* seconds (default two); whether it is there."""
        self._thread.join(PATIENCE if within is None else within)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.result = self._ask()
        except Exception as error:
            self.error = error
