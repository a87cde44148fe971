"""Models' names: as people write them, and as Wiro's API takes them."""

from __future__ import annotations

import re

from airflow_provider_wiro.core.fields import refused
from airflow_provider_wiro.core.rules.realtime import realtime_rule
from airflow_provider_wiro.exceptions import WiroInputError

# The page of this model writes its address so, and it goes out to the letter.
AS_WRITTEN = frozenset({"Runway/image-to-video-gen4-turbo"})

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w .-]*", re.ASCII)
_ALLOWED = '"owner/model", such as "Runway/image-to-video-gen4-turbo", "google/veo3.1" or "wiro/Virtual Try-On"'


def model_name(value: object) -> str:
    """Return *value* as a model's name, as its author wrote it but for white space around its parts.

    :raises WiroInputError: if it is none, or a realtime model's, which waits for a person.
    """
    name = "/".join(" ".join(part.split()) for part in value.split("/")) if isinstance(value, str) else ""
    if not _NAME.fullmatch(name):
        raise refused("model", value, _ALLOWED)
    realtime = realtime_rule(clean_slug(name))
    if realtime is not None:
        raise WiroInputError(
            f"model is {value!r}, a realtime model ({realtime.name}): it waits for a person on a socket and does not "
            "end by itself, so a task cannot run it. Nothing was sent. Use a model that is not realtime"
        )
    return name


def clean_slug(name: str) -> str:
    """Return the name that Run and Tool/Detail take: lower case, spaces and dots as ``-``."""
    return re.sub(r"[ .]", "-", name.strip().lower())


def sent_slug(name: str) -> str:
    """Return the name as it goes into the address of a submission."""
    return name if name in AS_WRITTEN else clean_slug(name)
