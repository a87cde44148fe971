"""What Wiro's socket is told and says. An event only has a task looked at: nothing depends on what it says."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from airflow_provider_wiro.core.body import parse_json
from airflow_provider_wiro.core.task import RUNNING, TERMINAL
from airflow_provider_wiro.core.text import one_line

SOCKET_URL = "wss://socket.wiro.ai/v1"
SOCKET_HOST = "api.wiro.ai"
"""The service whose socket that is."""

LONGEST_TOKEN = 200
LONGEST_LEFT = 20

ERROR = "error"
"""The type of a refusal; its words may hold a token."""


@dataclass(frozen=True, slots=True)
class Event:
    """What the socket has said.

    :param kind: a status, or what else stands in its ``type``.
    :param token: of which task; None where it names none.
    :param progress: how far the generation is, in words; None where it does not say so.
    """

    kind: str
    token: str | None = field(default=None, repr=False)
    progress: str | None = None

    @property
    def matters(self) -> bool:
        """Whether the task has to be looked at for it: not where it says that the task runs."""
        return self.progress is None and self.kind not in RUNNING

    @property
    def ends(self) -> bool:
        """Whether it says that the task is over."""
        return self.kind in TERMINAL


def subscription(token: str) -> str:
    """Return what has to be sent to hear of the task of *token*."""
    return json.dumps({"type": "task_info", "tasktoken": token})


def event_in(text: str) -> Event | None:
    """Read what the socket has said; None where it says nothing of a task."""
    body = parse_json(text.encode("utf-8", "replace"))
    if not isinstance(body, Mapping) or not isinstance(kind := body.get("type"), str):
        return None
    token = body.get("tasktoken")
    token = token if isinstance(token, str) and 0 < len(token) <= LONGEST_TOKEN else None
    if token is None and kind != ERROR:
        return None
    return Event(kind, token, _progress(body.get("message")))


def _progress(message: object) -> str | None:
    if not isinstance(message, Mapping) or message.get("type") != "progressGenerate":
        return None
    try:
        percentage = float(str(message.get("percentage")))
    except ValueError:
        return None
    if not (math.isfinite(percentage) and 0 <= percentage <= 100):
        return None
    left = message.get("remainingTime")
    in_time = f", {one_line(left, LONGEST_LEFT)} left" if isinstance(left, str) and left.strip() else ""
    return f"{percentage:.0f} %{in_time}"
