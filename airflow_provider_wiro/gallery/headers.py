"""What every answer of the gallery forbids the browser to do with it."""

from __future__ import annotations

from typing import Any

from airflow_provider_wiro.gallery.lazy import App, Receive, Scope, Send

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# Where Airflow itself is on this machine, an emulated Wiro may be too, and it speaks http.
EMULATED = " http://localhost:* http://127.0.0.1:*"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' https:{also}; "
    "media-src 'self' https:{also}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


def is_on_loopback(scope: Scope) -> bool:
    """Whether the browser asks a server on its own machine."""
    host = next((value for name, value in scope.get("headers", ()) if name == b"host"), b"").decode("latin-1")
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return name.lower() in LOOPBACK


def guarded(app: App) -> App:
    """Return *app* with these headers on each of its answers."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        policy = POLICY.format(also=EMULATED if is_on_loopback(scope) else "")
        told = {
            b"content-security-policy": policy.encode(),
            b"x-content-type-options": b"nosniff",
            b"referrer-policy": b"no-referrer",
            b"cross-origin-resource-policy": b"same-origin",
        }

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                there = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in told.items() if name not in there]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await app(scope, receive, send_guarded)

    return answer
