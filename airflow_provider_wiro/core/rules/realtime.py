"""Which models are realtime: they wait for a person on a socket, and never end by themselves.

Wiro says so by a model's categories (``realtime-…``), which are not known before something is sent. So it goes by the
clean slug: the first row that matches decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RealtimeRule:
    """One row.

    :param pattern: what the whole clean slug matches.
    :param example: a model of Wiro's that it is about.
    """

    name: str
    pattern: re.Pattern[str]
    example: str


REALTIME: tuple[RealtimeRule, ...] = (
    RealtimeRule(
        "its name has the word realtime",
        re.compile(r"[^/]+/(.*[-_])?realtime([-_].*)?"),
        "openai/gpt-realtime-mini",
    ),
    RealtimeRule("Wiro's documentation calls it realtime", re.compile(r"wiro/moss-tts"), "wiro/moss-tts"),
)


def realtime_rule(slug: str) -> RealtimeRule | None:
    """Return the row that says that the model is realtime; None if none does.

    :param slug: the clean slug, ``"owner/model"``.
    """
    return next((rule for rule in REALTIME if rule.pattern.fullmatch(slug)), None)
