"""What a generation was made of and where it is, as addresses that name the same thing tomorrow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from airflow_provider_wiro.core.result import OutputDict, ResultDict
from airflow_provider_wiro.core.text import without_secrets

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/]\S*|file:///\S+", re.IGNORECASE)
_NEXT_ADDRESS = re.compile(r"\s*,\s*(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
_USER = re.compile(r"^([a-z][a-z0-9+.-]*://)[^/]*@", re.IGNORECASE)
_CUT = "…"


def places_of(result: ResultDict) -> list[str]:
    """Return where its outputs are, to be opened: the saved file, else the URL at Wiro."""
    return [place for output in result["outputs"] if (place := uri_of(output) or output["url"])]


def uri_of(output: OutputDict) -> str | None:
    """Return where the file of an output was saved; None if it was not."""
    uri = cast("Mapping[str, object]", output).get("uri")
    return uri if isinstance(uri, str) and uri else None


def saved_in(result: ResultDict) -> dict[str, str]:
    """Return where its saved files are, by names that leave out the connection by which they are reached."""
    return {_USER.sub(r"\1", uri): uri for output in result["outputs"] if (uri := uri_of(output))}


def outputs_named(result: ResultDict) -> list[str]:
    """Return the names of its outputs: the saved files, else the URLs at Wiro without their query."""
    at_wiro = [without_secrets(output["url"]) for output in result["outputs"] if output["url"] and not uri_of(output)]
    return [*saved_in(result), *at_wiro]


def inputs_named(inputs: Mapping[str, object]) -> list[str]:
    """Return the files that went in: the inputs that are addresses, or lists of them, without user and query."""
    return [without_secrets(address) for value in inputs.values() for address in _addresses(value)]


def _addresses(value: object) -> list[str]:
    if isinstance(value, list):
        return [address for item in value for address in _addresses(item)]
    parts = _NEXT_ADDRESS.split(value.strip()) if isinstance(value, str) else []
    whole = [part for part in parts if _ADDRESS.fullmatch(part) and not part.endswith(_CUT)]
    return whole if len(whole) == len(parts) else []
