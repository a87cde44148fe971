"""Runs triggers on an event loop as Airflow's triggerer does, and has task instances for them to look up."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from airflow.models.dag import DagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.triggers.base import BaseTrigger, TriggerEvent
from airflow.utils.session import create_session

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_3_PLUS
from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger
from small_airflow import Run, warnings_of_airflow
from supervised import further_arguments

if AIRFLOW_V_3_0_PLUS:
    from airflow.models.xcom import XComModel as XCom
else:
    from airflow.models.xcom import XCom  # type: ignore[no-redef]


def make_trigger(taskid: str, **fields: Any) -> WiroTaskTrigger:
    """Return a trigger with short times."""
    now = time.time()
    kwargs: dict[str, Any] = {
        "conn_id": "wiro_default",
        "submitted_at": now,
        "deadline": now + 60,
        "poll_interval": 0.1,
    } | fields
    return WiroTaskTrigger(taskid=taskid, **kwargs)


async def events_of(trigger: BaseTrigger) -> list[TriggerEvent]:
    """Run a trigger to its end and return its events."""
    events = [event async for event in trigger.run()]
    await trigger.cleanup()
    return events


async def event_of(trigger: WiroTaskTrigger) -> dict[str, Any]:
    """Do so, and return what its only event tells the worker."""
    [event] = await events_of(trigger)
    return dict(event.payload)


def fire(trigger: WiroTaskTrigger) -> dict[str, Any]:
    """Do so on an event loop of its own."""
    return asyncio.run(event_of(trigger))


async def until(condition: Callable[[], object], within: float = 15.0) -> None:
    """Poll *condition* until it holds; fail where it does not."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - it may be anything
            await asyncio.sleep(0.01)


class Triggerer:
    """Runs one trigger; ends it as Airflow does when a person ended its task, or when it shuts down."""

    def __init__(self, trigger: WiroTaskTrigger) -> None:
        self.trigger = trigger
        self._killing = False
        self._running = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        try:
            async for _ in self.trigger.run():
                pass
        except asyncio.CancelledError:
            if self._killing and AIRFLOW_V_3_3_PLUS:
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait_for(self.trigger.on_kill(), timeout=30)
            raise
        finally:
            with contextlib.suppress(Exception):
                await self.trigger.cleanup()

    async def kill(self, *, times: int = 1) -> None:
        """End the trigger because of what a person did, saying so *times* times, 50 ms apart."""
        self._killing = True
        await self.shut_down(times=times)

    async def shut_down(self, *, times: int = 1) -> None:
        """End the trigger because the triggerer ends."""
        for _ in range(times):
            self._running.cancel()
            await asyncio.sleep(0.05)
        await asyncio.wait([self._running])


class WaitingTask:
    """A task instance in the database, as a trigger sees it and as a person changes it."""

    def __init__(self, run: Run) -> None:
        [ti] = run.instances
        self.key = {"dag_id": ti.dag_id, "task_id": ti.task_id, "run_id": ti.run_id, "map_index": ti.map_index}
        self.seen: Any = SimpleNamespace(id=getattr(ti, "id", None), try_number=1, **self.key)
        self.set_state("deferred")

    def set_state(self, state: str) -> None:
        with warnings_of_airflow(), create_session() as session:
            session.query(TaskInstance).filter_by(**self.key).update({"state": state})

    def fired(self, event: TriggerEvent) -> tuple[str, datetime | None]:
        """Let Airflow take an event of its trigger; return the state that it has then, and when it has ended."""
        with warnings_of_airflow():
            with create_session() as session:
                model = session.get(DagModel, self.key["dag_id"]) or DagModel(dag_id=self.key["dag_id"])
                model.fileloc = "dag.py"
                if AIRFLOW_V_3_0_PLUS:
                    model.relative_fileloc = "dag.py"
                session.add(model)
                row = Trigger(classpath="none", kwargs={})
                session.add(row)
                session.flush()
                number = row.id
                waiting = {"state": "deferred", "trigger_id": number, "end_date": None}
                session.query(TaskInstance).filter_by(**self.key).update(waiting)
            Trigger.submit_event(number, event)
            with create_session() as session:
                ti = session.query(TaskInstance).filter_by(**self.key).one()
                return str(ti.state), ti.end_date

    def record(self, taskid: str | None) -> None:
        """Put another *taskid* in place of the recorded one, or none."""
        with warnings_of_airflow(), create_session() as session:
            recorded = session.query(XCom).filter_by(key="taskid", **self.key)
            if taskid is None:
                recorded.delete()
            elif AIRFLOW_V_3_0_PLUS:
                recorded.update({"value": taskid})
            else:
                XCom.set(key="taskid", value=taskid, session=session, **self.key)

    @contextlib.contextmanager
    def supervised(self) -> Iterator[None]:
        """Give triggers of Airflow 3 their channel to the API server."""
        if not AIRFLOW_V_3_0_PLUS:
            yield
            return
        import psutil
        import structlog
        from airflow.sdk.execution_time import supervisor

        parent = supervisor.InProcessTestSupervisor(
            id=self.seen.id,
            pid=os.getpid(),
            process=psutil.Process(),  # type: ignore[arg-type]
            process_log=structlog.get_logger(),
            client=supervisor.InProcessTestSupervisor._api_client(),
            **further_arguments(),
        )
        parent.comms = supervisor.InProcessSupervisorComms(supervisor=parent)
        with warnings_of_airflow(), supervisor.set_supervisor_comms(parent.comms):
            yield
