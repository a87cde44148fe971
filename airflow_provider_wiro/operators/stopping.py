"""Ending the Wiro task together with the Airflow task, so that nothing is left running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, BaseOperator
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_wiro.core.calls import NOT_STOPPED, Stop
from airflow_provider_wiro.core.task import read_taskid
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.exceptions import WiroError, WiroInterrupted, WiroJournalError, WiroNotStopped
from airflow_provider_wiro.operators.ended import another_try_comes, ended_by_airflow
from airflow_provider_wiro.operators.payment import Payment

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_wiro.hooks.wiro import WiroHook
    from airflow_provider_wiro.journals import Journal


class StoppingOperator(BaseOperator):
    """An operator whose Wiro task ends with it.

    :param wiro_conn_id: the Airflow connection.
    :param cancel_on_kill: whether killing this task stops the Wiro task.
    """

    def __init__(self, *, wiro_conn_id: str, cancel_on_kill: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wiro_conn_id = wiro_conn_id
        self.cancel_on_kill = cancel_on_kill
        self._payment: Payment | None = None
        self._journal: Journal | None = None
        self._unusable: WiroJournalError | None = None
        self._killed = False
        self._stopped: Stop | None = None
        self._found: str | None = None
        self._ti: Any = None
        self._goes_on: bool | None = None

    @cached_property
    def hook(self) -> WiroHook:
        """The hook on ``wiro_conn_id``."""
        from airflow_provider_wiro.hooks.wiro import WiroHook

        return WiroHook(self.wiro_conn_id)

    def on_kill(self) -> None:
        """Stop the Wiro task, unless only this worker goes away and the next try goes on with it.

        On Airflow 3, ``execute`` goes on afterwards and finds that it was interrupted.
        """
        self._killed = True
        if "hook" in self.__dict__:
            self.hook.interrupt()
        if not self.cancel_on_kill:
            return
        if self._taskid is not None:
            self._stop_if_ended(self._taskid)
        elif (context := _resumed_before_airflow_3()) is not None:
            self._stop_recorded(context)

    @property
    def _taskid(self) -> str | None:
        return self._found if self._payment is None else self._payment.taskid

    @contextmanager
    def _stopped_if_broken(self) -> Iterator[None]:
        """Stop the paid task where something breaks that is not its own verdict, unless the next try finds it."""
        try:
            yield
        except WiroInterrupted:
            if self._taskid is not None:
                self._end_if_killed(self._taskid)
            raise
        except WiroError:
            raise
        except KeyboardInterrupt:
            self._goes_on = False
            self.on_kill()
            raise
        except Exception as error:
            if self._taskid is not None and not (self._goes_on or self._found_by_the_next_try(error)):
                raise_if_running(self._stop(self._taskid), error)
            raise

    def _found_by_the_next_try(self, error: Exception) -> bool:
        recorded = self._payment is not None and self._payment.recorded
        final = isinstance(error, AirflowFailException | AirflowSkipException)
        return recorded and not final and another_try_comes(self._ti)

    def _stop_if_ended(self, taskid: str) -> None:
        """Stop what a person or a deadline has ended. A second signal may break this off, and then does it all."""
        if self._goes_on is None:
            self._goes_on = self._journal is not None and not ended_by_airflow(self._ti)
        if self._goes_on:
            self.log.warning("taskid %s: only this worker goes away; the next try goes on with it", taskid)
        else:
            self._stopped = self._stop(taskid)

    def _end_if_killed(self, taskid: str) -> None:
        """End a task that Airflow told to stop; a retry is safe only if the old Wiro task is surely over."""
        if not self._killed:
            return
        if self.cancel_on_kill and self._stopped is None and not self._goes_on:  # it came before the taskid was known
            self._stop_if_ended(taskid)
        raise WiroInterrupted(
            f"Airflow told this task to stop; taskid {taskid}",
            taskid=taskid,
            retryable=bool(self._goes_on or (self._stopped and self._stopped.over)),
        )

    def _stop_recorded(self, context: Context) -> Stop:
        """Stop the Wiro task that an earlier ``execute`` of this try recorded; never raises either."""
        try:
            taskid = self._find_recorded(context)
        except Exception as error:
            stopped = Stop(False, one_line(f"XCom does not say which it is ({type(error).__name__}: {error})"))
            self.log.error("%s", stopped.story("unknown"))
            return stopped
        return Stop(True, "nothing was submitted") if taskid is None else self._stop(taskid)

    def _find_recorded(self, context: Context) -> str | None:
        """Return the taskid that this try put into XCom before it deferred; None if it deferred for want of room."""
        ti = context["ti"]
        pulled = ti.xcom_pull(task_ids=ti.task_id, key="taskid", map_indexes=ti.map_index)
        self._found = read_taskid(pulled)
        if self._found is None and pulled is not None:
            raise ValueError(f"it holds {one_line(pulled, 100)}")
        return self._found

    def _stop(self, taskid: str) -> Stop:
        """Stop the Wiro task; never raises, for it runs where something else already fails."""
        try:
            stopped = self.hook.stop(taskid)
        except Exception as error:
            stopped = Stop(False, one_line(f"{type(error).__name__}: {error}"))
        write = self.log.info if stopped.over else self.log.error
        write("%s", stopped.story(taskid))
        return stopped


def raise_if_running(stopped: Stop, error: Exception) -> None:
    """Raise, from *error*, that the Wiro task runs on: a retry would pay a second time."""
    if not stopped.over:
        raise WiroNotStopped(f"{one_line(f'{type(error).__name__}: {error}')}; the Wiro task {NOT_STOPPED}") from error


def _resumed_before_airflow_3() -> Context | None:
    """Airflow 2 calls ``on_kill`` on a fresh operator when a deferred task's time is over."""
    if AIRFLOW_V_3_0_PLUS:
        return None
    from airflow.providers.common.compat.sdk import AirflowException, get_current_context

    try:
        context = get_current_context()
    except AirflowException:  # killed before it ran
        return None
    return context if getattr(context["ti"], "next_method", None) else None
