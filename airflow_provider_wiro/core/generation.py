"""What the XCom ``wiro_generation`` says: which generation a task has paid for, and how it went."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TypedDict

from airflow_provider_wiro import exceptions
from airflow_provider_wiro.core.text import one_line, without_secrets

GENERATION_VERSION = 1
MOST_INPUTS = 4096
# Shown of each text, if all of it is too much.
SHORTER = (1000, 200, 40)
NOT_SHOWN = frozenset({"callbackUrl"})

OUTCOMES: dict[type[exceptions.WiroTaskError], str] = {
    exceptions.WiroTaskFlagged: "flagged",  # before what it is a kind of
    exceptions.WiroTaskFailed: "failed",
    exceptions.WiroTaskCancelled: "cancelled",
    exceptions.WiroTaskStuck: "stuck",
    exceptions.WiroTaskTimeout: "timeout",
    exceptions.WiroTaskGaveUp: "gave_up",
    exceptions.WiroTaskNotFound: "not_found",
    exceptions.WiroWrongService: "elsewhere",
    exceptions.WiroNotStopped: "not_stopped",
    exceptions.WiroNoOutput: "no_output",
    exceptions.WiroOutputsGone: "outputs_gone",
    exceptions.WiroSaveError: "not_saved",
}

# A text that begins so is an address as a whole, which may hold blanks.
_ADDRESS = re.compile(r"\s*https?://", re.IGNORECASE)


class FilesDict(TypedDict, total=False):
    """What is not always there: the SHA-256 of uploaded files, by the input's name."""

    files: dict[str, str]


class GenerationDict(FilesDict):
    """JSON. Times are unix times in seconds; unknown is null.

    ``outcome`` is null until the end; then ``"success"``, or one of ``OUTCOMES`` with the error's class in ``error``.
    """

    version: int
    taskid: str
    model: str | None
    inputs: dict[str, object]
    base_url: str | None
    submitted_at: float | None
    try_number: int
    attached: bool
    outcome: str | None
    error: str | None
    cost_usd: float | None


def cleaned_inputs(inputs: Mapping[str, object]) -> dict[str, object]:
    """Return the inputs as they may be kept: no callback URL, URLs without query and user."""
    return {name: _cleaned(value) for name, value in inputs.items() if name not in NOT_SHOWN}


def shown_inputs(inputs: Mapping[str, object]) -> dict[str, object]:
    """Return the inputs as they may be shown: as they may be kept, and at most 4 kB of JSON."""
    shown = cleaned_inputs(inputs)
    for limit in SHORTER:
        if len(json.dumps(shown)) <= MOST_INPUTS:
            return shown
        shown = {name: _shortened(value, limit) for name, value in shown.items()}
    if len(json.dumps(shown)) <= MOST_INPUTS:
        return shown
    return {"…": f"{len(shown)} inputs, too large to be shown"}


def outcome_of(error: exceptions.WiroError) -> str:
    """Return the word for how the generation ended."""
    return next((word for kind, word in OUTCOMES.items() if isinstance(error, kind)), "error")


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        address = _ADDRESS.match(value) and re.match(r"[^?#]*", value)
        return without_secrets(address[0] if address else value)
    if isinstance(value, Mapping):
        return {str(name): _cleaned(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value


def _shortened(value: object, limit: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= limit else value[: limit - 1] + "…"
    if isinstance(value, dict | list):
        text = json.dumps(value)
        return value if len(text) <= limit else one_line(text, limit)
    return value
