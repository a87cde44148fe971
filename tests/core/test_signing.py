"""Signatures, against vectors that OpenSSL made.

Each with the seed's command, with the values in place of the variables::

    printf %s "${YOUR_API_SECRET}${NONCE}" | openssl dgst -sha256 -hmac "${YOUR_API_KEY}"
"""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.signing import auth_headers

VECTORS = [
    ("my-api-key", "my-api-secret", "1734513807", "5e889423499dcf3abceba3c6f7ff523dbfef1c25e0e012f30ab87806eb314fd3"),
    ("emulator-key", "emulator-secret", "0", "265f84c540b1f863cbaea21b6d7e6dd17946065e70cb8ce11c6316d259b88eb6"),
    ("k" * 70, "s", "9007199254740991", "44c8917485ae90e20fd5c0dcfc7106d0504b220b5e0965ee02abe86894dd561f"),
    ("a key with spaces", "$ecret\"'\\", "17", "39c66abd5fccdf8b7285f4b08400acc3a3715c0bab55a430a1099da249650d61"),
    (
        "0",
        "0123456789abcdef0123456789abcdef",
        "1766390400",
        "a161b32e2bb1b9dcc52eb6a4665189aeea159c55c8bd1030bd98dc706d1462df",
    ),
]


@pytest.mark.parametrize(("key", "secret", "nonce", "signature"), VECTORS)
def test_a_signature_is_the_one_that_openssl_makes(key: str, secret: str, nonce: str, signature: str) -> None:
    assert auth_headers(key, secret, nonce) == {"x-api-key": key, "x-nonce": nonce, "x-signature": signature}


@pytest.mark.parametrize("secret", [None, ""])
def test_a_project_that_uses_the_key_alone_sends_neither_nonce_nor_signature(secret: str | None) -> None:
    assert auth_headers("key", secret, "1734513807") == {"x-api-key": "key"}
