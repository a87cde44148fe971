"""Carries flows out over an Airflow connection, in a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.protocol import Flow
from airflow_provider_wiro.exceptions import WiroRequestError
from airflow_provider_wiro.hooks.connection import read_credentials

if TYPE_CHECKING:
    from airflow_provider_wiro.clients.sync import Client

T = TypeVar("T")


class Caller:
    """Carries flows out over an Airflow connection, in a worker, and ends when it is told to.

    :param conn_id: the Airflow connection; read when it is first needed.
    :param log: where the flows' lines go.
    :param told_to_stop: whether to end; asked before each request.
    """

    def __init__(self, conn_id: str, log: Log, *, told_to_stop: Callable[[], bool] = lambda: False) -> None:
        self.conn_id = conn_id
        self._log = log
        self._told_to_stop = told_to_stop
        self._client: Client | None = None

    @property
    def base_url(self) -> str:
        """The base URL of the service that the connection names."""
        return self._connected().credentials.base_url

    def drive(self, flow: Flow[T], *, service: str | None = None, to_the_end: bool = False) -> T:
        """Carry out *flow* and return its result."""
        try:
            if to_the_end:
                with self._connected().fresh() as client:
                    return client.drive(flow)
            return self._connected().drive(flow)
        except WiroRequestError as error:
            error.args = (f"Airflow connection {self.conn_id!r}: {error}",)
            raise

    def _connected(self) -> Client:
        from airflow_provider_wiro.clients.sync import Client

        if self._client is None:
            self._client = Client(read_credentials(self.conn_id), self._log, lambda: read_credentials(self.conn_id))
        if self._told_to_stop():
            self._client.interrupt()
        return self._client
