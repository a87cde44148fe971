"""How a task is to go: what a test or a demo asks of the next Run."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
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
        for name, (allowed, right) in _ALLOWED.items():
            if not right(value := getattr(self, name)):
                raise ValueError(f"{name} must be {allowed}, not {value!r}")
        if self.duration is not None:
            check_duration(self.duration)
        if isinstance(self.hold, str) and self.hold not in self.path:
            raise ValueError(f"hold must be a status of the task: {', '.join(self.path)}, not {self.hold!r}")

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


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_object(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_list(value: object, of: type) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(item, of) for item in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


# What an option may be, and how it is told; what a number or a status may be is looked at afterwards.
_ALLOWED: dict[str, tuple[str, Callable[[object], bool]]] = {
    "duration": ("a number of seconds, or none", lambda value: value is None or _is_number(value)),
    "statuses": ("a list of texts, or none", lambda value: value is None or _is_list(value, str)),
    "end": ("text", _is_text),
    "hold": ("true, false, or the name of a status", lambda value: isinstance(value, bool | str)),
    "pexit": ("text, or none", _is_text_or_none),
    "debugerror": ("text", _is_text),
    "debugoutput": ("text", _is_text),
    "outputs": (
        "a whole number, at least 0, a list of objects, or none",
        lambda value: value is None or _is_whole(value) or _is_list(value, Mapping),
    ),
    "output_bytes": ("a whole number, at least 0", _is_whole),
    "totalcost": ("text, or none", _is_text_or_none),
    "parameters": ('"echo" or "empty"', lambda value: value in ("echo", "empty")),
    "rewritten": ("an object", _is_object),
    "extra": ("an object", _is_object),
    "missing": ("a list of texts", lambda value: _is_list(value, str)),
}


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
