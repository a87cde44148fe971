"""Requests as the vendor's own client (Wiro-MCP 1.2.1) sends them over Node's ``fetch``: paths, headers, bodies."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import Any

import requests

# What Node's fetch adds by itself.
FETCH = {
    "accept": "*/*",
    "accept-language": "*",
    "sec-fetch-mode": "cors",
    "user-agent": "node",
    "accept-encoding": "gzip, deflate",
}
BOUNDARY = "----formdata-undici-031424351746"


class VendorClient:
    """Sends to ``url``; without a ``secret`` it sends the key alone."""

    def __init__(self, url: str, key: str = "emulator-key", secret: str | None = "emulator-secret") -> None:
        self.url, self.key, self.secret = url, key, secret

    def headers(self) -> dict[str, str]:
        headers = {"x-api-key": self.key, "Content-Type": "application/json"}
        if self.secret is not None:
            nonce = str(int(time.time() * 1000))
            signed = hmac.new(self.key.encode(), (self.secret + nonce).encode(), hashlib.sha256)
            headers |= {"x-signature": signed.hexdigest(), "x-nonce": nonce}
        return headers

    def send(self, path: str, body: dict[str, Any]) -> requests.Response:
        raw = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
        return requests.post(self.url + path, data=raw, headers=self.headers() | FETCH, timeout=5)

    def request(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer; what is no HTTP 2xx is an error, as in the client."""
        response = self.send(path, body)
        assert response.ok, f"Wiro API error {response.status_code}: {response.text}"
        answer: dict[str, Any] = response.json()
        return answer

    def run(self, model: str, **params: Any) -> dict[str, Any]:
        return self.request(f"/Run/{model}", params)

    def model_schema(self, model: str) -> dict[str, Any]:
        owner, _, project = model.partition("/")
        return self.request("/Tool/Detail", {"slugowner": owner, "slugproject": project})

    def search_models(self, **params: Any) -> dict[str, Any]:
        body: dict[str, Any] = {
            "start": str(params.pop("start", 0)),
            "limit": str(params.pop("limit", 20)),
            "search": "",
            "categories": [],
            "sort": "relevance",
            "hideworkflows": True,
            "summary": True,
        }
        return self.request("/Tool/List", body | params)

    def list_tasks(self, start: int = 0, limit: int = 20, model: str | None = None) -> dict[str, Any]:
        body = {"type": "model", "sort": "id", "order": "DESC", "start": str(start), "limit": str(limit)}
        return self.request("/Task/List", body | ({} if model is None else {"modelName": model}))

    def cancel(self, token: str) -> dict[str, Any]:
        """Cancel by a token, which it first resolves to a taskid."""
        [task] = self.request("/Task/Detail", {"tasktoken": token})["tasklist"]
        return self.request("/Task/Cancel", {"taskid": task["id"]})

    def upload(self, name: str, content_type: str, data: bytes) -> dict[str, Any]:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        raw = f"{head}Content-Type: {content_type}\r\n\r\n".encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
        headers = self.headers() | FETCH | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        response = requests.post(f"{self.url}/File/Upload", data=raw, headers=headers, timeout=5)
        answer: dict[str, Any] = response.json()
        return answer
