"""The files the emulator serves: results of tasks and uploads."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import io
import struct
import wave
import zlib
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


@functools.cache
def sample_image() -> bytes:
    """Return the PNG that every emulated image model produces: 64 by 36 points, from dark to light."""
    width, height = 64, 36
    row = b"\0" + bytes(4 * x for x in range(width) for _ in "rgb")
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(row * height)),
        (b"IEND", b""),
    )
    image = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks:
        image += len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
    return image


@functools.cache
def sample_sound() -> bytes:
    """Return the WAV that every emulated speech model produces: a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000))
    return file.getvalue()


def video_of(size: int) -> bytes:
    """Return the sample video, made ``size`` bytes long by a box that players skip; it is never made shorter."""
    video = sample_video()
    padding = size - len(video)
    return video if padding < 8 else video + padding.to_bytes(4) + b"free" + bytes(padding - 8)


def file_response(request: web.Request, file: StoredFile) -> web.Response:
    """
    Answer a GET or HEAD for ``file``, or for the part of it that a ``Range`` header with one range asks for.

    :param request: the request, for its method, its ``Range`` and its ``If-Range``.
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
    if wanted.start is None or request.headers.get("If-Range", headers["ETag"]) != headers["ETag"]:
        return web.Response(body=file.data, headers=headers)
    first, stop, _ = wanted.indices(size)
    if first >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{stop - 1}/{size}"
    return web.Response(status=206, body=file.data[first:stop], headers=headers)
