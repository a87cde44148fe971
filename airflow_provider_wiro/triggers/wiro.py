"""The trigger: waits for one Wiro task on the triggerer's event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_wiro.clients.shared import Lease
from airflow_provider_wiro.core.calls import Stop, stop
from airflow_provider_wiro.core.polling import WaitPlan, pause, wait
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.hooks.connection import aread_credentials
from airflow_provider_wiro.triggers.guard import was_killed

# Stops that are on their way: the event loop itself holds tasks only weakly.
_stopping: set[asyncio.Task[None]] = set()


class WiroTaskTrigger(BaseTrigger):
    """Wait for a Wiro task; fire one event with the verdict. Never submits, never downloads.

    If the Airflow task is killed while it is deferred, the Wiro task is stopped. If the triggerer shuts
    down, or another one takes over, it is left alone.

    :param taskid: the Wiro task.
    :param conn_id: the Airflow connection; the trigger carries no secret.
    :param submitted_at: unix time of the Run.
    :param deadline: unix time at which the Wiro task is stopped and the verdict is ``"timeout"``.
    :param poll_interval: shortest pause between two looks, in seconds.
    :param outage_tolerance: seconds without one good answer after which the Wiro task is stopped.
    :param task_error_grace: seconds in ``task_error`` after which the Wiro task is stopped.
    :param cancel_on_kill: whether killing the Airflow task stops the Wiro task.
    """

    def __init__(
        self,
        *,
        taskid: str,
        conn_id: str,
        submitted_at: float,
        deadline: float,
        poll_interval: float = 3.0,
        outage_tolerance: float = 600.0,
        task_error_grace: float = 120.0,
        cancel_on_kill: bool = True,
    ) -> None:
        super().__init__()
        self.taskid = taskid
        self.conn_id = conn_id
        self.submitted_at = submitted_at
        self.deadline = deadline
        self.poll_interval = poll_interval
        self.outage_tolerance = outage_tolerance
        self.task_error_grace = task_error_grace
        self.cancel_on_kill = cancel_on_kill
        self._lease: Lease | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the trigger's path and arguments: public, they outlive an upgrade of this package."""
        return (
            "airflow_provider_wiro.triggers.wiro.WiroTaskTrigger",
            {
                "taskid": self.taskid,
                "conn_id": self.conn_id,
                "submitted_at": self.submitted_at,
                "deadline": self.deadline,
                "poll_interval": self.poll_interval,
                "outage_tolerance": self.outage_tolerance,
                "task_error_grace": self.task_error_grace,
                "cancel_on_kill": self.cancel_on_kill,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire one event: ``{"version", "taskid", "verdict", "status", "reason", "stopped", "result"}``.

        ``verdict`` is ``"success"``, ``"failed"``, ``"charged"``, ``"cancelled"``, ``"stuck"``, ``"timeout"``,
        ``"gave_up"`` or ``"not_found"``; ``reason`` one line; ``stopped`` whether the Wiro task is surely over, null
        where there was nothing to stop; ``result`` as in XCom, null unless it succeeded (or if it is too large to
        travel).
        """
        plan = WaitPlan(
            taskid=self.taskid,
            submitted_at=self.submitted_at,
            deadline=self.deadline,
            poll_interval=self.poll_interval,
            outage_tolerance=self.outage_tolerance,
            task_error_grace=self.task_error_grace,
        )
        try:
            self._lease = await self._take_lease()
            verdict = await self._lease.client.drive(wait(plan), self.log)
        except asyncio.CancelledError:
            if not AIRFLOW_V_3_3_PLUS:
                await self._stop_if_killed(if_unsure=False)
            raise
        await self.cleanup()
        yield TriggerEvent(verdict.to_event())

    async def on_kill(self) -> None:
        """Stop the Wiro task if a person ended or cleared the Airflow task (Airflow 3.3+ calls this)."""
        await self._stop_if_killed(if_unsure=True)

    async def cleanup(self) -> None:
        """Give the shared client back."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.release()

    async def _take_lease(self) -> Lease:
        """Read the connection; a paid task is not lost because that fails for a while."""
        give_up = time.time() + self.outage_tolerance
        while True:
            try:
                return await Lease.take(self.conn_id, partial(aread_credentials, self.conn_id), self.log)
            except Exception as error:
                if time.time() >= min(give_up, self.deadline):
                    raise
                said = one_line(f"{type(error).__name__}: {error}")
                self.log.warning("taskid %s: connection %s cannot be read yet: %s", self.taskid, self.conn_id, said)
            await asyncio.sleep(pause(time.time() - self.submitted_at, self.poll_interval, 0))

    async def _stop_if_killed(self, *, if_unsure: bool) -> None:
        """Decide and stop in a task of its own: the triggerer cancels its caller again within a second."""
        if not self.cancel_on_kill:
            return
        stopping = asyncio.ensure_future(self._decide_and_stop(if_unsure))
        _stopping.add(stopping)
        stopping.add_done_callback(_stopping.discard)
        await asyncio.shield(stopping)

    async def _decide_and_stop(self, if_unsure: bool) -> None:
        lease, self._lease = self._lease, None
        try:
            if not await self._was_killed(if_unsure):
                return
            lease = lease or await self._take_lease()
            client = lease.client.fresh()
            try:
                stopped = await client.drive(stop(self.taskid), self.log)
            finally:
                await client.close()
            write = self.log.info if stopped.over else self.log.error
            write("the Airflow task was killed; %s", stopped.story(self.taskid))
        except Exception as error:
            said = one_line(f"{type(error).__name__}: {error}")
            self.log.error("the Airflow task was killed; %s", Stop(False, said).story(self.taskid))
        finally:
            if lease is not None:
                await lease.release()

    async def _was_killed(self, if_unsure: bool) -> bool:
        if self.task_instance is None:
            return False
        try:
            return await was_killed(self.task_instance, self.taskid)
        except Exception as error:
            said = one_line(f"{type(error).__name__}: {error}")
            what = "stopping it" if if_unsure else "leaving it running"
            self.log.warning("taskid %s: the task instance cannot be looked up (%s); %s", self.taskid, said, what)
            return if_unsure
