"""Signed requests, written from the documentation and sharing nothing with the package."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from types import TracebackType
from typing import Any, Self

import requests

RUNWAY = "/Run/Runway/image-to-video-gen4-turbo"
INPUTS: dict[str, Any] = {
    "inputImageUrl": "Runway_image-to-video-gen4-turbo_input_2.png",
    "prompt": "A miniature steam engine train travels along winding model railroad tracks",
    "ratio": "1280:720",
    "duration": "5",
    "contentModeration": "auto",
    "seed": 0,
}
_nonces = itertools.count(1734513807)


def signed_headers(key: str, secret: str) -> dict[str, str]:
    nonce = str(next(_nonces))
    signature = hmac.new(key.encode(), f"{secret}{nonce}".encode(), hashlib.sha256).hexdigest()
    return {"x-api-key": key, "x-nonce": nonce, "x-signature": signature, "User-Agent": "tests"}


class Client:
    """Sends signed requests to ``url``."""

    def __init__(self, url: str, key: str = "emulator-key", secret: str = "emulator-secret") -> None:
        self.url, self.key, self.secret = url, key, secret
        self._session = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._session.close()

    def send(self, path: str, *, timeout: float = 5, headers: dict[str, str] | None = None, **body: Any) -> Any:
        sent = signed_headers(self.key, self.secret) | (headers or {})
        return self._session.post(self.url + path, headers=sent, timeout=timeout, allow_redirects=False, **body)

    def post(self, path: str, **fields: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.send(path, json=fields).json()
        return answer

    def run(self, path: str = RUNWAY, **inputs: Any) -> str:
        """Start a task that must be accepted, and return its taskid."""
        answer = self.post(path, **(INPUTS | inputs if path == RUNWAY else inputs))
        assert answer["result"] is True, answer
        return str(answer["taskid"])

    def detail(self, taskid: str) -> dict[str, Any]:
        """The task's row."""
        answer = self.post("/Task/Detail", taskid=taskid)
        assert answer["result"] is True, answer
        row: dict[str, Any] = answer["tasklist"][0]
        return row

    def refusal(self, path: str, **fields: Any) -> tuple[int, str]:
        """Code and message of a refusal that comes with HTTP 200."""
        response = self.send(path, json=fields)
        answer = response.json()
        assert (response.status_code, answer["result"]) == (200, False), answer
        return answer["errors"][0]["code"], answer["errors"][0]["message"]
