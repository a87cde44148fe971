"""A small S3 on a socket: as much of it as s3fs asks for; a bucket or a right may be missing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

DATE = "2026-11-26T12:00:00.000Z"


@dataclass
class SmallS3:
    """What is stored.

    :param buckets: the objects of each bucket that is there.
    :param denied: actions of IAM that nobody may do, such as "s3:ListBucket".
    :param uploads: the parts of each upload that was begun and neither ended nor given up.
    :param parts_left: how many parts are taken until the buckets are gone; None: all.
    :param content_type: what all objects are said to be.
    :param conditional: what becomes of a PUT with If-None-Match: it is obeyed, ignored, or refused as unknown (501).
    """

    url: str = ""
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    parts_left: int | None = None
    denied: set[str] = field(default_factory=set)
    conditional: str = "obeyed"
    content_type: str | None = None
    lose_answers: int = 0
    made: list[str] = field(default_factory=list)
    begun: int = 0

    def answer(self, method: str, bucket: str, key: str, query: dict[str, list[str]], only: bool, body: bytes) -> Any:
        """Return status and body of the answer to a request."""
        action = _action(method, key)
        if action in self.denied or (action == "s3:GetObject" and self._hides(bucket, key)):
            return _error(403, "AccessDenied")
        if action == "s3:CreateBucket":
            self.made.append(bucket)
            self.buckets[bucket] = {}
            return 200, b""
        if bucket not in self.buckets:
            return _error(404, "NoSuchBucket")
        objects = self.buckets[bucket]
        if {"uploads", "uploadId"} & query.keys():
            return self._upload(method, bucket, key, query, body)
        if action == "s3:ListBucket":
            return 200, b"" if method == "HEAD" else _listing(objects, query)
        if action == "s3:PutObject":
            return self._put(objects, key, only, body)
        if action == "s3:DeleteObject":
            objects.pop(key, None)
            return 204, b""
        return (200, objects[key]) if key in objects else _error(404, "NoSuchKey")

    def _hides(self, bucket: str, key: str) -> bool:
        """Return whether a file that is missing is forbidden instead, as S3 has it for who may not list."""
        return "s3:ListBucket" in self.denied and key not in self.buckets.get(bucket, {})

    def _upload(self, method: str, bucket: str, key: str, query: dict[str, list[str]], body: bytes) -> Any:
        """Begin an upload in parts, take a part, end the upload, or give it up."""
        if "uploads" in query:
            name = f"upload-{self.begun}"
            self.begun += 1
            self.uploads[name] = {}
            return 200, f"<R><UploadId>{name}</UploadId></R>".encode()
        [name] = query["uploadId"]
        if name not in self.uploads:
            return _error(404, "NoSuchUpload")
        if method == "PUT":
            if self.parts_left == 0:
                self.buckets.clear()
                return _error(404, "NoSuchBucket")
            self.parts_left = None if self.parts_left is None else self.parts_left - 1
            self.uploads[name][int(query["partNumber"][0])] = body
            return 200, b""
        parts = self.uploads.pop(name)
        if method == "DELETE":
            return 204, b""
        self.buckets[bucket][key] = b"".join(part for _, part in sorted(parts.items()))
        return 200, b"<R><ETag>whole</ETag></R>"

    def _put(self, objects: dict[str, bytes], key: str, only: bool, body: bytes) -> tuple[int, bytes]:
        if only and self.conditional == "unknown":
            return _error(501, "NotImplemented")
        if only and self.conditional == "obeyed" and key in objects:
            return _error(412, "PreconditionFailed", "<Condition>If-None-Match</Condition>")
        objects[key] = body
        if self.lose_answers > 0:
            self.lose_answers -= 1
            return _error(500, "InternalError")
        return 200, b""


def _action(method: str, key: str) -> str:
    if method == "POST":
        return "s3:PutObject"
    if not key:
        return {"PUT": "s3:CreateBucket"}.get(method, "s3:ListBucket")
    return {"PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}.get(method, "s3:GetObject")


def _error(status: int, code: str, more: str = "") -> tuple[int, bytes]:
    return status, f"<Error><Code>{code}</Code><Message>{code}</Message>{more}</Error>".encode()


def _listing(objects: dict[str, bytes], query: dict[str, list[str]]) -> bytes:
    prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
    keys = [key for key in sorted(objects) if key.startswith(prefix)]
    folders = {
        prefix + key[len(prefix) :].split(delimiter)[0] + delimiter
        for key in keys
        if delimiter and delimiter in key[len(prefix) :]
    }
    files = [key for key in keys if not any(key.startswith(folder) for folder in folders)]
    contents = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>{DATE}</LastModified><Size>{len(objects[key])}</Size></Contents>"
        for key in files
    )
    prefixes = "".join(f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in sorted(folders))
    return f"<ListBucketResult><KeyCount>{len(files)}</KeyCount>{contents}{prefixes}</ListBucketResult>".encode()


@contextmanager
def small_s3(*buckets: str) -> Iterator[SmallS3]:
    """Serve a small S3 on loopback."""
    store = SmallS3(buckets={bucket: {} for bucket in buckets})

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            url = urlsplit(self.path)
            bucket, _, key = unquote(url.path).lstrip("/").partition("/")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            only = self.headers.get("If-None-Match") == "*"
            query = parse_qs(url.query, keep_blank_values=True)
            status, content = store.answer(self.command, bucket, key, query, only, body)
            if status == 200 and (wanted := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))):
                status, content = 206, content[int(wanted[1]) : int(wanted[2] or len(content)) + 1]
            self.send_response(status)
            self.send_header("ETag", '"etag"')
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            if store.content_type is not None:
                self.send_header("Content-Type", store.content_type)
            self.send_header("Last-Modified", "Thu, 26 Nov 2026 12:00:00 GMT")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_one

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store.url = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield store
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
