"""What the emulated models accept: Runway's gen4-turbo to the letter, any other owner's model with any inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from airflow_provider_wiro.emulator.bodies import Body, UploadedFile

RUNWAY_OWNER = "Runway"
RUNWAY_MODEL = "Runway/image-to-video-gen4-turbo"
CATEGORIES = ("tool", "text-to-video", "partner", "Runway")
PRICES = {"5": 0.25, "10": 0.5}
"""US dollars for a video of so many seconds: the emulator's own figures, the documentation has none for this model."""
OTHER_PRICE = 0.01
INVALID = "Request parameters are invalid."
"""The documentation's own words; the emulator adds which one it is."""


@dataclass(frozen=True)
class Parameter:
    """An input as ``Tool/Detail`` describes it: ``id``, ``type``, ``default`` and, for a select, its ``options``."""

    id: str
    type: str
    default: str
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
        return None


RUNWAY_PARAMETERS = (
    Parameter("inputImage", "file", ""),
    Parameter("inputImageUrl", "text", ""),
    Parameter(
        "prompt",
        "textarea",
        "A miniature steam engine train travels along winding model railroad tracks, "
        "releasing gentle puffs of smoke into the air.",
    ),
    Parameter("ratio", "select", "1280:720", ("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672")),
    Parameter("duration", "select", "5", ("5", "10")),
    Parameter("contentModeration", "select", "auto", ("auto", "low")),
    Parameter("seed", "number", "0"),
)
_ACCEPTED = {
    parameter.id: parameter
    for parameter in (*RUNWAY_PARAMETERS, Parameter("callbackUrl", "text", ""), Parameter("projectid", "text", ""))
}
_REQUIRED = (("prompt",), ("inputImageUrl", "inputImage"))
"""Of each group one input must not be empty."""


def exists(model: str) -> bool:
    """Say whether ``model`` ("owner/model") can be run: of Runway only gen4-turbo, of any other owner everything."""
    return model == RUNWAY_MODEL or model.partition("/")[0].lower() != RUNWAY_OWNER.lower()


def refusal(model: str, body: Body) -> str | None:
    """
    Say which input is refused by ``model`` and why, or None when all are good.

    :param model: "owner/model"; one that exists.
    :param body: the request's fields.
    """
    if model != RUNWAY_MODEL:
        return None
    for name, value in body.fields.items():
        if name not in _ACCEPTED:
            return f"{INVALID} {name} is not an input of {RUNWAY_MODEL}"
        if message := _ACCEPTED[name].refusal(value, body.form):
            return message
    for names in _REQUIRED:
        if not any(body.fields.get(name) for name in names):
            return f"Request parameter [{names[0]}] required"
    return None


def price(model: str, inputs: Mapping[str, object]) -> float:
    """Return what a successful run costs, in US dollars."""
    return PRICES[str(inputs.get("duration", "5"))] if model == RUNWAY_MODEL else OTHER_PRICE


def echo(inputs: Mapping[str, object], store: Callable[[str, UploadedFile], str]) -> dict[str, object]:
    """
    Return ``inputs`` as a task's ``parameters`` show them: every file as the address under which it is kept.

    :param inputs: the request's fields.
    :param store: called with name and file; keeps the file and returns its address.
    """
    return {name: store(name, value) if isinstance(value, UploadedFile) else value for name, value in inputs.items()}


def tool_row() -> dict[str, object]:
    """Return the row of ``Tool/Detail`` for the Runway model."""
    owner, project = RUNWAY_MODEL.split("/")
    items = [
        {
            "id": parameter.id,
            "type": parameter.type,
            "value": parameter.default,
            "required": False,
            "options": [{"value": option, "text": option} for option in parameter.options],
        }
        for parameter in RUNWAY_PARAMETERS
    ]
    prices = [{"inputs": {"duration": key}, "price": value, "priceMethod": "cpr"} for key, value in PRICES.items()]
    return {
        "title": RUNWAY_MODEL,
        "slugowner": owner,
        "slugproject": project,
        "description": "Runway gen4-turbo model for image-to-video generation.",
        "categories": json.dumps(CATEGORIES),
        "parameters": [{"title": "Inputs", "items": items}],
        "dynamicprice": json.dumps(prices),
    }
