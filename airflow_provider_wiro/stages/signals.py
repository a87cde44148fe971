"""Airflow's signals wait while a submission is on its way, and while a paid task is being stopped."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from airflow_provider_wiro.exceptions import WiroError
from airflow_provider_wiro.stages.paid import PaidTask


@contextmanager
def signals_held(paid: PaidTask) -> Iterator[list[int]]:
    """Hold SIGINT, SIGTERM and SIGALRM back during the block, and deliver them after it.

    Airflow 2 raises out of its handler of SIGTERM, and every version out of that of SIGALRM, which is how an
    ``execution_timeout`` ends. In the middle of a submission that would lose the taskid of a task that is paid for.

    :param paid: is told to stop as soon as a signal comes, so that the block ends early where it can.
    :returns: those held back; what is taken out of it is not delivered.
    """
    held: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield held  # signals only ever reach the main thread
        return

    def hold(number: int, frame: FrameType | None) -> None:
        held.append(number)
        paid.told_to_stop = True

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)}
    try:
        yield held
    except WiroError as error:
        if not error.retryable:
            held.clear()  # there is nothing to stop, and what a handler raises instead might be retried
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        for held_back in held:
            signal.raise_signal(held_back)
