"""Names for files, made of whatever a stranger calls them: harmless on each system, and no two the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MANIFEST = "manifest.json"
LONGEST = 255
"""The most bytes that a name has, in UTF-8."""

_LONGEST_ENDING = 20
_NAMELESS = "output"
_SAFE = frozenset(" ._-+=@(),")
# Letters, marks and numbers; no controls, nothing that turns the direction of writing, no halves of characters.
_KINDS = frozenset("LMN")
_DEVICES = frozenset({"con", "prn", "aux", "nul", "conin$", "conout$"}) | {
    f"{device}{number}" for device in ("com", "lpt") for number in "123456789"
}


def harmless(name: str, ending: str = "") -> str:
    """Return *name* as one that every file system takes, and that leads to no other folder.

    :param name: a name or a path, of which the last part counts.
    :param ending: such as ``.mp4``; put after a name that has none.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name[: LONGEST * 4]))[-1]
    kept = "".join(sign if sign in _SAFE or unicodedata.category(sign)[0] in _KINDS else "_" for sign in last)
    kept = kept.strip(" .") or _NAMELESS
    if ending and not _split(kept)[1]:
        kept += ending
    return _no_device(_shortened(kept))


def told_apart(names: Iterable[str], taken: Iterable[str] = (MANIFEST,)) -> list[str]:
    """Return harmless *names*, each changed where it is one before it, or one of *taken*, in whatever case."""
    used = {_folded(name) for name in taken}
    apart: list[str] = []
    for name in names:
        stem, ending = _split(name)
        number, other = 1, name
        while _folded(other) in used:
            number += 1
            other = _no_device(_shortened(f"{stem}-{number}{ending}", tail=f"-{number}{ending}"))
        used.add(_folded(other))
        apart.append(other)
    return apart


def _split(name: str) -> tuple[str, str]:
    """Return stem and ending, such as ``.mp4``."""
    stem, dot, ending = name.rpartition(".")
    proper = stem and ending and len(ending.encode()) < _LONGEST_ENDING and " " not in ending
    return (stem, dot + ending) if proper else (name, "")


def _shortened(name: str, tail: str = "") -> str:
    """Cut *name* in front of its *tail*, which is its ending if none is given."""
    if len(name.encode()) <= LONGEST:
        return name
    tail = tail or _split(name)[1]
    stem = name.removesuffix(tail).encode()[: LONGEST - len(tail.encode())].decode(errors="ignore")
    return (stem.rstrip(" .") or _NAMELESS) + tail


def _no_device(name: str) -> str:
    """Return *name* so that it is no device of Windows, where ``aux.mp4`` is one as well."""
    stem = unicodedata.normalize("NFKC", name.partition(".")[0]).strip().casefold()
    return _shortened(f"_{name}") if stem in _DEVICES else name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
