"""A service as lean as it can be, so that what is measured is the client: it checks the signature, and answers 1.6 kB.

`served()` runs it in a process of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY, SECRET = "key-of-the-benchmark", "secret-of-the-benchmark"
TASKID = "2221"
BODY_LENGTH = 1_600
CERTIFICATE = "LEAN_SERVER_CERTIFICATE"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SIGNED = {name: re.compile(rb"\r\n" + name + rb": *(\S+)", re.IGNORECASE) for name in (b"x-nonce", b"x-signature")}


def answer() -> bytes:
    """Return the answer to Detail for a task that is running, with a prompt of such a length that it is 1.6 kB."""
    times = dict.fromkeys(("starttime", "endtime", "preprocessstarttime", "preprocessendtime", "canceltime"), "0")
    row = {
        "id": TASKID,
        "uuid": "15bce51f-442f-4f44-a71d-13c6374a62b4",
        "socketaccesstoken": "eDcCm5yyUfIvMFspTwww49OUfgXkQt",
        "status": "task_start",
        "createtime": "1734513807",
        "accepttime": "1734513807",
        "assigntime": "1734513807",
        **times,
        "elapsedseconds": "6.0000",
        "cps": "0.000500000000",
        "totalcost": "0.000000000000",
        "debugoutput": "",
        "debugerror": "",
        "pexit": None,
        "categories": '["tool","video"]',
        "outputs": [],
        "parameters": {"prompt": "", "inputImageUrl": "https://example.com/first.jpg", "duration": "5"},
    }
    body = {"total": "1", "errors": [], "tasklist": [row], "result": True}
    row["parameters"] = {**row["parameters"], "prompt": "x" * (BODY_LENGTH - len(json.dumps(body)))}  # type: ignore[dict-item]
    return json.dumps(body).encode()


def reply(status: bytes, body: bytes) -> bytes:
    """Return an HTTP answer with a body of JSON."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nDate: Thu, 26 Nov 2026 08:00:00 GMT\r\n" % status
    return head + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Server(asyncio.Protocol):
    """Answers one request after the other."""

    good = reply(b"200 OK", answer())
    bad = reply(b"401 Unauthorized", b'{"result":false,"errors":[{"code":98,"message":"signature"}]}')

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.read = b""

    def data_received(self, data: bytes) -> None:
        self.read += data
        while (end := self.read.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self.read, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self.read) < whole:
                return
            head, body, self.read = self.read[:end], self.read[end + 4 : whole], self.read[whole:]
            self.transport.write(self.reply_to(head, body) if is_signed(head) else self.bad)

    def reply_to(self, head: bytes, body: bytes) -> bytes:
        """Answer a signed request."""
        return self.good


def is_signed(head: bytes) -> bool:
    """Whether a request has the signature that it should have."""
    nonce, signature = (found and found[1] for found in (_SIGNED[name].search(head) for name in _SIGNED))
    if not nonce or not signature:
        return False
    due = hmac.new(KEY.encode(), SECRET.encode() + nonce, hashlib.sha256).hexdigest().encode()
    return hmac.compare_digest(due, signature)


@contextmanager
def served(*arguments: str, script: str = __file__, certificate: Path | None = None) -> Iterator[str]:
    """Run the server of *script* in a process of its own; give its base URL.

    :param certificate: a file with a key and a certificate for 127.0.0.1: it speaks TLS.
    """
    environment = os.environ | ({CERTIFICATE: str(certificate)} if certificate else {})
    command = [sys.executable, script, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        try:
            scheme = "https" if certificate else "http"
            yield f"{scheme}://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


async def serve(server_class: type[Server]) -> None:
    """Serve until this process is ended; print the port first."""
    context = None
    if CERTIFICATE in os.environ:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(os.environ[CERTIFICATE])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(server_class, "127.0.0.1", 0, backlog=1_000, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Server))
