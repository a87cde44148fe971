"""Which saved files are streamed: those below a prefix of ``[wiro] gallery_roots``.

Who may write an XCom could else read whatever the API server may read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

LONGEST = 2048
# Never a path of the machine that the API server runs on, and no address that a browser opens by itself.
NEVER = frozenset({"file", "local", "http", "https", "memory", "data"})
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/@]+)@)?([^/@]+)(?:/(.*))?")
_FORBIDDEN = re.compile(r"[\\?#]|::")


@dataclass(frozen=True, slots=True)
class Stored:
    """A place in an object storage.

    :param conn_id: the Airflow connection that leads there; None: whatever the API server has by itself.
    :param parts: the path's parts below the bucket, none of which leads elsewhere.
    """

    address: str
    scheme: str
    conn_id: str | None
    bucket: str
    key: str
    parts: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.parts[-1] if self.parts else ""

    def is_below(self, root: Stored) -> bool:
        """Whether it is in that place, reached by the same connection: to a storage, "//" is another place than "/"."""
        same = (self.scheme, self.conn_id, self.bucket) == (root.scheme, root.conn_id, root.bucket)
        beginning = f"{root.key.rstrip('/')}/" if root.parts else ""
        return same and len(self.parts) > len(root.parts) and self.key.startswith(beginning)


def read_stored(address: object) -> Stored | None:
    """Read an address as ObjectStoragePath writes it; None for one that is odd in any way, or none to be streamed."""
    if not isinstance(address, str) or len(address) > LONGEST or not address.isprintable():
        return None
    found = _ADDRESS.fullmatch(address)
    if found is None or _FORBIDDEN.search(address):
        return None
    scheme, conn_id, bucket, key = found[1].lower(), found[2], found[3], found[4] or ""
    parts = tuple(part for part in key.split("/") if part)
    if scheme in NEVER or any(_leads_elsewhere(part) for part in (bucket, *parts)):
        return None
    return Stored(f"{scheme}://{f'{conn_id}@' if conn_id else ''}{bucket}/{key}", scheme, conn_id, bucket, key, parts)


def read_roots(value: str | None) -> tuple[list[Stored], list[str]]:
    """Read the option: the prefixes, and what is none."""
    texts = [text.strip() for text in (value or "").split(",") if text.strip()]
    read = [(text, read_stored(text)) for text in texts]
    return [root for _, root in read if root is not None], [text for text, root in read if root is None]


def streamable(address: object, roots: Iterable[Stored]) -> Stored | None:
    """Return the place of a file that may be streamed; None for any other."""
    stored = read_stored(address)
    return stored if stored is not None and any(stored.is_below(root) for root in roots) else None


def _leads_elsewhere(part: str) -> bool:
    """Whether a part of a path is not only a name, also where a storage should decode it, once or twice."""
    for _ in range(3):
        if part.strip() in (".", "..") or "/" in part or "\\" in part:
            return True
        part = unquote(part)
    return False
