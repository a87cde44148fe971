"""Reading a request's body: JSON, real multipart/form-data, or the documentation's own mixture of the two."""

from __future__ import annotations

import email
import json
from dataclasses import dataclass
from email.message import Message


class BadBody(ValueError):
    """The body cannot be read; the message says why."""


@dataclass(frozen=True)
class UploadedFile:
    """A file part of a multipart body: its ``filename``, its ``content_type`` (a MIME type) and its ``data``."""

    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True)
class Body:
    """
    A request's ``fields`` by name, and whether they came in a ``form``.

    In a form every value is a string, except files, which are `UploadedFile`.
    """

    fields: dict[str, object]
    form: bool


def parse(content_type: str, raw: bytes) -> Body:
    """
    Return what the body says.

    The documentation's curl examples send a JSON text as ``multipart/form-data`` without a boundary: that is read
    as JSON.

    :param content_type: the request's Content-Type header, with its parameters.
    :param raw: the whole body.
    """
    header = Message()
    header["Content-Type"] = content_type
    kind, boundary = header.get_content_type(), header.get_boundary()
    if kind == "multipart/form-data" and boundary:
        return Body(_form(boundary.encode(), raw), form=True)
    if kind in ("application/json", "multipart/form-data"):
        return Body(_json(raw), form=False)
    raise BadBody(f"The body must be application/json or multipart/form-data, not {content_type or 'untyped'}")


def _json(raw: bytes) -> dict[str, object]:
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise BadBody(f"The body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise BadBody("The body must be a JSON object")
    return body


def _form(boundary: bytes, raw: bytes) -> dict[str, object]:
    parts = (b"\r\n" + raw).split(b"\r\n--" + boundary)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise BadBody("The multipart body does not end with its boundary")
    fields: dict[str, object] = {}
    for part in parts[1:-1]:
        head, separator, data = part.partition(b"\r\n\r\n")
        headers = email.message_from_string(head.decode(errors="replace").strip())
        name = headers.get_param("name", header="content-disposition")
        if not separator or not isinstance(name, str):
            raise BadBody("A part of the multipart body has no name")
        if (filename := headers.get_filename()) is None:
            fields[name] = _text(name, data)
        else:
            fields[name] = UploadedFile(filename, headers.get_content_type(), data)
    return fields


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadBody(f"The form field {name} is not UTF-8") from error
