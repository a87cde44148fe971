"""Which files the gallery plays: images, video and audio; no drawing (SVG), for that is a page with scripts."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from airflow_provider_wiro.core.media_types import plain_type

PLAYED = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
    ".mov": "video/quicktime",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".ogg": "audio/ogg",
    ".flac": "audio/flac",
    ".aac": "audio/aac",
}
# What is the same under another name.
_ALSO = {"audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/mp3", "audio/x-m4a", "audio/x-flac", "video/x-m4v"}
_TYPES = frozenset(PLAYED.values()) | _ALSO | {"video/ogg", "audio/webm"}
KINDS = ("video", "image", "audio")


def played_type(name: str, *told: str | None) -> str | None:
    """Return the type as which a file may be sent: by its ending, and by everything that is told about its type.

    :returns: None where one of them is missing in the list, or another kind than the ending's.
    """
    by_ending = PLAYED.get(_ending(name))
    types = [kind for each in told if (kind := plain_type(each)) is not None]
    if by_ending is None or not all(kind in _TYPES and _kind(kind) == _kind(by_ending) for kind in types):
        return None
    return by_ending


def kind_of(content_type: str | None, name: str | None, url: str | None) -> str:
    """Return "video", "image" or "audio"; else "file"."""
    told = plain_type(content_type)
    if told is None:
        endings = (_ending(name or ""), _ending(unquote(_path(url or ""))))
        told = next((PLAYED[ending] for ending in endings if ending in PLAYED), "")
    return _kind(told) if told in _TYPES else "file"


def _kind(content_type: str) -> str:
    return content_type.partition("/")[0]


def _ending(name: str) -> str:
    name = name.rpartition("/")[2]
    return name[name.rfind(".") :].lower() if "." in name else ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""
