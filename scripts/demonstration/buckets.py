"""What stands for two buckets: folders, which Airflow opens as it opens a bucket. And the image in one of them."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "file://"
WIDTH, HEIGHT = 1280, 720
KITE, TAIL = b"\xd2\x32\x28", b"\xf5\xd7\x5a"
# The middle of the kite, its upper and lower height, and half of its width, in points.
MIDDLE, TOP, MOST, BOTTOM, HALF = 640, 120, 240, 480, 110


@dataclass(frozen=True)
class Buckets:
    """Two buckets below a folder.

    :param folder: where they are, and stay.
    """

    folder: Path

    @property
    def image(self) -> str:
        """Where the image is."""
        return f"{FILE}{self.folder / 'images' / 'kite.png'}"

    @property
    def videos(self) -> str:
        """The bucket that videos are saved in."""
        return f"{FILE}{self.folder / 'videos'}"

    def fill(self) -> Path:
        """Put an image into the first one."""
        image = path_of(self.image)
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(kite())
        return image


def path_of(uri: str) -> Path:
    """The file that a file:// address names."""
    return Path(uri.removeprefix(FILE))


def manifest_beside(uri: str) -> tuple[Path, dict[str, Any]]:
    """The manifest of a saved file: where it is, and what it says."""
    path = path_of(uri).with_name("manifest.json")
    told: dict[str, Any] = json.loads(path.read_text())
    return path, told


def kite() -> bytes:
    """A picture of a kite in the sky, as PNG."""
    rows = b"".join(b"\0" + _row(y) for y in range(HEIGHT))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big") for kind, data in chunks
    )


def _row(y: int) -> bytes:
    sky = bytes((90 + y // 8, 150 + y // 10, 235)) * WIDTH
    if TOP <= y <= BOTTOM:
        half = HALF * (y - TOP) // (MOST - TOP) if y <= MOST else HALF * (BOTTOM - y) // (BOTTOM - MOST)
        return _painted(sky, MIDDLE - half, KITE * (2 * half + 1))
    if y > BOTTOM:
        return _painted(sky, MIDDLE + (y - BOTTOM) // 3, TAIL * 5)
    return sky


def _painted(row: bytes, x: int, points: bytes) -> bytes:
    return row[: 3 * x] + points + row[3 * x + len(points) :]
