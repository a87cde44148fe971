"""The emulator's own check of a request's credentials, written from the API's documentation alone."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from airflow_provider_wiro.emulator.refusals import NO_SIGNATURE, NO_SUCH_KEY, WRONG_SIGNATURE


def refusal(headers: Mapping[str, str], api_key: str, api_secret: str | None) -> str | None:
    """
    Say why a request's credentials are refused, or None when they are right.

    :param headers: the request's headers with lower-case names.
    :param api_key: the only key that is right.
    :param api_secret: its secret, or None for an API-key-only project, where nothing is signed.
    """
    given_key = headers.get("x-api-key", "")
    if not _same(given_key, api_key):
        return NO_SUCH_KEY
    if api_secret is None:
        return None
    nonce, signature = headers.get("x-nonce", ""), headers.get("x-signature", "")
    if not nonce or not signature:
        return NO_SIGNATURE
    expected = hmac.new(api_key.encode(), (api_secret + nonce).encode(errors="surrogateescape"), hashlib.sha256)
    if not _same(signature, expected.hexdigest()):
        return WRONG_SIGNATURE
    return None


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogateescape"), right.encode(errors="surrogateescape"))
