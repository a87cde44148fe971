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
                raise TypeError("the body must be a JSON object")
            command(account, options)
        except (ValueError, TypeError, KeyError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({})

    return handle


def _script(account: Account, options: Options) -> None:
    call, fault, times = str(options.pop("call")), str(options.pop("fault")), _number(options.pop("times", 1))
    rate, seed = _number(options.pop("rate", 1.0)), _number(options.pop("seed", 0))
    account.script(call, fault_from(fault, options), int(times), rate, int(seed))


def _outage(account: Account, options: Options) -> None:
    account.begin_outage(_number(options["seconds"]))


def _outcome(account: Account, options: Options) -> None:
    times = _number(options.pop("times", 1))
    account.plan(outcome_from(options), int(times))


def _release(account: Account, options: Options) -> None:
    account.tasks[str(options["taskid"])].release()


def _advance(account: Account, options: Options) -> None:
    account.clock.advance(_number(options["seconds"]))


def _skew(account: Account, options: Options) -> None:
    account.clock.skew(_number(options["seconds"]))


def _rotate_key(account: Account, options: Options) -> None:
    secret = options["api_secret"]
    account.rotate_key(str(options["api_key"]), None if secret is None else str(secret))


def _clear(account: Account, _: Options) -> None:
    account.clear()


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
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
