"""The sensor: waits for a Wiro task that was submitted elsewhere."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_wiro.compat import (
    AirflowException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)
from airflow_provider_wiro.core.fields import refused, seconds, the_taskid, true_or_false
from airflow_provider_wiro.core.polling import OUTAGE_TOLERANCE, POLL_INTERVAL, TASK_ERROR_GRACE
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.exceptions import WiroError, WiroInputError, WiroTaskTimeout
from airflow_provider_wiro.links.gallery import gallery_links
from airflow_provider_wiro.links.wiro import WiroOutputLink
from airflow_provider_wiro.stages.ending import end_outside
from airflow_provider_wiro.stages.failing import errors_of_a_sensor
from airflow_provider_wiro.stages.paid import PaidTask
from airflow_provider_wiro.stages.resume import TRIGGER_BROKE, TRIGGER_FAILED
from airflow_provider_wiro.stages.settle import deliver
from airflow_provider_wiro.stages.tell import OUT_OF_TIME, TASKID
from airflow_provider_wiro.stages.this_try import Settings, Try
from airflow_provider_wiro.stages.watch import defer_watching, look_once, look_until_well, told, unless_killed, watch
from airflow_provider_wiro.task_instance import is_unmapped

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import BaseOperatorLink, Context
    from airflow_provider_wiro.core.result import ResultDict

Duration = float | timedelta


class WiroTaskSensor(BaseSensorOperator):
    """Wait for a Wiro task that was submitted elsewhere: by an app, in the dashboard, by a task that does not wait.

    It submits nothing, so it costs nothing. It never stops the Wiro task, unless *cancel_on_kill* asks for that: what
    ends the sensor, its *timeout* too, leaves the Wiro task running, which is paid if it succeeds.

    XCom and return value are those of :class:`~airflow_provider_wiro.operators.wiro.WiroRunOperator`, without
    ``wiro_generation``.

    All other arguments are those of Airflow's ``BaseSensorOperator``. Its *timeout* (default 7 days) fails the sensor
    without retries, as always; *soft_fail*, *silent_fail* and *never_fail* do what they do there. What a retry cannot
    help fails without retries too. *poke_interval* is the pause between two looks of ``mode="reschedule"``, and after a
    failure that *silent_fail* passes over. Everywhere else *poll_interval* is.

    Durations are seconds, or a ``timedelta``.

    :param taskid: the Wiro task (templated), such as ``submit.output["taskid"]``.
    :param wiro_conn_id: the Airflow connection, default ``wiro_default``; of the account that has submitted it
        (templated).
    :param deferrable: wait in the triggerer, without a worker slot; default ``[operators] default_deferrable``. Then
        *mode* does not matter.
    :param poll_interval: shortest pause between two looks, default 3 s; it grows to 30 s with the waiting time
        (in a triggerer up to a minute, while earlier tasks of the model say that it is too early).
    :param outage_tolerance: time without one good answer of Wiro after which to give up, default 600 s; with
        ``mode="reschedule"`` it holds the worker slot meanwhile.
    :param task_error_grace: time that the Wiro task may stay in ``task_error``, default 120 s; likewise.
    :param cancel_on_kill: whether killing this task, or its ``execution_timeout`` in a worker, stops the Wiro task,
        default False. Not with ``mode="reschedule"``, where nothing runs that could be told.
    :raises WiroInputError: a value is not allowed; before anything is sent.
    :raises WiroTaskError: a subclass, if the Wiro task did not succeed. ``WiroTaskTimeout`` is an
        ``AirflowSensorTimeout`` too.
    """

    template_fields: Sequence[str] = ("taskid", "wiro_conn_id")
    operator_extra_links: Collection[BaseOperatorLink] = (WiroOutputLink(), *gallery_links())
    ui_color = "#efeaff"

    def __init__(
        self,
        *,
        taskid: str,
        wiro_conn_id: str = "wiro_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: Duration = POLL_INTERVAL,
        outage_tolerance: Duration = OUTAGE_TOLERANCE,
        task_error_grace: Duration = TASK_ERROR_GRACE,
        cancel_on_kill: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.taskid = taskid
        self.wiro_conn_id = wiro_conn_id
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.outage_tolerance = outage_tolerance
        self.task_error_grace = task_error_grace
        self.cancel_on_kill = cancel_on_kill
        self._paid = PaidTask()
        self._try: Try | None = None
        self._at_work = False
        self._until: float | None = None
        self._event: object = None
        if not is_unmapped(self):
            self._settings()

    @property
    def told(self) -> ResultDict | None:
        """The result, once it is told of."""
        return self._try.told if self._try is not None else None

    def execute(self, context: Context) -> Any:
        """Wait, or defer; return what the operators return."""
        self._until = time.time() + self.timeout
        return self._sense(context)

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any] | None = None,
        *,
        until: float | None = None,
        try_number: int | None = None,
    ) -> Any:
        """Take the trigger's verdict, or go on waiting where it is none.

        :param until: unix time at which *timeout* is over; None, as in ``DAG.test`` of Airflow 2: it begins now.
        :param try_number: the try that deferred; None: this one.
        """
        if try_number not in (None, context["ti"].try_number):
            return self.execute(context)
        self._until, self._event = until, event
        return self._sense(context)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Wait here where the trigger broke."""
        if next_method == TRIGGER_FAILED and (next_kwargs or {}).get("error") == TRIGGER_BROKE:
            self.log.warning("taskid %s: its trigger broke; waiting for it in this worker", self.taskid)
            self.deferrable = False
            return self.execute(context)
        try:
            with self._saying_whose_time_is_over():
                return super().resume_execution(next_method, next_kwargs, context)
        except WiroTaskTimeout as error:  # only Airflow 3.0 does not skip here
            if self.soft_fail:
                raise AirflowSkipException(str(error)) from error
            raise

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Wait until the Wiro task is over; with ``mode="reschedule"``, only see whether it is."""
        with errors_of_a_sensor():
            this = self._try = self._new_try(context)
            with self._working(), unless_killed(this):
                verdict = self._verdict(this)
            if verdict is None:
                return False
            if verdict.result is None:
                raise error_of(verdict, watches=True)
            this.ti.xcom_push(key=TASKID, value=verdict.taskid)
            return PokeReturnValue(is_done=True, xcom_value=deliver(this, verdict.result))

    def on_kill(self) -> None:
        """Tell the wait to end: ``poke`` sees it within moments. Between two pokes, what is to be done is done here."""
        self._paid.told_to_stop = True
        self.silent_fail = False  # the end that follows is no failure to pass over
        if self.cancel_on_kill and self._try is not None and not self._at_work:
            end_outside(self._try, out_of_time=False)

    def _sense(self, context: Context) -> Any:
        with self._saying_whose_time_is_over():
            return super().execute(context)

    @contextmanager
    def _working(self) -> Iterator[None]:
        self._at_work = True
        try:
            yield
        finally:
            self._at_work = False

    def _verdict(self, this: Try) -> Verdict | None:
        event, self._event = self._event, None
        verdict = None if event is None else told(this, event)
        if verdict is not None:
            return verdict
        until = time.time() + self.timeout if self._until is None else self._until
        if this.defers:
            return look_once(this) or defer_watching(this, until)
        return look_until_well(this, until) if self.mode == "reschedule" else watch(this, until)

    def _new_try(self, context: Context) -> Try:
        from airflow_provider_wiro.hooks.caller import Caller

        settings, taskid = self._settings(), the_taskid(self.taskid)
        caller = Caller(self.wiro_conn_id, self.log, told_to_stop=lambda: self._paid.told_to_stop)
        self._paid.obtained(taskid, caller.base_url, time.time(), attached=True)
        self._paid.written()  # a further try finds it, for it is an argument
        return Try(settings, context, self.log, caller, self._paid)

    def _settings(self) -> Settings:
        try:
            for name in ("deferrable", "cancel_on_kill"):
                true_or_false(name, getattr(self, name))
            if self.cancel_on_kill and self.mode == "reschedule" and not self.deferrable:
                raise refused("cancel_on_kill", True, 'False with mode="reschedule", or deferrable=True')
            return Settings(
                conn_id=self.wiro_conn_id,
                deferrable=self.deferrable,
                defer_after=0.0,
                wait_for_completion=True,
                poll_interval=seconds("poll_interval", self.poll_interval),
                timeout=self.timeout,
                queue_timeout=0.0,
                outage_tolerance=seconds("outage_tolerance", self.outage_tolerance),
                task_error_grace=seconds("task_error_grace", self.task_error_grace),
                execution_timeout=self.execution_timeout,
                cancel_on_kill=self.cancel_on_kill,
                durable=False,
                on_unknown="fail",
                requires_output=False,
                push_outputs=self.do_xcom_push,
            )
        except WiroInputError as error:
            error.add_note(f"This is an argument of the task {self.task_id!r}.")
            raise

    @contextmanager
    def _saying_whose_time_is_over(self) -> Iterator[None]:
        """Let the timeout of Airflow's own making be one of this package's, which says what becomes of the money."""
        try:
            yield
        except AirflowException as error:
            airflows = isinstance(error, AirflowSensorTimeout) or type(error).__name__ in OUT_OF_TIME
            if isinstance(error, WiroError) or not airflows:
                raise
            verdict = Verdict("timeout", str(self.taskid), None, one_line(error))
            with errors_of_a_sensor():
                raise error_of(verdict, watches=True) from error
