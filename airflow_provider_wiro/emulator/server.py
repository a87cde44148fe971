"""The HTTP side: records each request, lets a queued fault answer it, checks the credentials, answers."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import time
from email.utils import formatdate
from functools import partial
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from airflow_provider_wiro.emulator import api, control, signing, uploads
from airflow_provider_wiro.emulator.account import Account, RecordedRequest
from airflow_provider_wiro.emulator.bodies import BadBody, Body, parse
from airflow_provider_wiro.emulator.exchange import Exchange
from airflow_provider_wiro.emulator.media import file_response
from airflow_provider_wiro.emulator.outcomes import TERMINAL
from airflow_provider_wiro.emulator.push import PushSocket
from airflow_provider_wiro.emulator.refusals import GENERAL, NO_SUCH_ADDRESS, Refused, invalid
from airflow_provider_wiro.emulator.socket_faults import SocketFault
from airflow_provider_wiro.emulator.tasks import EmulatedTask


def is_loopback(host: str) -> bool:
    """Say whether ``host`` (a name or an address) is this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Server:
    """
    The emulated API as a web application.

    :param account: what it works on.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._stopping = asyncio.Event()
        self._push = PushSocket(account, self._pause)
        self._callbacks: set[asyncio.Task[None]] = set()
        self.app = web.Application(client_max_size=uploads.MAX_UPLOAD + 1_000_000)
        self.app.on_response_prepare.append(self._date)
        control.add_routes(self.app.router, account)
        self.app.router.add_route("*", "/{path:.*}", self._handle)

    async def close(self) -> None:
        """End what waits: faults that hold a request, and callbacks."""
        self._stopping.set()
        for callback in self._callbacks:
            callback.cancel()
        await asyncio.gather(*self._callbacks, return_exceptions=True)

    async def _date(self, _: web.Request, response: web.StreamResponse) -> None:
        clock = self._account.clock
        response.headers["Date"] = formatdate(clock.shown(clock()), usegmt=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        record = RecordedRequest(api.call_of(request.path), request.path, headers, raw, time.time())
        body: Body | BadBody
        try:
            body = parse(headers.get("content-type", ""), raw)
            record.body = body.fields
        except BadBody as error:
            body = error
        self._account.record(record)
        exchange = Exchange(
            request,
            work=lambda: self._work(request, record, body),
            look=lambda: None if isinstance(body, BadBody) else api.row_of(self._account, body),
            pause=self._pause,
            sending=partial(setattr, record, "status"),
        )
        response = await self._answer(exchange, record.call)
        if response is None:
            if request.transport is not None:
                request.transport.close()
            return web.Response()
        record.status = response.status
        return response

    async def _answer(self, exchange: Exchange, call: str) -> web.StreamResponse | None:
        if self._account.in_outage:
            return None
        fault = self._account.next_fault(call)
        try:
            if call == "Socket" and _upgrades(exchange.request) and isinstance(fault, SocketFault | None):
                return await self._push.serve(exchange.request, fault or SocketFault())
            if fault is None:
                return exchange.work()
            return await fault.answer(exchange)
        except ConnectionError:
            return None

    def _work(self, request: web.Request, record: RecordedRequest, body: Body | BadBody) -> web.Response:
        if record.call == "Output":
            return self._file(request)
        if record.call == "Socket":
            return web.Response(status=426, headers={"Upgrade": "websocket"})
        if record.call == "Other":
            return _refuse(record, 404, Refused(GENERAL, NO_SUCH_ADDRESS))
        if request.method != "POST":
            return web.Response(status=405, headers={"Allow": "POST"})
        if not record.headers.get("user-agent", "").strip():
            return web.Response(status=403, text="<html><h1>403 Forbidden</h1></html>\n", content_type="text/html")
        account = self._account
        if message := signing.refusal(record.headers, account.api_key, account.api_secret):
            return _refuse(record, 401, Refused(GENERAL, message))
        if isinstance(body, BadBody):
            return _refuse(record, 200, invalid(str(body)))
        try:
            answer = api.perform(account, record.path, body)
        except Refused as refused:
            return _refuse(record, 200, refused)
        if record.call == "Run":
            self._announce_end(account.tasks[str(answer["taskid"])])
        return web.json_response(answer)

    def _file(self, request: web.Request) -> web.Response:
        file = self._account.files.get(request.path.removeprefix("/v1"))
        if file is None:
            return web.Response(status=404, text="Not Found\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        return file_response(request, file)

    async def _pause(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return True
        return False

    def _announce_end(self, task: EmulatedTask) -> None:
        """Post the task to its ``callbackUrl`` when it is over, if that is on this machine's loopback."""
        with contextlib.suppress(ValueError):
            address = urlsplit(str(task.inputs.get("callbackUrl", "")))
            if address.scheme in ("http", "https") and is_loopback(address.hostname or ""):
                callback = asyncio.get_running_loop().create_task(self._call_back(address.geturl(), task))
                self._callbacks.add(callback)
                callback.add_done_callback(self._callbacks.discard)

    async def _call_back(self, url: str, task: EmulatedTask) -> None:
        while task.status not in TERMINAL:
            await self._pause(0.05)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session,
                session.post(url, json=task.row(), allow_redirects=False),
            ):
                pass


def _upgrades(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _refuse(record: RecordedRequest, status: int, refused: Refused) -> web.Response:
    record.error = refused.message
    return web.json_response(refused.answer(), status=status)
