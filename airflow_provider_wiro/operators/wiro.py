"""The operator for any Wiro model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pendulum
from airflow.providers.common.compat.sdk import BaseOperator, conf
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_wiro.core.calls import NOT_STOPPED, Stop
from airflow_provider_wiro.core.fields import Field, model_inputs, model_name, seconds
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.core.verdict import Verdict, error_of, no_output
from airflow_provider_wiro.exceptions import WiroError, WiroInterrupted, WiroNotStopped
from airflow_provider_wiro.operators.failing import final_errors_skip_retries
from airflow_provider_wiro.operators.signals import signals_held

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_wiro.core.task import ResultDict, Submission
    from airflow_provider_wiro.hooks.wiro import WiroHook

# How much later than the trigger's own deadline Airflow ends a deferral that brought no event.
BACKSTOP = timedelta(minutes=10)
TRIGGER_FAILED = "__fail__"


class WiroRunOperator(BaseOperator):
    """Run any Wiro model and return its outputs. **Each run that succeeds costs money.**

    XCom: ``taskid`` as soon as Wiro has accepted the Run, ``output_urls`` (list) at the end, and the return value
    ``{"taskid", "status", "outputs": [{"url", "name", "content_type", "size"}, …], "cost_usd", "elapsed_seconds"}``:
    sizes in bytes, null where unknown. Output URLs are public and kept for a limited time.

    Killing the Airflow task, running or deferred, stops the Wiro task.

    Source: https://wiro.ai/docs.

    :param model: ``"owner/model"``, such as ``"Runway/image-to-video-gen4-turbo"`` (templated).
    :param inputs: the model's inputs, JSON values; None is left out (templated).
    :param wiro_conn_id: the Airflow connection, default ``wiro_default`` (templated).
    :param deferrable: wait in the triggerer, without a worker slot; default ``[operators] default_deferrable``.
    :param wait_for_completion: False returns right after submission, with status null.
    :param poll_interval: shortest pause between two looks, in seconds, default 3; it grows to 30 with the waiting time.
    :param timeout: seconds from the Run after which the Wiro task is stopped and this one fails, default 3600; an
        ``execution_timeout`` that ends earlier counts instead.
    :param outage_tolerance: seconds without one good answer of Wiro after which to give up, default 600.
    :param task_error_grace: seconds that a Wiro task may stay in ``task_error``, default 120.
    :param cancel_on_kill: whether killing this task stops the Wiro task, default True.
    :raises WiroInputError: a value is not allowed; before anything is sent.
    :raises WiroRequestError: the Run was not accepted, or its outcome is not known.
    :raises WiroTaskError: the Wiro task brought no outputs; each message says what to do next.
    """

    template_fields: Sequence[str] = ("model", "inputs", "wiro_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json"}
    ui_color = "#efeaff"

    fields: ClassVar[tuple[Field, ...]] = ()
    requires_output: ClassVar[bool] = False

    def __init__(
        self,
        *,
        model: str,
        inputs: Mapping[str, Any] | None = None,
        wiro_conn_id: str = "wiro_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        wait_for_completion: bool = True,
        poll_interval: float = 3.0,
        timeout: float = 3600.0,
        outage_tolerance: float = 600.0,
        task_error_grace: float = 120.0,
        cancel_on_kill: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.inputs = {} if inputs is None else inputs
        self.wiro_conn_id = wiro_conn_id
        self.deferrable = deferrable
        self.wait_for_completion = wait_for_completion
        self.poll_interval = seconds("poll_interval", poll_interval)
        self.timeout = seconds("timeout", timeout)
        self.outage_tolerance = seconds("outage_tolerance", outage_tolerance)
        self.task_error_grace = seconds("task_error_grace", task_error_grace)
        self.cancel_on_kill = cancel_on_kill
        self._taskid: str | None = None
        self._killed = False
        self._stopped: Stop | None = None
        if not is_templated(self.model):
            model_name(self.model)
        if not is_templated(self.inputs):
            model_inputs(self.inputs)

    @cached_property
    def hook(self) -> WiroHook:
        """The hook on ``wiro_conn_id``."""
        from airflow_provider_wiro.hooks.wiro import WiroHook

        return WiroHook(self.wiro_conn_id)

    def check_fields(self) -> None:
        """Check the typed arguments that hold no template yet; a model's operator calls it when it is constructed."""
        for field in self.fields:
            given = getattr(self, field.name)
            if not is_templated(given):
                field.value(given)

    def build_inputs(self) -> dict[str, object]:
        """Return the inputs to send: the typed arguments, rendered and checked, over ``inputs``."""
        typed = {field.input: field.value(getattr(self, field.name)) for field in self.fields}
        return model_inputs(self.inputs) | {name: value for name, value in typed.items() if value is not None}

    def execute(self, context: Context) -> ResultDict:
        """Submit, then wait or defer."""
        with final_errors_skip_retries():
            model, inputs, hook = model_name(self.model), self.build_inputs(), self.hook
            if self._killed:
                hook.interrupt()
            with self._stopped_if_broken():
                with signals_held(hook.interrupt):
                    submission = hook.run(model, inputs)
                    self._taskid = submission.taskid
                self.log.info("taskid %s: Wiro accepted the Run of %s", submission.taskid, model)
                context["ti"].xcom_push(key="taskid", value=submission.taskid)
                self._end_if_killed(submission.taskid)
                if not self.wait_for_completion:
                    return submission.result()
                deadline = self._deadline(context, submission)
                if self.deferrable:
                    self._defer(submission, deadline)
                result = hook.wait(
                    submission.taskid,
                    submitted_at=submission.submitted_at,
                    timeout=deadline - submission.submitted_at,
                    poll_interval=self.poll_interval,
                    outage_tolerance=self.outage_tolerance,
                    task_error_grace=self.task_error_grace,
                )
            return self._finish(context, result)

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> ResultDict:
        """Take the trigger's verdict; a success needs no request."""
        with final_errors_skip_retries():
            try:
                verdict = Verdict.from_event(event)
            except WiroError:
                self._stop_recorded(context)
                raise
            if verdict.kind != "success":
                raise error_of(verdict)
            return self._finish(context, verdict.result or self._read_large_result(verdict.taskid))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Stop the Wiro task where Airflow itself gave up on the deferral: its timeout, or a broken trigger.

        If that finds a task that has finished well meanwhile, it is paid for, and so it is the result.
        """
        if next_method != TRIGGER_FAILED:
            return super().resume_execution(next_method, next_kwargs, context)
        with final_errors_skip_retries():
            stopped = self._stop_recorded(context)
            if stopped.task is not None and stopped.task.succeeded:
                return self._finish(context, stopped.task.result())
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except Exception as error:
                raise_if_running(stopped, error)
                raise

    def on_kill(self) -> None:
        """Stop the Wiro task. On Airflow 3, ``execute`` goes on afterwards and finds that it was interrupted."""
        self._killed = True
        if "hook" in self.__dict__:
            self.hook.interrupt()
        if not self.cancel_on_kill:
            return
        if self._taskid is not None:
            self._stopped = self._stop(self._taskid)
        elif (context := _resumed_before_airflow_3()) is not None:
            self._stop_recorded(context)

    @contextmanager
    def _stopped_if_broken(self) -> Iterator[None]:
        """Stop the paid task where something breaks that is not its own verdict: nobody would find it again."""
        try:
            yield
        except WiroInterrupted:
            if self._taskid is not None:
                self._end_if_killed(self._taskid)
            raise
        except WiroError:
            raise
        except KeyboardInterrupt:
            self.on_kill()
            raise
        except Exception as error:
            if self._taskid is not None:
                raise_if_running(self._stop(self._taskid), error)
            raise

    def _end_if_killed(self, taskid: str) -> None:
        """End a task that Airflow told to stop; a retry is safe only if the old Wiro task is surely over."""
        if not self._killed:
            return
        if self.cancel_on_kill and self._stopped is None:  # the kill came before the taskid was known
            self._stopped = self._stop(taskid)
        raise WiroInterrupted(
            f"Airflow told this task to stop; taskid {taskid}",
            taskid=taskid,
            retryable=self._stopped is not None and self._stopped.over,
        )

    def _deadline(self, context: Context, submission: Submission) -> float:
        """Return the earlier of ``timeout`` and ``execution_timeout``, less the time that stopping takes."""
        deadline = submission.submitted_at + self.timeout
        if self.execution_timeout is None:
            return deadline
        allowed, started = self.execution_timeout.total_seconds(), context["ti"].start_date
        slack = min(60.0, max(10.0, allowed / 10), allowed / 2)
        since = started.timestamp() if started else submission.submitted_at
        return max(submission.submitted_at, min(deadline, since + allowed - slack))

    def _defer(self, submission: Submission, deadline: float) -> None:
        from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger

        trigger = WiroTaskTrigger(
            taskid=submission.taskid,
            conn_id=self.wiro_conn_id,
            submitted_at=submission.submitted_at,
            deadline=deadline,
            poll_interval=self.poll_interval,
            outage_tolerance=self.outage_tolerance,
            task_error_grace=self.task_error_grace,
            cancel_on_kill=self.cancel_on_kill,
        )
        until = pendulum.from_timestamp(deadline).to_datetime_string()
        self.log.info("taskid %s: waiting in the triggerer, at most until %s UTC", submission.taskid, until)
        backstop = timedelta(seconds=max(0.0, deadline - time.time())) + BACKSTOP
        self._end_if_killed(submission.taskid)
        self.defer(trigger=trigger, method_name="execute_complete", timeout=backstop)

    def _read_large_result(self, taskid: str) -> ResultDict:
        """Read a result that did not fit into the trigger's event; what fails here is paid for, so it is final."""
        try:
            return self.hook.wait(taskid, poll_interval=self.poll_interval, outage_tolerance=self.outage_tolerance)
        except WiroError as error:
            error.retryable = False
            raise

    def _finish(self, context: Context, result: ResultDict) -> ResultDict:
        urls = [output["url"] for output in result["outputs"] if output["url"]]
        if self.requires_output and not urls:
            raise no_output(result)
        if self.do_xcom_push:
            context["ti"].xcom_push(key="output_urls", value=urls)
        cost = "" if result["cost_usd"] is None else f", {result['cost_usd']} USD"
        self.log.info("taskid %s: done, %s output(s)%s", result["taskid"], len(result["outputs"]), cost)
        return result

    def _stop_recorded(self, context: Context) -> Stop:
        """Stop the Wiro task that an earlier ``execute`` of this try recorded; never raises either."""
        ti = context["ti"]
        try:
            taskid = ti.xcom_pull(task_ids=ti.task_id, key="taskid", map_indexes=ti.map_index)
        except Exception as error:
            taskid = None
            self.log.error("XCom taskid cannot be read: %s: %s", type(error).__name__, error)
        if isinstance(taskid, str):
            return self._stop(taskid)
        stopped = Stop(False, "no taskid is recorded")
        self.log.error("%s", stopped.story("unknown"))
        return stopped

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


def is_templated(value: object) -> bool:
    """Whether *value* holds Jinja or an XComArg, so that it can only be checked after rendering."""
    if isinstance(value, str):
        return any(mark in value for mark in ("{{", "{%", "{#"))
    if isinstance(value, Mapping):
        return any(is_templated(item) for item in value.values())
    if isinstance(value, list | tuple | set):
        return any(is_templated(item) for item in value)
    return hasattr(value, "resolve") and hasattr(value, "iter_references")


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
