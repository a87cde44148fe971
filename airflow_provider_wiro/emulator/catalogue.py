"""The models of the emulated Wiro: those of ``models.json``, in the shape of ``Tool/Detail``."""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

AS_DOCUMENTED = "Runway/image-to-video-gen4-turbo"
"""The model whose page writes its address so; all others are reached by their clean slugs alone."""

KINDS = {
    "llm": "text",
    "speech-to-text": "text",
    "text-to-speech": "audio",
    "text-to-video": "video",
    "image-to-video": "video",
    "video-to-video": "video",
    "text-to-image": "image",
    "image-to-image": "image",
}
"""What models of a category make."""
FILE_TYPES = ("fileinput", "multifileinput", "combinefileinput")


@dataclass(frozen=True)
class Model:
    """
    A model that is known by name.

    :param row: what ``Tool/Detail`` says of it.
    """

    row: Mapping[str, object] = field(repr=False)

    @property
    def slug(self) -> str:
        """Its clean slug: "owner/model"."""
        return f"{self.row['cleanslugowner']}/{self.row['cleanslugproject']}"

    @property
    def owner(self) -> str:
        """Its owner, as typed."""
        return str(self.row["slugowner"])

    @property
    def project(self) -> str:
        """Its name without the owner, as typed."""
        return str(self.row["slugproject"])

    @property
    def categories(self) -> list[str]:
        """What it is listed under."""
        return [str(category) for category in _listed(self.row["categories"])]

    @property
    def items(self) -> list[Mapping[str, object]]:
        """Its inputs."""
        groups = [group for group in _listed(self.row["parameters"]) if isinstance(group, dict)]
        return [item for group in groups for item in _listed(group["items"]) if isinstance(item, dict)]

    @property
    def prices(self) -> list[Mapping[str, object]]:
        """Its prices; empty where none are documented."""
        prices = json.loads(str(self.row["dynamicprice"] or "[]"))
        return [price for price in _listed(prices) if isinstance(price, dict)]

    @property
    def makes(self) -> str:
        """What it makes: "text", "audio", "video", "image" or "file"."""
        return next((KINDS[category] for category in self.categories if category in KINDS), "file")

    @property
    def is_realtime(self) -> bool:
        """Whether it waits for a person on a socket."""
        return any(category.startswith("realtime-") for category in self.categories)


@functools.cache
def models() -> tuple[Model, ...]:
    """Return every model that is known by name."""
    text = importlib.resources.files(__package__).joinpath("models.json").read_text(encoding="utf-8")
    return tuple(Model(row) for row in json.loads(text)["tool"])


def find(model: str) -> Model | None:
    """Return the model that "owner/model" addresses, None where it is none that is known by name."""
    slug = clean(model) if model == AS_DOCUMENTED else model
    return next((known for known in models() if known.slug == slug), None)


def exists(model: str) -> bool:
    """Say whether "owner/model" can be run: what is known, by its clean slug, and any model of an owner but Runway."""
    if find(model) is not None:
        return True
    is_misspelt = any(known.slug == clean(model) for known in models())
    return not is_misspelt and clean(model).partition("/")[0] != "runway"


def clean(model: str) -> str:
    """Return "owner/model" as the API writes it in its addresses."""
    return re.sub(r"[ .]", "-", model.strip().lower())


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
