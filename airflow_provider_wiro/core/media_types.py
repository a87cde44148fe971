"""What kind of file something is, by what its content type and its name say, and what does not go together."""

from __future__ import annotations

# The endings of files without one, by content type.
ENDINGS = {
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/svg+xml": ".svg",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/x-wav": ".wav",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/html": ".html",
    "text/csv": ".csv",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "model/gltf-binary": ".glb",
}
_BY_ENDING = {ending: kind for kind, ending in reversed(ENDINGS.items())} | {".jpeg": "image/jpeg"}
_MEDIA = frozenset({"video", "image", "audio"})
# What a server says that does not know better.
_UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/binary", "raw"})
# What an error page is, or an answer of an API, and no medium ever.
_WORDS = frozenset({"application/json", "application/xml", "application/xhtml+xml", "application/problem+json"})
_PAGES = (b"<!doctype html", b"<html")


def plain_type(told: str | None) -> str | None:
    """Return a content type without its parameters, in lower case; None where it says nothing."""
    kind = (told or "").partition(";")[0].strip().lower()
    return None if kind in _UNTOLD or "/" not in kind else kind


def ending_for(content_type: str | None) -> str:
    """Return the ending for a file of this content type; empty for one that is not known."""
    return ENDINGS.get(plain_type(content_type) or "", "")


def expected_type(content_type: str | None, name: str) -> str | None:
    """Return what a file should be by its content type, or else by its name; None where neither says."""
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    return plain_type(content_type) or _BY_ENDING.get(ending)


def contradicts(expected: str | None, told: str | None) -> bool:
    """Whether a server that says *told* surely does not send a file that is *expected*."""
    wanted, given = plain_type(expected), plain_type(told)
    if wanted is None or given is None or _main(wanted) not in _MEDIA:
        return False
    if given in _WORDS or _main(given) == "text":
        # A drawing is an image that is text.
        return wanted != "image/svg+xml" or given == "text/html"
    return _main(given) in _MEDIA and _main(given) != _main(wanted) and {wanted, given} not in _ALIKE


# Sound alone in a container for films.
_ALIKE = ({"audio/mp4", "video/mp4"}, {"audio/webm", "video/webm"}, {"audio/ogg", "video/ogg"})


def is_page(expected: str | None, first: bytes) -> bool:
    """Whether a file that begins with *first* is a web page, though a medium is *expected*."""
    wanted = plain_type(expected)
    medium = wanted is not None and _main(wanted) in _MEDIA
    return medium and first[:200].lstrip().lower().startswith(_PAGES)


def _main(kind: str) -> str:
    return kind.partition("/")[0]
