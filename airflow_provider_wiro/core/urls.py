"""The address of a file that Wiro names, read tolerantly: it is paid for."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

LONGEST_URL = 8000

# What RFC 3986 lets stand in an address; a "%" that begins no escape is none of it.
_ALLOWED = "!#$%&'()*+,/:;=?@[]~"
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"(https?):(?=//)", re.IGNORECASE)


def read_url(value: object) -> str | None:
    """Return *value* as an http(s) address with the characters that RFC 3986 allows; None if it is none.

    White space around it goes, ``//host`` is https, spaces and letters that are not ASCII are encoded, what is encoded
    already stays as it is.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    text = f"https:{text}" if text.startswith("//") else text
    scheme = _SCHEME.match(text)
    if scheme is None or not text.isprintable() or len(text) > LONGEST_URL:
        return None
    try:
        host = urlsplit(text).netloc
        ascii_host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # of the "idna" codec too
        return None
    if not host or re.search(r"\s", host):
        return None
    rest = _BARE_PERCENT.sub("%25", text[scheme.end() + len("//") + len(host) :])
    url = f"{scheme[1].lower()}://{ascii_host}{quote(rest, safe=_ALLOWED)}"
    return url if len(url) <= LONGEST_URL else None
