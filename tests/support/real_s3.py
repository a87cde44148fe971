"""An S3 that is none of ours: moto's server, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

SAYS_WHERE = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True, slots=True)
class RealS3:
    """A server that is running."""

    url: str


@contextmanager
def moto_s3() -> Iterator[RealS3]:
    """Serve an S3 on a free port of loopback; it begins without a bucket."""
    command = [sys.executable, "-W", "ignore", "-c", "import moto.server; moto.server.main()"]
    server = subprocess.Popen(
        [*command, "-H", "127.0.0.1", "-p", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    reading = threading.Thread(target=server.stderr.read)  # it says each request, and waits where nobody reads
    try:
        yield RealS3(_address(server.stderr, reading))
    finally:
        server.terminate()
        server.wait()
        if reading.ident is not None:
            reading.join()
        server.stderr.close()


def _address(said: TextIO, reading: threading.Thread) -> str:
    lines: list[str] = []
    for line in said:
        lines.append(line)
        if where := SAYS_WHERE.search(line):
            reading.start()
            return where[1]
    raise RuntimeError("".join(lines))
