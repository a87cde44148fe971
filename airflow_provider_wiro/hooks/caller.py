"""Carrying flows out over an Airflow connection, in a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import Flow, sleep
from airflow_provider_wiro.exceptions import WiroRequestError
from airflow_provider_wiro.hooks.connection import read_credentials

if TYPE_CHECKING:
    from airflow_provider_wiro.clients.outputs import Looks, TextFile
    from airflow_provider_wiro.clients.sync import Client

T = TypeVar("T")


def never() -> bool:
    """Say that nobody told this task to stop."""
    return False


class Caller:
    """Carries flows out over an Airflow connection, in a worker, and ends when it is told to.

    The connection is read when it is first needed, and again where Wiro rejects it or it leads elsewhere. It holds
    nothing open.

    :param conn_id: the Airflow connection.
    :param log: where the flows report.
    :param told_to_stop: ends what is carried out once it is true. It is asked at least every tenth of a second, so it
        must be quick: signal handlers set a flag, and it reads that flag.
    """

    def __init__(self, conn_id: str, log: Log, *, told_to_stop: Callable[[], bool] = never) -> None:
        self.conn_id = conn_id
        self._log = log
        self._told_to_stop = told_to_stop
        self._made: Client | None = None

    @property
    def remark(self) -> str:
        """What is odd about the connection, though it can be used; empty for nothing."""
        return self._client.route.credentials.remark

    @property
    def base_url(self) -> str:
        """The base URL of the service that the connection leads to."""
        return self._client.route.credentials.base_url

    @property
    def account(self) -> str:
        """What tells the accounts of a service apart: a digest of the API key."""
        return self._client.route.credentials.account

    @property
    def timeout(self) -> float:
        """Seconds that the connection allows for one exchange."""
        return self._client.route.credentials.timeout

    @property
    def max_active(self) -> int | None:
        """How many tasks may run at Wiro at once; None: any number."""
        return self._client.route.credentials.max_active

    def drive(self, flow: Flow[T], *, service: str | None = None, to_the_end: bool = False) -> T:
        """Carry out *flow* and return its result. **What it submits may cost money.**

        Once the task is told to stop, a request that only reads is broken off. One that may be paid for never is: it
        runs to its own timeout.

        :param service: the base URL that *flow* is for. Where the connection leads to another one, nothing is sent, and
            each request is answered with ``NoReply(elsewhere=True)``. None = wherever the connection leads.
        :param to_the_end: whether *flow* is carried out although the task is told to stop: what stops a Wiro task.
        :raises WiroInterrupted: if the task was told to stop.
        :raises WiroRequestError: as *flow* raises it; the message names the connection.
        """
        try:
            return self._client.drive(flow, service=service, to_the_end=to_the_end)
        except WiroRequestError as error:
            error.args = (f"Airflow connection {self.conn_id!r}: {error}",)
            raise

    def pause(self, seconds: float) -> None:
        """Do nothing for *seconds*.

        :raises WiroInterrupted: as soon as the task is told to stop.
        """
        self.drive(sleep(seconds))

    def check(self) -> None:
        """Go on only if the task was not told to stop.

        :raises WiroInterrupted: if it was.
        """
        from airflow_provider_wiro.clients.apart import interrupted

        if self._told_to_stop():
            raise interrupted()

    def lost_output(self, urls: Iterable[str]) -> str | None:
        """Look whether the outputs of a task are still there; sends no key, takes a minute at most.

        Private addresses are not looked at, except the connection's own host and those that the Airflow option
        ``[wiro] allow_private_hosts`` names.

        :param urls: their addresses.
        :returns: the first that no longer exists (HTTP 404 or 410); None if none is known to be gone.
        :raises WiroInterrupted: if the task was told to stop.
        """
        from airflow_provider_wiro.clients.outputs import first_gone

        return first_gone(urls, self.looks())

    def those_there(self, urls: Iterable[str]) -> frozenset[str]:
        """Look which uploaded files are still there; sends no key, takes a minute at most.

        Private addresses are not looked at, with the same exceptions as in :meth:`lost_output`.

        :param urls: their addresses.
        :returns: those that surely are.
        :raises WiroInterrupted: if the task was told to stop.
        """
        from airflow_provider_wiro.clients.outputs import those_there

        return those_there(urls, self.looks())

    def read_text(self, url: str) -> TextFile:
        """Read a text file that a task has made; sends no key, takes ten seconds at most.

        Private addresses are not read from, with the same exceptions as in :meth:`lost_output`.

        :param url: its address.
        :returns: the text, and why it is not all of it.
        :raises WiroInterrupted: if the task was told to stop.
        """
        from airflow_provider_wiro.clients.outputs import read_text

        return read_text(url, self.looks())

    def looks(self) -> Looks:
        """Return how this connection's tasks may look at files, and read them; reads the connection."""
        from airflow_provider_wiro.clients.outputs import Looks

        route = self._client.route
        credentials = route.credentials
        return Looks(route.tls, allowed_hosts(credentials.base_url), self._told_to_stop, credentials.allow_http)

    @property
    def _client(self) -> Client:
        if self._made is None:
            from airflow_provider_wiro.clients.sync import Client

            def look_up() -> Credentials:
                return read_credentials(self.conn_id)

            credentials = look_up()
            if credentials.remark:
                self._log.warning("Airflow connection %r: %s", self.conn_id, credentials.remark)
            self._made = Client(credentials, self._log, look_up, told_to_stop=self._told_to_stop)
        return self._made


def allowed_hosts(base_url: str) -> list[str]:
    """Return the hosts that may have private addresses: the connection's own, and ``[wiro] allow_private_hosts``."""
    from airflow.providers.common.compat.sdk import conf

    from airflow_provider_wiro.clients.addresses import host_of

    named = conf.get("wiro", "allow_private_hosts", fallback="") or ""
    return [host_of(base_url), *(host.strip() for host in named.split(",") if host.strip())]
