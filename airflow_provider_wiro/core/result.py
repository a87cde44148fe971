"""What an operator returns and puts into XCom: JSON, numbers as numbers, unknown as null."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NotRequired, TypedDict, cast

from airflow_provider_wiro.core.text import one_line

# What every release has; ``text`` and an output's ``content`` came with 0.2.0.
ALWAYS_THERE = frozenset({"taskid", "status", "outputs", "cost_usd", "elapsed_seconds"})
MOST_RESULT = 1_000_000
# Shown of each text within the outputs' contents, if all of it is too much.
SHORTER = (100_000, 10_000, 1_000, 100)
LEAST_TEXT = 1_000
# Shown of a content that has too many parts.
FLAT = 200
TEXT_TYPES = ("text/plain", "text/markdown")
TEXT_ENDINGS = (".txt", ".md")
UNTOLD = ("", "application/octet-stream", "binary/octet-stream")


class OutputDict(TypedDict):
    """One output in the XCom result; ``content`` is what a text model gave instead of a file, as Wiro gave it.

    ``uri`` and ``sha256`` are of the saved file, where it is saved.
    """

    url: str | None
    name: str | None
    content_type: str | None
    size: int | None
    content: object
    uri: NotRequired[str]
    sha256: NotRequired[str]


class ResultDict(TypedDict):
    """The XCom result.

    ``text`` is what a text model answered: the answers of all outputs, each on a line of its own.
    """

    taskid: str
    status: str | None
    outputs: list[OutputDict]
    text: str | None
    cost_usd: float | None
    elapsed_seconds: float | None


def is_result(value: object) -> bool:
    """Whether *value* has what a worker reads of a result of any release; more is welcome."""
    if not isinstance(value, Mapping) or not value.keys() >= ALWAYS_THERE:
        return False
    outputs = value["outputs"]
    return isinstance(outputs, list) and all(isinstance(output, Mapping) and "url" in output for output in outputs)


def completed(value: Mapping[str, object]) -> ResultDict | None:
    """Return a result of any release with what this one knows; None where its text was dropped, and must be read again.

    A trigger of 0.1.0 leaves out what stands in the place of a file.
    """
    outputs = cast("list[dict[str, object]]", value["outputs"])
    if any(output["url"] is None and "content" not in output for output in outputs):
        return None
    text = value.get("text")
    told = {
        "outputs": [{"content": None, **output} for output in outputs],
        "text": text if isinstance(text, str) else None,
    }
    return cast(ResultDict, {**value, **told})


def urls_of(result: ResultDict) -> list[str]:
    """Return the addresses of a result's outputs."""
    return [output["url"] for output in result["outputs"] if output["url"]]


def uris_of(result: ResultDict) -> list[str]:
    """Return where a result's outputs are saved."""
    return [output["uri"] for output in result["outputs"] if output.get("uri")]


def text_files(result: ResultDict) -> list[OutputDict]:
    """Return the outputs whose files are the text of a text model; none where the result has a text."""
    files = [output for output in result["outputs"] if output["url"] and _is_plain_text(output)]
    return files if result["text"] is None else []


def _is_plain_text(output: OutputDict) -> bool:
    kind = (output["content_type"] or "").partition(";")[0].strip().lower()
    return kind in TEXT_TYPES or (kind in UNTOLD and (output["name"] or "").lower().endswith(TEXT_ENDINGS))


def fitted(result: ResultDict) -> ResultDict:
    """Return the result as XCom takes it, at most 1 MB of JSON: what is in the outputs is cut first, then the text.

    Addresses are never cut.
    """
    if _size(result) <= MOST_RESULT:
        return result
    for limit in SHORTER:
        shorter = cast(ResultDict, {**result, "outputs": [_cut_output(output, limit) for output in result["outputs"]]})
        if _size(shorter) <= MOST_RESULT:
            return shorter
    text = result["text"] or ""
    if _size(shorter) - _size(text) > MOST_RESULT / 2:  # many small parts
        flat = [_flat(output) for output in result["outputs"]]
        shorter = cast(ResultDict, {**shorter, "outputs": flat})
    while len(text) > LEAST_TEXT and _size(shorter) > MOST_RESULT:
        rest = _size(shorter) - _size(text)
        share = max(0.0, (MOST_RESULT - rest) / _size(text))
        text = text[: max(LEAST_TEXT, int(len(text) * min(share, 0.99)))]
        shorter = cast(ResultDict, {**shorter, "text": text})
    return shorter


def _cut_output(output: OutputDict, limit: int) -> OutputDict:
    return cast(OutputDict, {**output, "content": _cut(output["content"], limit)})


def _flat(output: OutputDict) -> OutputDict:
    content = json.dumps(output["content"])
    return output if len(content) <= FLAT else cast(OutputDict, {**output, "content": one_line(content, FLAT)})


def _cut(value: object, limit: int) -> object:
    if isinstance(value, str):
        return value if len(value) <= limit else value[: limit - 1] + "…"
    if isinstance(value, Mapping):
        return {name: _cut(item, limit) for name, item in value.items()}
    return [_cut(item, limit) for item in value] if isinstance(value, list) else value


def is_cut(result: ResultDict) -> bool:
    """Whether what is in a result's outputs may have been cut by ``fitted``."""
    return any(_may_be_cut(output["content"]) for output in result["outputs"])


def _may_be_cut(value: object) -> bool:
    if isinstance(value, str):
        return len(value) in (*SHORTER, FLAT) and value.endswith("…")
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return any(_may_be_cut(part) for part in parts)


def _size(value: object) -> int:
    return len(json.dumps(value))
