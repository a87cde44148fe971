"""One socket on which Wiro says that something has happened to the tasks that are waited for.

What it says only has a task looked at now. Where it has said how the last task ended, the others are looked at more
seldom: an end that it does not say is seen ``SAFETY`` seconds later at most.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field

import aiohttp

from airflow_provider_wiro.clients.aio import AsyncClient
from airflow_provider_wiro.clients.exchange import new_session
from airflow_provider_wiro.clients.waiting import Waiting
from airflow_provider_wiro.clients.wire import USER_AGENT, proxy_for, words_of
from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.pace import jitter
from airflow_provider_wiro.core.protocol import Missing, Sleep
from airflow_provider_wiro.core.push import ERROR, Event, event_in, subscription
from airflow_provider_wiro.core.task import Task

SAFETY = 30.0
"""Seconds between two looks at a task whose end the socket will say."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds before a socket that is gone is opened again; twice as many each time."""

STEADY = 60.0
"""Seconds after which a socket that goes has been a good one: the next pause is the first one again."""

HEARTBEAT = 30.0
LONGEST_FRAME = 64 * 1024

AT_ONCE = 50
"""How many frames are sent or read before the event loop sees to others."""

TELLING = 10.0
"""Seconds between two lines of progress in a task's log."""

_log = logging.getLogger(__name__)


async def _refuse_redirect(*_: object) -> None:
    raise ValueError("it redirects to another address")


_NO_REDIRECTS = aiohttp.TraceConfig()
_NO_REDIRECTS.on_request_redirect.append(_refuse_redirect)


@dataclass(slots=True)
class _Heard:
    """A task that is listened for.

    :ivar base_url: the service that its token is of.
    :ivar over: whether the socket has said that it is over.
    """

    taskid: str
    token: str = field(repr=False)
    base_url: str
    waits: list[Waiting]
    over: bool = False
    told_at: float = -math.inf


class Push:
    """Listens for the tasks of those who share *client*.

    :param wake: has a task looked at now.
    """

    def __init__(self, client: AsyncClient, wake: Callable[[str], None]) -> None:
        self._client = client
        self._wake = wake
        self._by_taskid: dict[str, _Heard] = {}
        self._by_token: dict[str, _Heard] = {}
        self._to_ask: deque[_Heard] = deque()
        self._more = asyncio.Event()
        self._open_for: str | None = None
        self._trusted = False
        self._complained = False
        self._listening: asyncio.Task[None] | None = None

    def shown(self, one: Waiting, task: Task | Missing | None) -> None:
        """Listen for a task from now on, with the token that an answer shows."""
        if not isinstance(task, Task) or task.token is None or self._client.credentials.socket is None:
            return
        if one.service is not None and not same_service(one.service, self._client.base_url):
            return  # the connection has been led elsewhere since it was asked: the token is not of there
        if self._client.base_url != self._open_for:
            self._more.set()
        heard = self._by_taskid.get(one.plan.taskid)
        if heard is None:
            heard = _Heard(task.taskid, task.token, self._client.base_url, [])
            self._by_taskid[task.taskid] = self._by_token[task.token] = heard
            if self._open_for is not None:
                self._to_ask.append(heard)
            self._more.set()
        if one not in heard.waits:
            heard.waits.append(one)
        if heard.over and not task.terminal:
            heard.over = self._trusted = False
        if self._listening is None:
            self._listening = asyncio.get_running_loop().create_task(self._listen(), context=Context())

    def forget(self, one: Waiting, *, over: bool) -> None:
        """Listen no longer for the one who waits.

        :param over: whether its task is over, as Detail says.
        """
        heard = self._by_taskid.get(one.plan.taskid)
        if heard is None or one not in heard.waits:
            return
        heard.waits.remove(one)
        if over:
            self._trusted = heard.over
        if not heard.waits:
            del self._by_taskid[heard.taskid]
            self._by_token.pop(heard.token, None)

    def pause(self, one: Waiting, step: Sleep) -> float:
        """Return how long to sleep before the next look."""
        heard = self._by_taskid.get(one.plan.taskid)
        if not (step.sooner and self._trusted and heard is not None and heard.base_url == self._open_for):
            return step.seconds
        return max(step.seconds, min(SAFETY, one.plan.deadline - time.time()))

    @property
    def under_way(self) -> list[asyncio.Task[None]]:
        """What listens, if anything does; it closes the socket where it is cancelled."""
        return [] if self._listening is None else [self._listening]

    async def _listen(self) -> None:
        tries = 0
        while True:
            while not self._by_taskid:
                self._more.clear()
                await self._more.wait()
            began = time.monotonic()
            try:
                await self._hear()
                why = "Wiro has closed it"
            except Exception as error:
                why = words_of(error) or type(error).__name__
            finally:
                self._open_for = None
                self._to_ask.clear()
            tries = 1 if time.monotonic() - began > STEADY else tries + 1
            if tries == 1:
                _log.warning("the socket to Wiro is gone (%s); it is opened again, tasks are looked at meanwhile", why)
            pause = min(FIRST_PAUSE * 2 ** min(tries - 1, 10), LONGEST_PAUSE)
            await asyncio.sleep(pause * (1 + jitter(self._client.base_url, tries) / 4))

    async def _hear(self) -> None:
        """Open the socket, and listen until it is gone."""
        url = self._client.credentials.socket
        if url is None:
            raise ValueError("the connection names no socket any more")
        base_url, tls = self._client.base_url, self._client.tls
        async with new_session({"User-Agent": USER_AGENT}, traces=[_NO_REDIRECTS]) as session:
            async with asyncio.timeout(self._client.credentials.timeout):
                socket = await session.ws_connect(
                    url,
                    ssl=tls,
                    proxy=await asyncio.to_thread(proxy_for, url.replace("ws", "http", 1)),
                    heartbeat=HEARTBEAT,
                    max_msg_size=LONGEST_FRAME,
                )
            self._open_for = base_url
            self._to_ask = deque(self._by_taskid.values())
            asking = asyncio.get_running_loop().create_task(self._ask(socket))
            try:
                await self._read(socket)
            finally:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
                await socket.close()

    async def _ask(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Ask for each task that it has not been asked for."""
        number = 0
        while self._client.base_url == self._open_for:
            if not self._to_ask:
                self._more.clear()
                await self._more.wait()
                continue
            heard = self._to_ask.popleft()
            if heard.base_url == self._open_for and heard.waits:
                await socket.send_str(subscription(heard.token))
            number += 1
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        await socket.close()  # the connection leads to another service now

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        number = 0
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT and (event := event_in(message.data)) is not None:
                self._take(event)
            number += 1
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        if isinstance(error := socket.exception(), Exception):
            raise error

    def _take(self, event: Event) -> None:
        heard = None if event.token is None else self._by_token.get(event.token)
        if event.kind == ERROR and not self._complained:
            self._complained = True
            _log.warning("the socket to Wiro has refused a task; where it says nothing of one, it is looked at")
        if heard is None or event.kind == ERROR:
            return
        if event.progress is not None:
            self._tell(heard, event.progress)
        if event.matters:
            heard.over = heard.over or event.ends
            for one in heard.waits:
                one.row = None  # what the list said before that is no lie
            self._wake(heard.taskid)

    def _tell(self, heard: _Heard, progress: str) -> None:
        now = time.monotonic()
        if now - heard.told_at < TELLING:
            return
        heard.told_at = now
        for one in heard.waits:
            try:
                one.context.run(one.log.info, "taskid %s: %s", heard.taskid, progress)
            except Exception as error:
                one.fail(error)
