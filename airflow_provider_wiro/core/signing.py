"""The headers that authenticate a request."""

from __future__ import annotations

import hmac


def auth_headers(api_key: str, api_secret: str | None, nonce: str) -> dict[str, str]:
    """Return Wiro's authentication headers.

    :param api_key: the project's API key.
    :param api_secret: the project's API secret; None or empty for a project that uses the key alone.
    :param nonce: unix time or any integer, never used before with this key.
    :returns: ``x-api-key`` and, with a secret, ``x-nonce`` and ``x-signature``: the lower-case hex of
        HMAC-SHA256 with the API key as key and API secret + nonce as message.
    """
    if not api_secret:
        return {"x-api-key": api_key}
    signature = hmac.digest(api_key.encode(), f"{api_secret}{nonce}".encode(), "sha256").hex()
    return {"x-api-key": api_key, "x-nonce": nonce, "x-signature": signature}
