"""
The control API, for a test or a demo in another process.

Bodies are JSON objects with the arguments of `WiroEmulator`'s methods.

``POST /_emulator/script``      ``{"call": "Run", "fault": "5xx", "times": 9, "rate": 0.05, "seed": 1, "status": 502}``
``POST /_emulator/outage``      ``{"seconds": 60}``: every connection is dropped
``POST /_emulator/outcome``     ``{"times": 1, "pexit": "1", "debugerror": "out of memory"}``
``POST /_emulator/release``     ``{"taskid": "4711008"}``
``POST /_emulator/advance``     ``{"seconds": 60}``
``POST /_emulator/skew``        ``{"seconds": -7}``: every time is shown so much later or earlier
``POST /_emulator/rotate-key``  ``{"api_key": "new", "api_secret": "new"}``
``POST /_emulator/clear``       no body
``GET  /_emulator/state``       tasks, number of requests by call, peak_active, duplicate_nonces
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from airflow_provider_wiro.emulator.account import Account
from airflow_provider_wiro.emulator.bodies import UploadedFile
from airflow_provider_wiro.emulator.faults import fault_from
from airflow_provider_wiro.emulator.outcomes import outcome_from

Options = dict[str, object]


def add_routes(router: web.UrlDispatcher, account: Account) -> None:
    """Add the control API for ``account`` to ``router``."""
    for name, command in _COMMANDS.items():
        router.add_post(f"/_emulator/{name}", _handler(account, command))

    async def state(_: web.Request) -> web.Response:
        return web.json_response(state_of(account))

    router.add_get("/_emulator/state", state)
    router.add_route("*", "/_emulator/{name}", _wrong_method)


async def _wrong_method(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name == "state" or name in _COMMANDS:
        allowed = "GET" if name == "state" else "POST"
        said = f"{request.method} {request.path}: the method is {allowed}"
        return web.json_response({"error": said}, status=405, headers={"Allow": allowed})
    known = ", ".join(f"POST /_emulator/{command}" for command in _COMMANDS)
    return web.json_response(
        {"error": f"there is no {request.path}; there are GET /_emulator/state, {known}"}, status=404
    )


def state_of(account: Account) -> Options:
    """Return what ``GET /_emulator/state`` answers."""
    with account.lock:
        return {
            "tasks": [
                {
                    "taskid": task.taskid,
                    "status": task.status,
                    "model": task.model,
                    "inputs": {name: _shown(value) for name, value in task.inputs.items()},
                    "created_at": task.created_at,
                    "ended_at": task.ended_at,
                }
                for task in account.tasks.values()
            ],
            "requests": dict(account.counts),
            "peak_active": account.peak_active,
            "duplicate_nonces": len(account.duplicate_nonces),
        }


def _shown(value: object) -> object:
    if isinstance(value, UploadedFile):
        return {"filename": value.filename, "contenttype": value.content_type, "size": len(value.data)}
    return value


def _handler(
    account: Account, command: Callable[[Account, Options], None]
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            options = json.loads(await request.read() or b"{}")
            if not isinstance(options, dict):
                raise ValueError("the body must be a JSON object")
            command(account, options)
        except (ValueError, RecursionError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({})

    return handle


def _script(account: Account, options: Options) -> None:
    call, fault, times = _text(options, "call"), _text(options, "fault"), _whole(options, "times", 1)
    rate, seed = _number(options, "rate", 1.0), _whole(options, "seed", 0)
    account.script(call, fault_from(fault, options), times, rate, seed)


def _outage(account: Account, options: Options) -> None:
    seconds = _number(options, "seconds")
    _nothing_more(options, "seconds")
    account.begin_outage(seconds)


def _outcome(account: Account, options: Options) -> None:
    times = _whole(options, "times", 1)
    account.plan(outcome_from(options), times)


def _release(account: Account, options: Options) -> None:
    taskid = _text(options, "taskid")
    _nothing_more(options, "taskid")
    if taskid not in account.tasks:
        raise ValueError(f"there is no task {taskid!r}; GET /_emulator/state names all there are")
    account.tasks[taskid].release()


def _advance(account: Account, options: Options) -> None:
    seconds = _number(options, "seconds")
    _nothing_more(options, "seconds")
    account.clock.advance(seconds)


def _skew(account: Account, options: Options) -> None:
    seconds = _number(options, "seconds")
    _nothing_more(options, "seconds")
    account.clock.skew(seconds)


def _rotate_key(account: Account, options: Options) -> None:
    key, secret = _text(options, "api_key"), options.pop("api_secret", "")
    _nothing_more(options, "api_key and api_secret")
    if secret == "" or not isinstance(secret, str | None):
        raise ValueError("api_secret is needed: text that is not empty, or null for none")
    account.rotate_key(key, secret)


def _clear(account: Account, options: Options) -> None:
    _nothing_more(options, "none")
    account.clear()


def _nothing_more(options: Options, known: str) -> None:
    if options:
        raise ValueError(f"unknown option {', '.join(sorted(options))}; known are {known}")


def _text(options: Options, name: str) -> str:
    value = options.pop(name, None)
    if not isinstance(value, str):
        raise ValueError(f"{name} is needed, as text, not {value!r}")
    return value


def _number(options: Options, name: str, default: float | None = None) -> float:
    value = options.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} must be a number, not {value!r}")
    return value


def _whole(options: Options, name: str, default: int) -> int:
    value = options.pop(name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name} must be a whole number, not {value!r}")
    return value


_COMMANDS: dict[str, Callable[[Account, Options], None]] = {
    "script": _script,
    "outage": _outage,
    "outcome": _outcome,
    "release": _release,
    "advance": _advance,
    "skew": _skew,
    "rotate-key": _rotate_key,
    "clear": _clear,
}
