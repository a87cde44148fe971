"""What the emulated models accept: Runway's gen4-turbo to the letter, the others as their schemas say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_wiro.emulator import catalogue
from airflow_provider_wiro.emulator.bodies import Body, UploadedFile
from airflow_provider_wiro.emulator.catalogue import FILE_TYPES, Model
from airflow_provider_wiro.emulator.refusals import INVALID


@dataclass(frozen=True)
class Parameter:
    """An input of gen4-turbo: its ``id``, its ``type`` and, for a select, its ``options``."""

    id: str
    type: str
    options: tuple[str, ...] = ()

    def refusal(self, value: object, form: bool) -> str | None:
        """Say why ``value`` is refused, or None. In a ``form`` a number is written as a string."""
        if self.type == "number":
            whole = re.fullmatch(r"-?[0-9]+", value) if form and isinstance(value, str) else type(value) is int
            return None if whole else f"Request parameter [{self.id}] must be integer or float"
        if self.type == "file":
            return None if isinstance(value, UploadedFile) else f"Request files [{self.id}] required"
        if not isinstance(value, str):
            return f"{INVALID} {self.id} must be a string"
        if self.options and value not in self.options:
            return f"{INVALID} {self.id} must be one of {', '.join(self.options)}"
        return unreachable(self.id, value) if self.id == "inputImageUrl" else None


_ALSO = (Parameter("inputImage", "file"), Parameter("callbackUrl", "text"), Parameter("projectid", "text"))
_REQUIRED = (("prompt",), ("inputImageUrl", "inputImage"))
"""Of each group one input must not be empty."""


def refusal(model: str, body: Body) -> str | None:
    """
    Say which input is refused by ``model`` and why, or None when all are good.

    :param model: "owner/model"; one that exists.
    :param body: the request's fields.
    """
    known = catalogue.find(model)
    if known is None:
        return None
    if known.slug == catalogue.clean(catalogue.AS_DOCUMENTED):
        return _runway_refusal(known, body)
    refusals = (_refusal(item, body.fields) for item in known.items)
    return next((refused for refused in refusals if refused is not None), None)


def unreachable(name: str, value: str) -> str | None:
    """Say that Wiro could not read the file at ``value``, or None; a bare file name is one of Wiro's samples."""
    bare = re.fullmatch(r"[^/\\:?#]*", value)
    if bare or re.match(r"https?://[^/\s]", value, re.IGNORECASE):
        return None
    return f"{INVALID} {name} must be an http(s) URL, or the url that File/Upload has answered"


def echo(inputs: Mapping[str, object], store: Callable[[str, UploadedFile], str]) -> dict[str, object]:
    """
    Return ``inputs`` as a task's ``parameters`` show them: every file as the address under which it is kept.

    :param inputs: the request's fields.
    :param store: called with name and file; keeps the file and returns its address.
    """
    return {name: store(name, value) if isinstance(value, UploadedFile) else value for name, value in inputs.items()}


def _runway_refusal(runway: Model, body: Body) -> str | None:
    documented = (Parameter(str(item["id"]), str(item["type"]), _options(item)) for item in runway.items)
    accepted = {parameter.id: parameter for parameter in (*documented, *_ALSO)}
    for name, value in body.fields.items():
        if name not in accepted:
            return f"{INVALID} {name} is not an input of {catalogue.AS_DOCUMENTED}"
        if message := accepted[name].refusal(value, body.form):
            return message
    for names in _REQUIRED:
        if not any(body.fields.get(name) for name in names):
            return f"Request parameter [{names[0]}] required"
    return None


def _refusal(item: Mapping[str, object], fields: Mapping[str, object]) -> str | None:
    """Say why an input of a model is refused; where it has a default and is not there, that is taken."""
    name, kind = str(item["id"]), str(item["type"])
    if kind in FILE_TYPES:
        return _file_refusal(item, fields)
    value = fields.get(name)
    if value in (None, ""):
        missing = item["required"] in (True, "true", "1") and item.get("default") in (None, "")
        return f"Request parameter [{name}] required" if missing else None
    if kind in ("number", "numeric", "integer", "float", "range"):
        return _number_refusal(item, value)
    if kind == "select" and str(value) not in _options(item):
        return f"{INVALID} {name} must be one of {', '.join(_options(item))}"
    return None


def _options(item: Mapping[str, object]) -> tuple[str, ...]:
    options = item.get("options")
    return tuple(str(option["value"]) for option in options) if isinstance(options, list) else ()


def _number_refusal(item: Mapping[str, object], value: object) -> str | None:
    name, least, most = item["id"], item.get("min"), item.get("max")
    try:
        number = float(str(value)) if not isinstance(value, bool) else float("nan")
    except ValueError:
        number = float("nan")
    if number != number:
        return f"Request parameter [{name}] must be integer or float"
    if isinstance(least, int | float) and isinstance(most, int | float) and not least <= number <= most:
        return f"Request parameter [{name}] must be between {least} and {most}"
    return None


def _file_refusal(item: Mapping[str, object], fields: Mapping[str, object]) -> str | None:
    """Say why files are refused: uploaded ones, or addresses, in the input itself or in the one with ``Url`` added."""
    name = str(item["id"])
    names = [name] if item["type"] == "combinefileinput" else [name, f"{name}Url"]
    given = [value for value in map(fields.get, names) if value not in (None, "", [])]
    if not given:
        return f"Request files [{name}] required" if item["required"] in (True, "true", "1") else None
    addresses = (address for value in given for address in _addresses(value))
    return next((refused for address in addresses if (refused := unreachable(name, address)) is not None), None)


def _addresses(value: object) -> list[str]:
    if isinstance(value, str):
        return [address.strip() for address in value.split(",")]
    return [address for address in value if isinstance(address, str)] if isinstance(value, list) else []
