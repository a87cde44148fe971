"""The files the emulator serves: results of tasks and uploads."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class StoredFile:
    """A file with a public address on the emulator: ``name``, ``content_type`` (a MIME type) and its ``data``."""

    name: str
    content_type: str
    data: bytes


@functools.cache
def sample_video() -> bytes:
    """Return the MP4 that every emulated video model produces: five seconds of H.264 without sound."""
    return importlib.resources.files(__package__).joinpath("sample.mp4").read_bytes()


def video_of(size: int) -> bytes:
    """Return the sample video, made ``size`` bytes long by a box that players skip; it is never made shorter."""
    video = sample_video()
    padding = size - len(video)
    return video if padding < 8 else video + padding.to_bytes(4) + b"free" + bytes(padding - 8)


def file_response(request: web.Request, file: StoredFile) -> web.Response:
    """
    Answer a GET or HEAD for ``file``, or for the part of it that a ``Range`` header with one range asks for.

    :param request: the request, for its method and its ``Range``.
    :param file: what to serve.
    """
    size = len(file.data)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Type": file.content_type,
        "ETag": f'"{hashlib.sha256(file.data).hexdigest()[:32]}"',
    }
    try:
        wanted = request.http_range
    except ValueError:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    if wanted.start is None:
        return web.Response(body=file.data, headers=headers)
    first, stop, _ = wanted.indices(size)
    if first >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{stop - 1}/{size}"
    return web.Response(status=206, body=file.data[first:stop], headers=headers)
