"""Pages that a person can open in a browser: of a model, of what was made, of a saved file."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urldefrag, urlsplit

from airflow_provider_wiro.core.slugs import clean_slug, model_name
from airflow_provider_wiro.core.urls import read_url
from airflow_provider_wiro.exceptions import WiroInputError

MODELS = "https://wiro.ai/models/"

# Of an object storage, the page of one object in its owner's console.
CONSOLES = {
    "gs": "https://console.cloud.google.com/storage/browser/_details/{bucket}/{key}",
    "s3": "https://s3.console.aws.amazon.com/s3/object/{bucket}?prefix={key}",
}

# What a parameter is called that may hold a signature, and how long a value may be that surely is none.
_SECRET = re.compile(r"sig|token|key|secret|credential|auth|pass|policy|expire|^se$|^st$", re.IGNORECASE)
_HARMLESS = 32


def model_page(model: object) -> str:
    """Return the address of a model's page at Wiro; empty where *model* is no name, as a template that failed."""
    try:
        return MODELS + quote(clean_slug(model_name(model)))
    except WiroInputError:
        return ""


def shown_url(url: object) -> str:
    """Return an address as everybody may see it who sees the task; empty where it is none, or may hold a secret.

    A signature is not cut off: the rest would lead nowhere.
    """
    address = read_url(url)
    if address is None or "@" in urlsplit(address).netloc:
        return ""
    address = urldefrag(address).url
    given = parse_qsl(urlsplit(address).query, keep_blank_values=True)
    if any(_SECRET.search(name) or len(name) > _HARMLESS or len(value) > _HARMLESS for name, value in given):
        return ""
    return address


def file_page(uri: object) -> str:
    """Return the page of a saved file; empty where its storage has none.

    :param uri: as Airflow's ObjectStoragePath writes it, such as ``gs://conn_id@bucket/folder/0.mp4``.
    """
    if not isinstance(uri, str):
        return ""
    scheme, _, place = uri.partition("://")
    if scheme in ("http", "https"):
        return shown_url(uri)
    console = CONSOLES.get({"s3a": "s3", "gcs": "gs"}.get(scheme, scheme))
    bucket, _, key = place.rpartition("@")[2].partition("/") if "@" in place.partition("/")[0] else place.partition("/")
    return console.format(bucket=quote(bucket), key=quote(key)) if console and bucket and key else ""
