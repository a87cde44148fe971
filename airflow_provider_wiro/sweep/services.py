"""The services that the records are of, and the connections that lead there."""

from __future__ import annotations

import logging
from dataclasses import replace

from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.protocol import Flow, T
from airflow_provider_wiro.exceptions import WiroWrongService
from airflow_provider_wiro.hooks.caller import Caller

log = logging.getLogger(__name__)


class Services:
    """Carries flows out at the service of a record; one caller for each connection."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}
        self._leads_to: dict[str, str | None] = {}

    def drive(self, record: Record, flow: Flow[T], *, to_the_end: bool = False) -> T:
        """Carry out *flow* at the service that *record* names.

        :raises WiroWrongService: if its connection leads to another one; nothing is sent then.
        """
        caller = self._caller(record.conn_id)
        if record.base_url is not None and not same_service(record.base_url, caller.base_url):
            raise WiroWrongService(
                f"it was submitted to {record.base_url}, but the connection leads to {caller.base_url}: nothing was "
                f"sent there. It may run on; set the connection's host back, or stop it at {record.base_url}"
            )
        return caller.drive(flow, service=record.base_url, to_the_end=to_the_end)

    def account(self, record: Record) -> str:
        """Return the account that the connection of *record* is of now."""
        return self._caller(record.conn_id).account

    def named(self, record: Record) -> Record:
        """Return a record that names its service, as far as its connection can be read."""
        return record if record.base_url else replace(record, base_url=self._of(record))

    def same_task(self, record: Record, other: Record) -> bool:
        """Whether both are of one Wiro task, as they are where a connection cannot be read."""
        if record.taskid is None or record.taskid != other.taskid:
            return False
        one, another = self._of(record), self._of(other)
        return one is None or another is None or same_service(one, another)

    def _of(self, record: Record) -> str | None:
        if record.base_url is not None:
            return record.base_url
        conn_id = record.conn_id
        if conn_id not in self._leads_to:
            try:
                self._leads_to[conn_id] = self._caller(conn_id).base_url
            except Exception:
                self._leads_to[conn_id] = None
        return self._leads_to[conn_id]

    def _caller(self, conn_id: str) -> Caller:
        if conn_id not in self._callers:
            self._callers[conn_id] = Caller(conn_id, log)
        return self._callers[conn_id]
