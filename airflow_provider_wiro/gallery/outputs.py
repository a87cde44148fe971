"""What a task has made, as the page shows it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from airflow_provider_wiro.core.reading import read_line
from airflow_provider_wiro.core.text import as_text, one_line, without_secrets
from airflow_provider_wiro.core.urls import read_url
from airflow_provider_wiro.gallery.kinds import kind_of, played_type
from airflow_provider_wiro.gallery.roots import Stored, streamable
from airflow_provider_wiro.gallery.rows import Key

MOST_OUTPUTS = 12
MOST_TEXT = 4000


def outputs_of(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the outputs that a result has, whoever wrote it."""
    outputs = result.get("outputs")
    return [output for output in outputs if isinstance(output, Mapping)] if isinstance(outputs, list) else []


def streamed(output: Mapping[str, Any], roots: Iterable[Stored]) -> Stored | None:
    """Return where an output is that may be streamed, as far as its address says."""
    stored = streamable(output.get("uri"), roots)
    told = output.get("content_type")
    if stored is None or played_type(stored.name, told if isinstance(told, str) else None) is None:
        return None
    return stored


def shown(key: Key, number: int, output: Mapping[str, Any], roots: Iterable[Stored]) -> dict[str, Any]:
    """Return an output as the page shows it.

    :returns: ``sources`` are what it is played from, the best first; ``saved`` is named where it is not streamed.
    """
    url, content_type = read_url(output.get("url")), read_line(output.get("content_type"), 100)
    uri = output.get("uri") if isinstance(output.get("uri"), str) else None
    name = read_line(output.get("name"), 255)
    stored = streamed(output, roots)
    kind = kind_of(content_type, stored.name if stored else name, url)
    media = f"media?{urlencode({**key._asdict(), 'output': number})}" if stored else None
    sources = [source for source in (media, url) if source is not None] if kind != "file" else []
    return {
        "kind": kind,
        "name": name or (stored.name if stored else None) or "output",
        "sources": sources,
        "url": url,
        "saved": None if uri is None else one_line(without_secrets(uri), 400),
        "streamed": stored is not None,
        "text": None if url or uri else text_of(output.get("content")),
    }


def text_of(value: Any) -> str | None:
    """Return what a text model gave, as text that is not too long; None where there is none."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else as_text(value, lambda each: json.dumps(each, ensure_ascii=False))
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…"
