"""A file as multipart/form-data, piece by piece: no more than one piece of it is in memory."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from airflow_provider_wiro.core.files import Upload
from airflow_provider_wiro.core.text import one_line, without_secrets

PIECE = 256 * 1024


class NotAsItWas(OSError):
    """The file could not be read as it was read before; what was sent of it is no whole request."""


@dataclass(frozen=True, slots=True)
class Multipart:
    """One file as the body of a request.

    :param boundary: what stands around it.
    """

    upload: Upload
    boundary: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def headers(self) -> dict[str, str]:
        """The headers that say what the body is."""
        length = len(self._head) + self.upload.source.size + len(self._tail)
        return {"Content-Type": f"multipart/form-data; boundary={self.boundary}", "Content-Length": str(length)}

    @property
    def _head(self) -> bytes:
        source = self.upload.source
        kind = source.type.content_type if source.type else "application/octet-stream"
        named = f'Content-Disposition: form-data; name="file"; filename="{source.sent_name}"'
        return f"--{self.boundary}\r\n{named}\r\nContent-Type: {kind}\r\n\r\n".encode()

    @property
    def _tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body. It only comes to its end if the file is the one that was looked at before.

        The file is read in this thread, whose event loop has nothing else to do: what hangs in a storage then hangs in
        a thread that can be left alone.
        """
        yield self._head
        digest, left = hashlib.sha256(), self.upload.source.size
        while left > 0:
            piece = self._read(min(PIECE, left), at_start=left == self.upload.source.size)
            if not piece:
                break
            digest.update(piece)
            left -= len(piece)
            yield piece
        if left > 0 or digest.hexdigest() != self.upload.source.sha256 or self._read(1, at_start=False):
            raise self._problem("has changed while it was uploaded")
        yield self._tail

    def _read(self, size: int, *, at_start: bool) -> bytes:
        try:
            if at_start:
                self.upload.file.seek(0)
            return self.upload.file.read(size)
        except Exception as error:
            said = one_line(without_secrets(f"{type(error).__name__}: {error}"), 200)
            raise self._problem(f"could not be read while it was uploaded ({said})") from None

    def _problem(self, problem: str) -> NotAsItWas:
        self.upload.problem = problem
        return NotAsItWas(problem)
