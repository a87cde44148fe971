"""Which bytes of a file a browser asks for."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


class Unsatisfiable(ValueError):
    """No such bytes are in the file."""


def wanted(header: str | None, size: int) -> tuple[int, int] | None:
    """Return first byte and the one after the last; None: the whole file, also where more than one range is asked for.

    :raises Unsatisfiable: if the file ends before.
    """
    found = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if found is None or found[1] == found[2] == "":
        return None
    if found[1] == "":
        last = int(found[2])
        if last == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - last), size
    first = int(found[1])
    end = min(int(found[2]) + 1, size) if found[2] else size
    if found[2] and int(found[2]) < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return first, end
