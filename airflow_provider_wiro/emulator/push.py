"""The socket: whoever names a task's token there hears of each of its statuses, and how far it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from airflow_provider_wiro.emulator.account import Account
from airflow_provider_wiro.emulator.outcomes import TERMINAL
from airflow_provider_wiro.emulator.socket_faults import Frame, SocketFault
from airflow_provider_wiro.emulator.tasks import EmulatedTask

EVERY = 0.02
"""Seconds between two looks at what has happened."""


@dataclass
class _Watched:
    task: EmulatedTask
    status: str
    tenths: int = 0


class PushSocket:
    """
    Serves the sockets of all clients.

    :param account: whose tasks they hear of.
    :param pause: waits for so many seconds and returns True, or returns False as soon as the emulator stops.
    """

    def __init__(self, account: Account, pause: Callable[[float], Awaitable[bool]]) -> None:
        self._account = account
        self._pause = pause

    async def serve(self, request: web.Request, fault: SocketFault) -> web.StreamResponse:
        """Serve one client until it goes, the emulator stops, or ``fault`` ends it."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "connected", "version": "1.0"})
        watched: dict[str, _Watched] = {}
        telling = asyncio.get_running_loop().create_task(self._tell(request, socket, watched, fault))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._subscribe(request, socket, watched, message.data, fault)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
        return socket

    async def _subscribe(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        watched: dict[str, _Watched],
        text: str,
        fault: SocketFault,
    ) -> None:
        try:
            asked = json.loads(text)
            task = self._account.by_token[asked["tasktoken"]] if asked["type"] == "task_info" else None
        except (ValueError, TypeError, KeyError, RecursionError):
            task = None
        if task is None:
            await socket.send_json({"type": "error", "message": "task-not-found", "result": False})
            return
        watched.setdefault(task.token, _Watched(task, task.status))
        await _send(request, socket, fault.welcome(task.taskid, task.token))

    async def _tell(
        self, request: web.Request, socket: web.WebSocketResponse, watched: dict[str, _Watched], fault: SocketFault
    ) -> None:
        number = 0
        while await self._pause(EVERY) and not self._account.in_outage:
            for one in list(watched.values()):
                for event in _events(one):
                    number += 1
                    await _send(request, socket, fault.frames(event, number))
        if self._account.in_outage and request.transport is not None:
            request.transport.abort()
        await socket.close()


def _events(one: _Watched) -> Iterable[dict[str, object]]:
    """Return what has happened to a task since the last look."""
    task, status = one.task, one.task.status
    said: dict[str, object] = {"id": task.taskid, "tasktoken": task.token, "message": None, "result": True}
    tenths = int(10 * task.done)
    if tenths > one.tenths and status not in TERMINAL:
        one.tenths = tenths
        yield {"type": "task_output"} | said | {"message": _progress(tenths, task.duration)}
    if status != one.status:
        one.status = status
        yield {"type": status} | said


def _progress(tenths: int, duration: float) -> dict[str, str]:
    return {
        "type": "progressGenerate",
        "percentage": str(10 * tenths),
        "stepCurrent": str(tenths),
        "stepTotal": "10",
        "elapsedTime": f"{duration * tenths / 10:.0f}s",
        "remainingTime": f"{duration * (10 - tenths) / 10:.0f}s",
    }


async def _send(request: web.Request, socket: web.WebSocketResponse, frames: Iterable[Frame]) -> None:
    for frame in frames:
        if frame is None:
            if request.transport is not None:
                request.transport.abort()
            return
        if isinstance(frame, bytes):
            await socket.send_bytes(frame)
        else:
            await socket.send_str(frame)
