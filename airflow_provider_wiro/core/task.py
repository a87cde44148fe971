"""A Wiro task as the API reports it, read tolerantly into a frozen value."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TypedDict

from airflow_provider_wiro.core.text import as_text, one_line
from airflow_provider_wiro.core.urls import read_url

MOST_OUTPUTS = 1_000
MOST_UNREADABLE = 10
_SECRET = re.compile("token|key|secret", re.IGNORECASE)

COMPLETED = "task_postprocess_end"
CANCELLED = "task_cancel"
ERRORED = "task_error"
TERMINAL = frozenset({COMPLETED, CANCELLED})
KNOWN = TERMINAL | {
    ERRORED,
    "task_queue",
    "task_accept",
    "task_assign",
    "task_preprocess_start",
    "task_preprocess_end",
    "task_start",
    "task_output",
    "task_output_full",
    "task_error_full",
    "task_end",
    "task_postprocess_start",
}


class OutputDict(TypedDict):
    """One output in the XCom result."""

    url: str | None
    name: str | None
    content_type: str | None
    size: int | None


class ResultDict(TypedDict):
    """The XCom result: JSON, numbers as numbers, unknown as null."""

    taskid: str
    status: str | None
    outputs: list[OutputDict]
    cost_usd: float | None
    elapsed_seconds: float | None


@dataclass(frozen=True, slots=True)
class Output:
    """One file (or, without a ``url``, one raw value) that a task produced.

    :param size: bytes.
    """

    url: str | None
    name: str | None = None
    content_type: str | None = None
    size: int | None = None

    @classmethod
    def from_payload(cls, payload: object) -> Output | None:
        """Read one item of ``outputs``; None if it holds neither a ``url`` nor raw ``content`` or ``text``."""
        if not isinstance(payload, Mapping):
            url = read_url(payload)
            return None if url is None else cls(url)
        url = read_url(payload.get("url"))
        if url is None and not payload.get("content") and not payload.get("text"):
            return None
        return cls(
            url=url,
            name=_text(payload.get("name"), 255),
            content_type=_text(payload.get("contenttype"), 100),
            size=_whole(payload.get("size")),
        )

    def to_json(self) -> OutputDict:
        """Return the output as in the XCom result."""
        return {"url": self.url, "name": self.name, "content_type": self.content_type, "size": self.size}


@dataclass(frozen=True, slots=True)
class Task:
    """A row of ``tasklist``.

    :param pexit: exit code of the run as text, ``"0"`` = success; None if Wiro did not say.
    :param unreadable: of the outputs that are there and cannot be read, the first ten, each as one line.
    :param cost_usd: what Wiro charged, in US dollars.
    :param elapsed_seconds: how long it ran.
    :param error: one line from ``debugerror``, else ``debugoutput``.
    :param token: the ``socketaccesstoken``, a secret: hidden from ``repr``.
    """

    taskid: str
    status: str
    pexit: str | None = None
    outputs: tuple[Output, ...] = ()
    unreadable: tuple[str, ...] = ()
    cost_usd: float | None = None
    elapsed_seconds: float | None = None
    error: str | None = None
    token: str | None = field(default=None, repr=False)

    @classmethod
    def from_payload(cls, payload: object) -> Task | None:
        """Read one row of ``tasklist``; None if it has no readable id or status.

        Fields may be missing, null, of another type, or new.
        """
        if not isinstance(payload, Mapping):
            return None
        taskid, status = read_taskid(payload.get("id")), _word(payload.get("status"))
        if taskid is None or status is None:
            return None
        outputs, unreadable = _read_outputs(payload.get("outputs"))
        return cls(
            taskid=taskid,
            status=status,
            pexit=_word(payload.get("pexit")),
            outputs=outputs,
            unreadable=unreadable,
            cost_usd=read_number(payload.get("totalcost")),
            elapsed_seconds=read_number(payload.get("elapsedseconds")),
            error=_text(payload.get("debugerror"), 300) or _text(payload.get("debugoutput"), 300),
            token=_text(payload.get("socketaccesstoken"), 500),
        )

    @property
    def terminal(self) -> bool:
        """Whether Wiro will not change this task any more. An unknown status means still running."""
        return self.status in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Whether it completed well: ``pexit`` decides, and where it is missing, the outputs."""
        if self.status != COMPLETED or self.illegible:
            return False
        return bool(self.outputs) if self.pexit is None else self.pexit == "0"

    @property
    def illegible(self) -> bool:
        """Whether it completed well, as far as Wiro says, with outputs of which none can be read: it may be paid."""
        well = self.status == COMPLETED and self.pexit in (None, "0")
        return well and bool(self.unreadable) and not self.outputs

    @property
    def charged(self) -> bool:
        """Whether it completed and is to be taken for paid: Wiro shows a cost, or outputs that cannot be read."""
        return self.status == COMPLETED and (bool(self.cost_usd) or self.illegible)

    def result(self) -> ResultDict:
        """Return the task as in the XCom result."""
        return {
            "taskid": self.taskid,
            "status": self.status,
            "outputs": [output.to_json() for output in self.outputs],
            "cost_usd": self.cost_usd,
            "elapsed_seconds": self.elapsed_seconds,
        }


@dataclass(frozen=True, slots=True)
class Submission:
    """What Wiro answered to an accepted Run.

    :param submitted_at: when it answered, unix time in seconds.
    :param token: the ``socketaccesstoken``, a secret: hidden from ``repr``.
    """

    taskid: str
    submitted_at: float
    token: str | None = field(default=None, repr=False)

    def result(self) -> ResultDict:
        """Return the XCom result of a task that nobody waits for."""
        return {"taskid": self.taskid, "status": None, "outputs": [], "cost_usd": None, "elapsed_seconds": None}


def read_taskid(value: object) -> str | None:
    """Return *value* as a taskid, or None if it cannot be one. ``"0"`` is how Wiro writes "none"."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**30 else ""
    return text if text not in ("", "0") and len(text) <= 100 and text.isprintable() and " " not in text else None


def _read_outputs(listed: object) -> tuple[tuple[Output, ...], tuple[str, ...]]:
    """Return the outputs that can be read, and of those that are there and cannot, the first ten in words."""
    items = listed[:MOST_OUTPUTS] if isinstance(listed, list) else [listed]
    read = [(item, Output.from_payload(item)) for item in items]
    unreadable = (_excerpt(item) for item, output in read if output is None)
    return (
        tuple(output for _, output in read if output is not None),
        tuple(islice((excerpt for excerpt in unreadable if excerpt), MOST_UNREADABLE)),
    )


def _excerpt(item: object) -> str:
    """Show an output that cannot be read, without its keys and tokens; empty if nothing is there."""
    if not isinstance(item, Mapping):
        return one_line(_flat(item), 200) if item else ""
    told = {name: _flat(value) for name, value in item.items() if value and not _SECRET.search(name)}
    return one_line(json.dumps(told, ensure_ascii=False), 200) if told else ""


def _flat(value: object) -> str | int | float:
    return value if isinstance(value, str | int | float) else type(value).__name__


def _text(value: object, limit: int) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return one_line(value, limit) or None


def _word(value: object) -> str | None:
    """Read a word that decides: one that is not clean is shown as Python writes it, and so equals no known word."""
    text = "" if value is None else as_text(value)
    if not text.strip():
        return None
    return text if text == one_line(text, 100) else one_line(as_text(value, ascii), 100)


def read_number(value: object) -> float | None:
    """Return *value* as a number that is not negative, or None if it is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _whole(value: object) -> int | None:
    number = read_number(value)
    return int(number) if number is not None and number < 2**63 else None
