"""When to look again: a tenth of the time since submission, changed within bounds by how long earlier tasks took."""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from dataclasses import dataclass

LONGEST_PAUSE = 30.0
# A pause is at most so many times longer or shorter for what is known, and a minute at most.
STRETCH = 4.0
LONGEST_STRETCHED = 60.0
# Of how many tasks at least, and at most, it is known how long a model takes; and of how many models.
FEWEST, LATEST, MODELS = 3, 8, 256
# How much sooner or later than all of those the next one may end. Where the longest took twice as long as the shortest,
# nothing is known.
MARGIN = 0.1
WIDEST = 2.0


@dataclass(frozen=True, slots=True)
class Window:
    """Between which ages a task is likely to end, in seconds since its submission."""

    opens: float
    closes: float


class Experience:
    """How long the latest tasks of each model took that ended well: of 256 models at most, eight of each."""

    __slots__ = ("_took",)

    def __init__(self) -> None:
        self._took: OrderedDict[str, deque[float]] = OrderedDict()

    def learn(self, model: str | None, seconds: float | None) -> None:
        """Take in that a task of *model* took *seconds*; None where Wiro does not say so."""
        if model is None or seconds is None:
            return
        self._took.setdefault(model, deque(maxlen=LATEST)).append(seconds)
        self._took.move_to_end(model)
        if len(self._took) > MODELS:
            self._took.popitem(last=False)

    def window(self, model: str | None) -> Window | None:
        """Return when a task of *model* is likely to end; None if not enough is known, or they differ too much."""
        took = self._took.get(model or "", ())
        if len(took) < FEWEST or max(took) > WIDEST * min(took):
            return None
        return Window(min(took) * (1 - MARGIN), max(took) * (1 + MARGIN))


def jitter(taskid: str, look: int) -> float:
    """Return a number from -1 to 1, another one for each task and each of its looks, and always the same for those."""
    digest = hashlib.sha256(f"{taskid}/{look}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / (2**47) - 1


def pause(age: float, poll_interval: float, jitter: float, window: Window | None = None) -> float:
    """Return how long to pause before the next look.

    A tenth of the time since submission, at least *poll_interval*, at most 30 s (or *poll_interval* if
    that is longer), ±10 %. Before *window* opens up to four times that, but not beyond its opening and not over a
    minute; within it a quarter of that, but still at least *poll_interval*.

    :param age: seconds since submission.
    :param jitter: from -1 to 1.
    :param window: when the task is likely to end; None if that is not known.
    """
    seconds = min(max(age / 10, poll_interval), max(LONGEST_PAUSE, poll_interval))
    if window is not None and age < window.opens:
        seconds = max(seconds, min(seconds * STRETCH, LONGEST_STRETCHED, window.opens - age))
    elif window is not None and age < window.closes:
        seconds = max(seconds / STRETCH, poll_interval)
    return seconds * (1 + jitter / 10)
