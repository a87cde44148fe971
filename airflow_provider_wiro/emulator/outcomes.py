"""How a task is to go: what a test or a demo asks of the next Run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

LIFE = (
    "task_queue",
    "task_accept",
    "task_assign",
    "task_preprocess_start",
    "task_preprocess_end",
    "task_start",
    "task_output",
    "task_output_full",
    "task_end",
    "task_postprocess_start",
    "task_postprocess_end",
)
TERMINAL = frozenset({"task_postprocess_end", "task_cancel"})


@dataclass(frozen=True)
class Outcome:
    """
    How an accepted task goes.

    :param duration: seconds from the Run to the last status; None: the emulator's own.
    :param statuses: the statuses to walk through, evenly spread over ``duration``; None: all that the API documents.
    :param end: the last status, appended to ``statuses`` unless they already end with a terminal one. Anything but
        ``task_postprocess_end`` and ``task_cancel`` leaves the task in that status until it is killed.
    :param hold: stay in a status until ``release()``: its name, or True for ``task_start`` (or, where that is not in
        ``statuses``, the last before the end).
    :param pexit: the exit code shown at the end; None: the field is missing.
    :param debugerror: the text of that field at the end.
    :param debugoutput: the text of that field at the end.
    :param outputs: how many files the task produces, or a list of output rows to show as they are; None: one file when
        ``pexit`` is "0" or missing, else none.
    :param output_bytes: the size of each video; a smaller number than the sample has leaves it as it is.
    :param totalcost: US dollars as a decimal string; None: the model's price when the run succeeds, else zero.
    :param parameters: "echo" shows the inputs, "empty" shows ``{}`` as the documentation's example does.
    :param rewritten: inputs that the echo shows with another value than was sent, as a file's address for its name.
    :param extra: fields to add to the task's row, or to show in place of the right ones.
    :param missing: names of fields that the task's row lacks.
    """

    duration: float | None = None
    statuses: Sequence[str] | None = None
    end: str = "task_postprocess_end"
    hold: bool | str = False
    pexit: str | None = "0"
    debugerror: str = ""
    debugoutput: str = ""
    outputs: int | Sequence[Mapping[str, object]] | None = None
    output_bytes: int = 0
    totalcost: str | None = None
    parameters: Literal["echo", "empty"] = "echo"
    rewritten: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)
    missing: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.parameters not in ("echo", "empty"):
            raise ValueError(f'parameters must be "echo" or "empty", not {self.parameters!r}')
        if self.duration is not None:
            check_duration(self.duration)
        if isinstance(self.hold, str) and self.hold not in self.path:
            raise ValueError(f"hold must be a status of the task: {', '.join(self.path)}, not {self.hold!r}")

    def of_a_model(self, *, realtime: bool) -> Outcome:
        """Return how a task of such a model goes: one of a realtime model waits for a person, and never ends."""
        if not realtime or self.statuses is not None:
            return self
        begins = LIFE[: LIFE.index("task_start") + 1]
        return dataclasses.replace(self, statuses=begins, end="task_stream_ready", hold=False)

    @property
    def path(self) -> tuple[str, ...]:
        """Every status of the task in its order."""
        steps = tuple(self.statuses) if self.statuses is not None else LIFE[:-1]
        return steps if steps and steps[-1] in TERMINAL else (*steps, self.end)

    @property
    def hold_at(self) -> int | None:
        """The place in `path` where the task waits to be released, or None."""
        if self.hold is False:
            return None
        if isinstance(self.hold, str):
            return self.path.index(self.hold)
        return self.path.index("task_start") if "task_start" in self.path else max(0, len(self.path) - 2)

    @property
    def succeeds(self) -> bool:
        """Whether the run is a success: it ends as completed, with exit code 0 or none."""
        return self.path[-1] == "task_postprocess_end" and self.pexit in ("0", None)


def check_duration(seconds: float) -> None:
    """Refuse, with a ValueError, a duration that no task can have."""
    if not 0 <= seconds < math.inf:
        raise ValueError(f"duration must be a number of seconds, at least 0, not {seconds!r}")


def outcome_from(options: Mapping[str, object]) -> Outcome:
    """Build an `Outcome` from loose options; an unknown one is a ValueError that lists those there are."""
    known = {option.name for option in dataclasses.fields(Outcome)}
    if unknown := sorted(set(options) - known):
        raise ValueError(f"unknown outcome option {', '.join(unknown)}; known are {', '.join(sorted(known))}")
    return Outcome(**options)  # type: ignore[arg-type]
