"""The trigger: waits for one Wiro task on the triggerer's event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_wiro import triggers
from airflow_provider_wiro.clients.shared import Lease
from airflow_provider_wiro.compat import AIRFLOW_V_3_3_PLUS, conf
from airflow_provider_wiro.core.calls import Stop, stop
from airflow_provider_wiro.core.credentials import same_service
from airflow_provider_wiro.core.pace import pause
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.hooks.connection import aread_credentials
from airflow_provider_wiro.task_instance import was_killed
from airflow_provider_wiro.triggers.ending import event_of

STOPPED_LATER = (
    "the Airflow task was killed, but taskid %s COULD NOT BE STOPPED YET: connection %s %s. It may still run and be "
    "paid; stopping it is tried again for %.0f s. %s, or stop it in the Wiro dashboard"
)
UNREAD = "cannot be read in the triggerer (%s)"
UNREAD_ADVICE = "Give the triggerer the connection too (one in the environment of the workers alone is not enough)"
ELSEWHERE = "leads to %s, but the task runs on %s"
ELSEWHERE_ADVICE = "Set the connection back to that"

REREAD_PAUSE = 10.0
"""Seconds between two readings of a connection that names another service."""

# Stops that are on their way: the event loop itself holds tasks only weakly.
_stopping: set[asyncio.Task[None]] = set()


class WiroTaskTrigger(BaseTrigger):
    """Wait for a Wiro task; fire one event with the verdict. Never submits, never downloads.

    If the Airflow task is killed while it is deferred, the Wiro task is stopped. If the triggerer shuts
    down, or another one takes over, it is left alone.

    :param taskid: the Wiro task.
    :param conn_id: the Airflow connection; the trigger carries no secret.
    :param submitted_at: unix time of the submission.
    :param deadline: unix time at which the verdict is ``"timeout"``.
    :param poll_interval: shortest pause between two looks, in seconds.
    :param outage_tolerance: seconds without one good answer after which it is not waited for any longer.
    :param task_error_grace: seconds that it may stay in ``task_error``.
    :param cancel_on_kill: whether killing the Airflow task stops the Wiro task.
    :param base_url: the service that the Wiro task runs on. Where the connection names another one, nothing is sent.
        None, as 0.1.0 has it: the one that the connection names when this trigger starts.
    :param try_number: the try that has deferred; None, as 0.1.0 has it: not known.
    :param stop_at_timeout: whether the Wiro task is stopped where this wait ends before it does: at the deadline, after
        an outage, in ``task_error``.
    :param ends_with: what it takes to end a successful task here, as ``core/at_the_end.py`` writes it; None: a worker
        ends it.
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
        base_url: str | None = None,
        try_number: int | None = None,
        stop_at_timeout: bool = True,
        ends_with: str | None = None,
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
        self.base_url = base_url
        self.try_number = try_number
        self.stop_at_timeout = stop_at_timeout
        self.ends_with = ends_with
        self._service = base_url
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
                "base_url": self.base_url,
                "try_number": self.try_number,
                "stop_at_timeout": self.stop_at_timeout,
                "ends_with": self.ends_with,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait, and fire one event: a JSON object of ``version``, ``taskid``, ``verdict``, ``status``,
        ``reason``, ``stopped`` and ``result``, and of ``cost_usd`` where Wiro shows one.

        It fires five seconds after it has begun at the earliest. With *ends_with*, a success is a ``TaskSuccessEvent``
        instead, and the task's XComs are pushed, unless something needs a worker (``core/rules/worker.py``).

        ``verdict`` is ``"success"``, ``"failed"``, ``"charged"``, ``"flagged"``, ``"flagged_charged"``,
        ``"unreadable"``, ``"cancelled"``, ``"stuck"``, ``"realtime"``, ``"timeout"``, ``"gave_up"``, ``"not_found"`` or
        ``"elsewhere"``; ``reason`` one line; ``stopped`` whether the Wiro task is surely over, null
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
            stop_at_timeout=self.stop_at_timeout,
        )
        settled = time.monotonic() + triggers.SETTLING
        try:
            self._lease = await self._take_lease(min(self.outage_tolerance, self.deadline - time.time()))
            verdict = await self._lease.lookout.wait(
                plan,
                self.log,
                service=self._service,
                experience=self._lease.experience,
                listed=self._says("list_polling", fallback=True),
                pushed=self._says("push", fallback=False),
            )
            await asyncio.sleep(max(0.0, settled - time.monotonic()))
        except asyncio.CancelledError:
            if not AIRFLOW_V_3_3_PLUS:
                await self._stop_if_killed(if_unsure=False)
            raise
        await self.cleanup()
        yield await event_of(verdict, self.ends_with, self.task_instance, self.log)

    def _says(self, option: str, *, fallback: bool) -> bool:
        """Whether an option of ``[wiro]`` is on. One that cannot be read is off: each task is looked at by itself."""
        try:
            return bool(conf.getboolean("wiro", option, fallback=fallback))
        except Exception as error:
            self.log.warning("[wiro] %s is taken as False: %s", option, in_words(error))
            return False

    async def on_kill(self) -> None:
        """Stop the Wiro task if a person ended or cleared the Airflow task (Airflow 3.3+ calls this)."""
        await self._stop_if_killed(if_unsure=True)

    async def cleanup(self) -> None:
        """Give the shared client back."""
        lease, self._lease = self._lease, None
        if lease is not None:
            await lease.release()

    async def _take_lease(self, patience: float, *, killed: bool = False) -> Lease:
        """Read the connection; a paid task is not lost because that fails for a while.

        :param patience: seconds after which the error is raised.
        :param killed: whether the Wiro task has to be stopped, which a person must know of who could do it at once.
        """
        first, give_up = True, time.monotonic() + patience
        while True:
            try:
                lease = await Lease.take(self.conn_id, partial(aread_credentials, self.conn_id), self.log)
            except Exception as error:
                if time.monotonic() >= give_up:
                    raise
                said = in_words(error)
                if killed and first:
                    self._stopped_later(UNREAD % said, UNREAD_ADVICE, patience)
                else:
                    self.log.warning("taskid %s: connection %s cannot be read yet: %s", self.taskid, self.conn_id, said)
            else:
                self._service = self._service or lease.client.base_url
                return lease
            first = False
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
            give_up = time.monotonic() + self.outage_tolerance
            lease = lease or await self._take_lease(self.outage_tolerance, killed=True)
            await self._await_service(lease, give_up)
            stopped = await self._stop(lease)
            write = self.log.info if stopped.over else self.log.error
            write("the Airflow task was killed; %s", stopped.story(self.taskid))
        except Exception as error:
            said = in_words(error)
            self.log.error("the Airflow task was killed; %s", Stop(False, said).story(self.taskid))
        finally:
            if lease is not None:
                await lease.release()

    async def _await_service(self, lease: Lease, give_up: float) -> None:
        """Wait until the connection names again where the Wiro task runs: the stop must not go anywhere else.

        :param give_up: on the clock of ``time.monotonic``.
        """
        if self._leads_there(lease):
            return
        self._stopped_later(
            ELSEWHERE % (lease.client.base_url, self._service), ELSEWHERE_ADVICE, give_up - time.monotonic()
        )
        while not self._leads_there(lease) and time.monotonic() < give_up:
            await asyncio.sleep(pause(time.time() - self.submitted_at, self.poll_interval, 0))
            await lease.client.reread(REREAD_PAUSE, self.log)

    def _leads_there(self, lease: Lease) -> bool:
        return self._service is None or same_service(lease.client.base_url, self._service)

    def _stopped_later(self, why: str, advice: str, patience: float) -> None:
        self.log.error(STOPPED_LATER, self.taskid, self.conn_id, why, patience, advice)

    async def _stop(self, lease: Lease) -> Stop:
        """Stop the Wiro task over a session of its own, with the credentials that are in memory."""
        client = lease.client.fresh()
        try:
            return await client.drive(stop(self.taskid), self.log, service=self._service)
        finally:
            await client.close()

    async def _was_killed(self, if_unsure: bool) -> bool:
        if self.task_instance is None:
            return False
        try:
            return await was_killed(self.task_instance, self.taskid, self.try_number)
        except Exception as error:
            said = in_words(error)
            what = "stopping it" if if_unsure else "leaving it running"
            self.log.warning("taskid %s: the task instance cannot be looked up (%s); %s", self.taskid, said, what)
            return if_unsure
