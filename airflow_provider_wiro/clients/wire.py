"""What both drivers share: how a step becomes a request, and what the environment says about the way out."""

from __future__ import annotations

import json
import os
import re
import secrets
import ssl
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import certifi
from requests.utils import get_environ_proxies, select_proxy

from airflow_provider_wiro import __version__
from airflow_provider_wiro.clients.upload import Multipart
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import NoReply, Reply, Report, Send
from airflow_provider_wiro.core.signing import auth_headers
from airflow_provider_wiro.core.text import as_text, one_line, without_secrets
from airflow_provider_wiro.core.value import value
from airflow_provider_wiro.exceptions import WiroConfigError, WiroInputError

# A connection that takes longer was surely not used: that must show before the whole exchange is out of time.
CONNECT_SHARE = 0.8
LONGEST_BODY = 8 * 1024 * 1024
SHORTEST_SECRET = 6
USER_AGENT = f"airflow-provider-wiro/{__version__}"
# What each request to the API says alike; the session adds it.
API_HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": USER_AGENT,
}

_ENCODER = json.JSONEncoder(allow_nan=False)


def log_report(step: Report, log: Log) -> None:
    """Carry out a ``Report`` step."""
    write = log.warning if step.level == "warning" else log.info
    write("%s", step.message)


@value
class Request:
    """One signed POST, ready for a session that says ``API_HEADERS``.

    :param headers: what this request says alone.
    :param timeout: seconds for all of it.
    :param connect: seconds for the connection.
    :param file: sent instead of *body*, where there is one.
    :param longest: how many bytes of the answer are read.
    """

    url: str
    headers: Mapping[str, str]
    body: bytes
    timeout: float
    connect: float
    file: Multipart | None = None
    longest: int = LONGEST_BODY


def sign(step: Send, credentials: Credentials) -> Request:
    """Turn a step into a signed request, with a nonce that was never used."""
    try:
        body = _ENCODER.encode(step.body).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise WiroInputError(f"the inputs cannot be sent as JSON: {one_line(error)}") from None
    nonce = str(secrets.randbits(53))
    headers = auth_headers(credentials.api_key, credentials.api_secret, nonce)
    file = None if step.file is None else Multipart(step.file)
    headers |= file.headers if file else {}
    timeout = step.timeout or credentials.timeout
    connect = (credentials.timeout if file else timeout) * CONNECT_SHARE
    return Request(
        f"{credentials.base_url}{step.path}", headers, body, timeout, connect, file, step.longest or LONGEST_BODY
    )


def read_reply(
    status: int, raw: bytes, headers: Mapping[str, str], credentials: Credentials, longest: int = LONGEST_BODY
) -> Reply | NoReply:
    """Read an answer, without the key and the secret that an API may repeat in what it complains about.

    :param raw: the body as it came over the wire.
    :param headers: names in any case.
    """
    unpacked = _unpack(raw, headers.get("Content-Encoding", ""), longest)
    if unpacked is None:
        return too_long(longest)
    raw = unpacked
    for secret in filter(None, (credentials.api_key, credentials.api_secret)):
        if len(secret) >= SHORTEST_SECRET:
            raw = raw.replace(secret.encode(), b"***")
    return Reply.from_http(status, raw, headers.get("Retry-After"), time.time(), headers.get("Date"))


def too_long(longest: int) -> NoReply:
    """Return what an answer of more than so many bytes counts as."""
    return NoReply(sent=True, reason=f"the answer is longer than {longest} bytes")


def _unpack(raw: bytes, encoding: str, longest: int) -> bytes | None:
    """Unpack gzip here, within bounds: the libraries' own bounds differ by version. None if it is too long."""
    if not raw or encoding.strip().lower() in ("", "identity"):
        return raw
    if encoding.strip().lower() not in ("gzip", "x-gzip"):
        return b"a body in an encoding that was not asked for"
    unpacker = zlib.decompressobj(wbits=31)
    try:
        body = unpacker.decompress(raw, longest + 1)
    except zlib.error:
        return b"a body that is no gzip"
    if len(body) > longest:
        return None
    return body if unpacker.eof else b"a body that is cut off in the middle of its gzip"


def words_of(error: object) -> str:
    """Return what an HTTP library says as one line, without credentials, query, or its own objects."""
    said = re.sub(r" ssl:(<[^>]*>|\w+)", "", as_text(error))
    return one_line(without_secrets(re.sub(r"//[^/\s]*@", "//", said)), 200)


def proxy_for(base_url: str) -> str | None:
    """Return the proxy that HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY name for *base_url*.

    :raises WiroConfigError: if it is not an http(s) proxy.
    """
    proxy: str | None = select_proxy(base_url, get_environ_proxies(base_url))
    if not proxy:
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    try:
        usable = urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname)
    except ValueError:
        usable = False
    if not usable:
        raise WiroConfigError("the proxy of the environment is not an http or https URL; set HTTPS_PROXY or NO_PROXY")
    return url


def tls_context(credentials: Credentials) -> ssl.SSLContext | Literal[False]:
    """Return how servers are verified, the same on each version of Python; False where they are not.

    The CA file or folder is, in this order: the connection's ``verify``, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE,
    SSL_CERT_FILE, certifi.

    :raises WiroConfigError: if it does not exist or holds no certificate.
    """
    if credentials.verify is False:
        return False
    named, where = _ca(credentials)
    try:
        folder = Path(named).is_dir()
        context = ssl.create_default_context(cafile=None if folder else named, capath=named if folder else None)
    except FileNotFoundError:
        problem = "does not exist on this machine"
    except (OSError, ValueError):
        problem = "cannot be read as PEM certificates"
    else:
        # Python 3.13 is stricter than 3.12: many private CAs have no key identifiers.
        context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        return context
    raise WiroConfigError(
        f"{credentials.origin}: the CA file {named!r}, {where}, {problem}; "
        "in the extra verify, allowed are true, false and the path of a CA file"
    )


def _ca(credentials: Credentials) -> tuple[str, str]:
    """Return the CA file or folder, and where it is named."""
    if isinstance(credentials.verify, str):
        return credentials.verify, "as its extra verify says"
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := os.environ.get(name):
            return path, f"as {name} of the environment says"
    return certifi.where(), "which certifi has"
