"""`WiroEmulator`: a Wiro API on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from aiohttp import web

from airflow_provider_wiro.emulator.account import CALLS, Account, RecordedRequest
from airflow_provider_wiro.emulator.faults import fault_from
from airflow_provider_wiro.emulator.outcomes import check_duration, outcome_from
from airflow_provider_wiro.emulator.server import Server, is_loopback
from airflow_provider_wiro.emulator.tasks import EmulatedTask

# The turns of the event loop in which a connection that has just been accepted becomes one that can be closed.
ACCEPTING = 4


class WiroEmulator:
    """
    A Wiro API on loopback for tests and demos. Use it as a context manager, or call `start` and `stop`.

    Every method can be called from any thread, before, between and after requests. A stopped emulator keeps its
    tasks and records, and starts again on the same port.

    :param host: the loopback address to listen on.
    :param port: the port; 0: one that is free.
    :param api_key: the only API key that is right.
    :param api_secret: its secret; None: an API-key-only project, whose requests are not signed.
    :param duration: seconds from a Run to the terminal status.
    :param concurrency: how many tasks may be active at once, beyond it a Run answers code 96; None: any number.
    :param first_taskid: the id of the first task, each further one is one more; None: a random number.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "emulator-key",
        api_secret: str | None = "emulator-secret",
        duration: float = 2.0,
        concurrency: int | None = None,
        first_taskid: int | None = None,
    ) -> None:
        if not is_loopback(host):
            raise ValueError(f"the emulator only listens on loopback (127.0.0.1, ::1 or localhost), not on {host!r}")
        if not 0 <= port <= 65535:
            raise ValueError(f"a port is a number from 0 to 65535, not {port}")
        check_duration(duration)
        if concurrency is not None and concurrency < 1:
            raise ValueError(f"concurrency must be at least 1, not {concurrency!r}")
        if first_taskid is not None and first_taskid < 1:
            raise ValueError(f"first_taskid must be at least 1, not {first_taskid!r}")
        self._host, self._port = host, port
        self._account = Account(api_key, api_secret, duration, concurrency, first_taskid)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_requested: asyncio.Event | None = None

    def start(self) -> Self:
        """Listen, and return once requests can come in. A port that is taken is an OSError."""
        if self._thread is not None:
            raise RuntimeError("the emulator has been started already")
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.create_server((self._host, self._port), family=family, backlog=1024)
        self._port = listener.getsockname()[1]
        shown_host = f"[{self._host}]" if ":" in self._host else self._host
        self._account.url = f"http://{shown_host}:{self._port}/v1"
        listening: Future[None] = Future()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(listener, listening)), name="wiro-emulator", daemon=True
        )
        self._thread.start()
        listening.result()
        return self

    def stop(self) -> None:
        """Close every connection and end the thread; a second call does nothing."""
        if self._thread is None or self._loop is None or self._stop_requested is None:
            return
        self._loop.call_soon_threadsafe(self._stop_requested.set)
        self._thread.join()
        self._thread = self._loop = self._stop_requested = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def _serve(self, listener: socket.socket, listening: Future[None]) -> None:
        self._loop, self._stop_requested = asyncio.get_running_loop(), asyncio.Event()
        server = Server(self._account)
        runner = web.AppRunner(server.app, access_log=None, shutdown_timeout=5.0)
        await runner.setup()
        await web.SockSite(runner, listener, backlog=1024).start()
        listening.set_result(None)
        await self._stop_requested.wait()
        self._loop.remove_reader(listener)
        for _ in range(ACCEPTING):
            await asyncio.sleep(0)
        await server.close()
        await runner.cleanup()

    @property
    def url(self) -> str:
        """The base URL, as in "http://127.0.0.1:8099/v1"."""
        if not self._account.url:
            raise RuntimeError("the emulator has no address before it is started")
        return self._account.url

    @property
    def socket_url(self) -> str:
        """The address of the socket that pushes, for the connection's extra of that name."""
        return f"{self.url.replace('http', 'ws', 1).removesuffix('/v1')}/socket/v1"

    @property
    def first_taskid(self) -> int:
        """The id of the first task; each further one's is one more."""
        return self._account.first_taskid

    @property
    def connection(self) -> dict[str, str]:
        """The Airflow connection: its JSON is a value for the environment variable AIRFLOW_CONN_WIRO_DEFAULT."""
        account = self._account
        secret = {} if account.api_secret is None else {"password": account.api_secret}
        return {"conn_type": "wiro", "login": account.api_key, **secret, "host": self.url}

    @property
    def tasks(self) -> dict[str, EmulatedTask]:
        """Every task by its taskid, oldest first."""
        with self._account.lock:
            return dict(self._account.tasks)

    @property
    def runs(self) -> list[EmulatedTask]:
        """The task of every Run that has been accepted, oldest first."""
        return list(self.tasks.values())

    @property
    def active(self) -> list[EmulatedTask]:
        """The tasks that are not terminal, oldest first."""
        return self._account.active()

    @property
    def peak_active(self) -> int:
        """The largest number of tasks that have been active at once."""
        return self._account.peak_active

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request that has come in, oldest first."""
        with self._account.lock:
            return list(self._account.requests)

    @property
    def duplicate_nonces(self) -> list[str]:
        """Each nonce that came again with the same API key."""
        with self._account.lock:
            return list(self._account.duplicate_nonces)

    def count(self, call: str) -> int:
        """
        Return how many requests of ``call`` have come in.

        :param call: "Run", "Detail", "Kill", "Cancel", "List", "Tool" (Tool/Detail), "Models" (Tool/List), "Explore"
            (Tool/Explore), "Delete" (InputOutputDelete), "Upload", "Output" (a file's download), "Socket" (one that was
            opened), "Other" (unknown paths).
        """
        if call not in CALLS:
            raise ValueError(f"unknown call {call!r}; known are {', '.join(CALLS)}")
        return self._account.counts[call]

    def rotate_key(self, api_key: str, api_secret: str | None) -> None:
        """Replace the credentials: from now on only these are right. The tasks stay."""
        self._account.rotate_key(api_key, api_secret)

    def script(
        self, call: str, fault: str, *, times: int = 1, rate: float = 1.0, seed: int = 0, **options: object
    ) -> None:
        """
        Queue a fault. For each request the oldest fault that fits it is used up.

        :param call: the call it is for, named as in `count`, or "*" for any.
        :param fault: its name, a key of `airflow_provider_wiro.emulator.FAULTS`.
        :param times: for how many requests; -1: until `clear`.
        :param rate: the share of the requests that it hits, such as 0.05; the others pass it by.
        :param seed: chooses which ones: the same seed chooses the same ones again.
        :param options: the fields of the fault's class.
        """
        self._account.script(call, fault_from(fault, options), times, rate, seed)

    def outage(self, seconds: float) -> None:
        """Drop the connection of every request for so many seconds from now on; queued faults wait for its end."""
        self._account.begin_outage(seconds)

    def outcome(self, *, times: int = 1, **options: object) -> None:
        """
        Say how the next accepted tasks go.

        :param times: for how many tasks; -1: until `clear`.
        :param options: the fields of `airflow_provider_wiro.emulator.Outcome`.
        """
        self._account.plan(outcome_from(options), times)

    def clear(self) -> None:
        """Forget the faults and outcomes that are queued and end an outage; tasks and records stay."""
        self._account.clear()

    def release(self, taskid: str) -> None:
        """Let a task go on that an outcome with ``hold`` keeps in a status."""
        with self._account.lock:
            self._account.tasks[taskid].release()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once in the life of every task."""
        self._account.clock.advance(seconds)

    def skew(self, seconds: float) -> None:
        """Show every time, in rows and ``Date`` headers, ``seconds`` later than it is here; negative: earlier."""
        self._account.clock.skew(seconds)
