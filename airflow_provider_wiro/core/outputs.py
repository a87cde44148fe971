"""What a task has made, as the API reports it: files, and what text models answer instead of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from airflow_provider_wiro.core.reading import read_line, read_whole
from airflow_provider_wiro.core.result import OutputDict
from airflow_provider_wiro.core.text import foreign
from airflow_provider_wiro.core.texts import storable
from airflow_provider_wiro.core.urls import read_url

MOST_OUTPUTS = 1_000
MOST_UNREADABLE = 10
RAW = "raw"
_SECRET = re.compile("token|key|secret", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Output:
    """One file (or, without a ``url``, one raw value) that a task produced.

    :param size: bytes.
    :param content: the raw value, as Wiro gave it; hidden from ``repr``.
    """

    url: str | None
    name: str | None = None
    content_type: str | None = None
    size: int | None = None
    content: object = field(default=None, repr=False)

    @classmethod
    def from_payload(cls, payload: object) -> Output | None:
        """Read one item of ``outputs``; None if it holds neither a ``url`` nor raw ``content`` or ``text``."""
        if not isinstance(payload, Mapping):
            url = read_url(payload)
            return None if url is None else cls(url)
        url, content = read_url(payload.get("url")), payload.get("content") or payload.get("text") or None
        if url is None and content is None:
            return None
        return cls(
            url=url,
            name=read_line(payload.get("name"), 255),
            content_type=read_line(payload.get("contenttype"), 100),
            size=read_whole(payload.get("size")),
            content=content,
        )

    def to_json(self) -> OutputDict:
        """Return the output as in the XCom result."""
        return {
            "url": self.url,
            "name": self.name,
            "content_type": self.content_type,
            "size": self.size,
            "content": storable(self.content),
        }


Outputs = tuple[tuple[Output, ...], tuple[str, ...]]
"""The outputs that can be read, and of those that are there and cannot, the first ten in words."""


def read_outputs(listed: object, stdout: str) -> Outputs:
    """Return the outputs of a task.

    :param stdout: where the text is of the first output that says to be raw, and holds none.
    """
    if not listed:
        return (), ()
    listed = listed if isinstance(listed, list) else [listed]
    items = listed[:MOST_OUTPUTS]
    read = [(item, Output.from_payload(item)) for item in _with_text(items, stdout.strip())]
    more = [f"{len(listed) - MOST_OUTPUTS} more, which are not read"] if len(items) < len(listed) else []
    unreadable = chain(more, (_excerpt(item) for item, output in read if output is None))
    return (
        tuple(output for _, output in read if output is not None),
        tuple(islice((excerpt for excerpt in unreadable if excerpt), MOST_UNREADABLE)),
    )


def _with_text(items: Sequence[object], text: str) -> Iterator[object]:
    """Give *text* to the first that lacks it: a thousand copies of some megabytes would fill the memory."""
    left = text
    for item in items:
        if text and isinstance(item, Mapping) and _lacks_text(item):
            yield {**item, "content": left} if left or item.get("url") else None
            left = ""
        else:
            yield item


def _lacks_text(item: Mapping[str, object]) -> bool:
    return item.get("contenttype") == RAW and not item.get("content") and not item.get("text")


def _excerpt(item: object) -> str:
    """Show an output that cannot be read, without its keys and tokens; empty if nothing is there."""
    if not isinstance(item, Mapping):
        return foreign(_flat(item), 200) if item else ""
    told = {name: _flat(value) for name, value in item.items() if value and not _SECRET.search(name)}
    return foreign(json.dumps(told, ensure_ascii=False), 200) if told else ""


def _flat(value: object) -> str | int | float:
    return value if isinstance(value, str | int | float) else type(value).__name__
