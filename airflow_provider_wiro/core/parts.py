"""Which files a result becomes where it is saved."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from airflow_provider_wiro.core.file_names import harmless, told_apart
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.media_types import ending_for, plain_type
from airflow_provider_wiro.core.result import OutputDict, ResultDict
from airflow_provider_wiro.core.texts import storable, text_of


@dataclass(frozen=True, slots=True)
class Part:
    """One file to be.

    :param output: the place of its output among the result's.
    :param url: where it is at Wiro; None where *content* is all of it.
    :param size: bytes, as Wiro says; None where it does not, or says 0, as it does of what it does not know.
    """

    name: str
    output: int
    url: str | None = None
    content: bytes | None = field(default=None, repr=False)
    content_type: str | None = None
    size: int | None = None


def parts_of(result: ResultDict) -> list[Part]:
    """Return the files that a result becomes, in the order of its outputs.

    A text that stands in the result becomes ``.txt``, and what Wiro gave around it, ``.json``. The same result always
    becomes files of the same names.
    """
    wanted = [part for index, output in enumerate(result["outputs"]) for part in _of_output(index, output)]
    names = told_apart(part.name for part in wanted)
    return [
        Part(name, part.output, part.url, part.content, part.content_type, part.size)
        for name, part in zip(names, wanted, strict=True)
    ]


def main_files(result: ResultDict, landed: Iterable[Landed]) -> list[Landed | None]:
    """Return for each output of a result the file that it was saved as; of a text, the ``.txt``. None for none.

    :param landed: what saving this very result has returned.
    """
    by_name = {one.name: one for one in landed}
    found: list[Landed | None] = [None] * len(result["outputs"])
    for part in parts_of(result):
        found[part.output] = found[part.output] or by_name.get(part.name)
    return found


def _of_output(index: int, output: OutputDict) -> list[Part]:
    if output["url"]:
        kind = output["content_type"]
        name = harmless(output["name"] or _last_of(output["url"]), ending_for(kind))
        return [Part(name, index, output["url"], content_type=plain_type(kind), size=output["size"] or None)]
    parts: list[Part] = []
    if (text := text_of(output["content"])) is not None:
        parts.append(Part(f"{index}.txt", index, content=_bytes(text), content_type="text/plain"))
    if output["content"] is not None:
        raw = json.dumps(storable(output["content"]), ensure_ascii=False, indent=2) + "\n"
        parts.append(Part(f"{index}.json", index, content=_bytes(raw), content_type="application/json"))
    return parts


def _last_of(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")
