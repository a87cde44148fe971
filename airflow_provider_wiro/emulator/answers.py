"""Answers that are good HTTP and good JSON, and yet not the right ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from aiohttp import web

from airflow_provider_wiro.emulator.exchange import Exchange, Fault


@dataclass(frozen=True)
class NoTaskid(Fault):
    """The right answer without its ``taskid`` and ``socketaccesstoken``; the work is done."""

    name = "no_taskid"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        answer = json.loads(exchange.work().text or "{}")
        return web.json_response({key: answer[key] for key in answer if key not in ("taskid", "socketaccesstoken")})


@dataclass(frozen=True)
class Code(Fault):
    """HTTP 200 with ``result: false`` and an error of this ``code`` and ``message``; the work is not done."""

    name = "code"
    code: int = 0
    message: str = "Something went wrong"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        return web.json_response({"errors": [{"code": self.code, "message": self.message}], "result": False})


@dataclass(frozen=True)
class StringErrors(Fault):
    """HTTP 200 with ``result: false`` and an error that is a plain string; the work is not done."""

    name = "string_errors"
    message: str = "Something went wrong"

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        return web.json_response({"errors": [self.message], "result": False})


@dataclass(frozen=True)
class Json(Fault):
    """The HTTP ``status`` with ``body`` as JSON, such as ``{"result": true, "tasklist": []}``."""

    name = "json"
    body: dict[str, object] = field(default_factory=dict)
    status: int = 200
    after: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        if self.after:
            exchange.work()
        return web.json_response(self.body, status=self.status)


@dataclass(frozen=True)
class OddRow(Fault):
    """
    The row of the task that a Detail, Kill or Cancel names, with ``fields`` in place of the right ones.

    ``{"status": "task_start"}``: it was not stopped, ``{"id": "1"}``: another task's row. Where the request names no
    task, the right answer.
    """

    name = "odd_row"
    fields: dict[str, object] = field(default_factory=dict)
    after: bool = False

    async def answer(self, exchange: Exchange) -> web.StreamResponse | None:
        if self.after:
            exchange.work()
        if (row := exchange.look()) is None:
            return exchange.work()
        return web.json_response({"total": "1", "errors": [], "tasklist": [row | self.fields], "result": True})


ANSWERS: tuple[type[Fault], ...] = (NoTaskid, Code, StringErrors, Json, OddRow)
