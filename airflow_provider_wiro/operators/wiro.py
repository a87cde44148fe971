"""The operator for any Wiro model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import pendulum
from airflow.providers.common.compat.sdk import conf

from airflow_provider_wiro.core import journal
from airflow_provider_wiro.core.fields import Field, model_inputs, model_name, seconds
from airflow_provider_wiro.core.journal import OnUnknown, forget
from airflow_provider_wiro.core.task import Submission
from airflow_provider_wiro.core.verdict import Verdict, error_of, no_output
from airflow_provider_wiro.exceptions import (
    WiroBusy,
    WiroError,
    WiroInterrupted,
    WiroJournalError,
    WiroNotStopped,
    WiroOutputsGone,
    WiroTaskCancelled,
    WiroTaskGaveUp,
    WiroTaskStuck,
    WiroTaskTimeout,
)
from airflow_provider_wiro.journals import NO_JOURNAL, identity_of, open_journal
from airflow_provider_wiro.operators.capacity import Queue
from airflow_provider_wiro.operators.failing import final_errors_skip_retries
from airflow_provider_wiro.operators.payment import Generation, Payment
from airflow_provider_wiro.operators.stopping import StoppingOperator, raise_if_running
from airflow_provider_wiro.operators.templated import is_templated

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_wiro.core.task import ResultDict, Task

# How much later than the trigger's own deadline Airflow ends a deferral that brought no event.
BACKSTOP = timedelta(minutes=10)
TRIGGER_FAILED = "__fail__"
TRIGGER_BROKE = "Trigger failure"
# What a retry could make one pay for twice, unless the retry finds the same Wiro task again.
SAFE_WITH_A_JOURNAL = (WiroInterrupted, WiroNotStopped, WiroTaskTimeout, WiroTaskStuck, WiroTaskGaveUp)


class WiroRunOperator(StoppingOperator):
    """Run any Wiro model and return its outputs. **Each run that succeeds costs money.**

    XCom: ``taskid`` as soon as Wiro has accepted the Run, ``output_urls`` (list) at the end, and the return value
    ``{"taskid", "status", "outputs": [{"url", "name", "content_type", "size"}, …], "cost_usd", "elapsed_seconds"}``:
    sizes in bytes, null where unknown. Output URLs are public and kept for a limited time.

    Killing the Airflow task, running or deferred, stops the Wiro task. While the account runs as many tasks as it may
    (code 96), or Wiro throttles, it waits, until *timeout*, and if deferrable without a worker slot.

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
    :param durable: pay once for all tries of a task instance, default True: a further try goes on with the Wiro task of
        the one before, or takes its outputs. Needs Airflow 3.3, or ``[wiro] journal_path``. False always submits.
    :param idempotency_key: what makes the work the same, where the inputs differ on every try (presigned URLs, the
        time); default None: model and inputs do (templated).
    :param on_unknown_submission: what to do if it cannot be found out whether Wiro accepted the Run of an earlier
        try: ``"fail"`` (default; a person decides) or ``"submit"``, which may pay twice.
    :raises WiroInputError: a value is not allowed; before anything is sent.
    :raises WiroJournalError: it cannot be read or written what was paid; nothing is sent.
    :raises WiroRequestError: the Run was not accepted, or its outcome is not known.
    :raises WiroTaskError: the Wiro task brought no outputs; each message says what to do next.
    """

    template_fields: Sequence[str] = ("model", "inputs", "wiro_conn_id", "idempotency_key")
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
        durable: bool = True,
        idempotency_key: str | None = None,
        on_unknown_submission: OnUnknown = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(wiro_conn_id=wiro_conn_id, cancel_on_kill=cancel_on_kill, **kwargs)
        self.model = model
        self.inputs = {} if inputs is None else inputs
        self.deferrable = deferrable
        self.wait_for_completion = wait_for_completion
        self.poll_interval = seconds("poll_interval", poll_interval)
        self.timeout = seconds("timeout", timeout)
        self.outage_tolerance = seconds("outage_tolerance", outage_tolerance)
        self.task_error_grace = seconds("task_error_grace", task_error_grace)
        self.durable = durable
        self.idempotency_key = idempotency_key
        self.on_unknown_submission = journal.on_unknown_submission(on_unknown_submission)
        if not is_templated(self.model):
            model_name(self.model)
        if not is_templated(self.inputs):
            model_inputs(self.inputs)
        if not is_templated(self.idempotency_key):
            journal.idempotency_key(self.idempotency_key)

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
        """Get the generation, an earlier try's or a new one, then wait or defer."""
        with self._failing_safely(context):
            return self._generate(context, Queue(time.time()))

    def submit_again(self, context: Context, event: dict[str, Any]) -> ResultDict:
        """Go on where Wiro had no room."""
        with self._failing_safely(context):
            return self._generate(context, Queue(event["since"], event["attempts"]))

    def execute_complete(
        self, context: Context, event: dict[str, Any] | None = None, *, attached: bool = False
    ) -> ResultDict:
        """Take the trigger's verdict; a success needs no request.

        :param attached: whether an earlier try had submitted the task.
        """
        with self._failing_safely(context):
            try:
                verdict = Verdict.from_event(event)
            except WiroError:
                self._stop_recorded(context)
                raise
            if verdict.kind == "cancelled" and attached:
                return self._generate_instead(context, verdict.taskid)
            if verdict.kind != "success":
                raise error_of(verdict)
            return self._finish(context, verdict.result or self._read_large_result(verdict.taskid))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Take over where Airflow gave up on the deferral: wait for a broken trigger, stop what is out of time.

        If stopping finds a task that has finished well meanwhile, it is paid for, and so it is the result.
        """
        if next_method != TRIGGER_FAILED:
            return super().resume_execution(next_method, next_kwargs, context)
        with self._failing_safely(context):
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except Exception as error:
                if next_kwargs and next_kwargs.get("error") == TRIGGER_BROKE:
                    return self._go_on_here(context)
                stopped = self._stop_recorded(context)
                if stopped.task is not None and stopped.task.succeeded:
                    return self._finish(context, stopped.task.result())
                raise_if_running(stopped, error)
                raise

    @contextmanager
    def _failing_safely(self, context: Context) -> Iterator[None]:
        """Let no error lead to a second payment: neither by a retry, nor by a task that runs on unseen."""
        with final_errors_skip_retries():
            self._ti = context["ti"]
            try:
                self._journal = open_journal(context) if self.durable else None
            except WiroJournalError as error:  # of no concern to a task that is paid already
                self._unusable = error
            try:
                with self._stopped_if_broken():
                    yield
            except SAFE_WITH_A_JOURNAL as error:
                error.retryable = error.retryable or self._journal is not None
                raise

    def _generate(self, context: Context, queue: Queue) -> ResultDict:
        if self._killed:
            self.hook.interrupt()
        generation = self._obtain(context, queue)
        submission = generation.submission
        context["ti"].xcom_push(key="taskid", value=submission.taskid)
        self._end_if_killed(submission.taskid)
        if not self.wait_for_completion:
            return submission.result()
        if generation.finished is not None:
            return self._reuse(context, generation.finished, submission.submitted_at)
        if self.deferrable:
            self._defer(submission, self._deadline(context, submission.submitted_at), generation.attached)
        try:
            return self._wait(context, submission)
        except WiroTaskCancelled:
            if self._killed or not generation.attached:
                raise
            return self._generate_instead(context, submission.taskid)

    def _wait(self, context: Context, submission: Submission) -> ResultDict:
        result = self.hook.wait(
            submission.taskid,
            submitted_at=submission.submitted_at,
            timeout=self._deadline(context, submission.submitted_at) - submission.submitted_at,
            poll_interval=self.poll_interval,
            outage_tolerance=self.outage_tolerance,
            task_error_grace=self.task_error_grace,
        )
        return self._finish(context, result)

    def _go_on_here(self, context: Context) -> ResultDict:
        """Do here what the trigger did not: that it raised, or could not be loaded, is no reason to give up."""
        self.deferrable = False
        taskid = self._find_recorded(context)
        if taskid is None:
            self.log.warning("the trigger broke that waited for room at Wiro; going on in this worker")
            return self._generate(context, Queue(time.time()))
        self.log.warning("taskid %s: its trigger broke; waiting for it in this worker", taskid)
        record = self._journal.read() if self._journal else None
        if record is not None and record.taskid == taskid:
            return self._generate(context, Queue(time.time()))
        since = started.timestamp() if (started := context["ti"].start_date) else time.time()
        return self._wait(context, Submission(taskid, since))

    def _generate_instead(self, context: Context, taskid: str) -> ResultDict:
        """Submit once more: an earlier try's task was stopped, most likely by that try, which Airflow had ended."""
        self.log.warning("taskid %s: was cancelled, not by this try, which had only attached to it", taskid)
        return self._generate(context, Queue(time.time()))

    def _obtain(self, context: Context, queue: Queue) -> Generation:
        if self._unusable is not None:
            raise self._unusable
        self._payment = self._new_payment(context)
        if self.durable and self._journal is None and not queue.attempts:
            self.log.warning(NO_JOURNAL)
        until = self._deadline(context, queue.since)
        while True:
            if queue.attempts and time.time() >= until:
                waited = time.time() - queue.since
                raise WiroBusy(f"Wiro had no room for {waited:.0f} s; raise timeout. Nothing was submitted", code=96)
            try:
                return self._payment.obtain(until)
            except WiroBusy as busy:
                pause = queue.pause(busy)
                if time.time() + pause >= until:
                    raise
                self.log.info("%s; trying again in %.0f s", busy, pause)
            queue = queue.again()
            if self.deferrable:
                self._defer_until(time.time() + pause, queue)
            self.hook.pause(pause)

    def _new_payment(self, context: Context) -> Payment:
        model, inputs, ti = model_name(self.model), self.build_inputs(), context["ti"]
        key = journal.idempotency_key(self.idempotency_key)
        intent = journal.Record(
            identity=identity_of(ti),
            fingerprint=journal.fingerprint(self.hook.base_url, model, inputs, key),
            model=model,
            inputs=journal.digests(inputs),
            at=time.time(),
            conn_id=self.wiro_conn_id,
            stop_when_ended=self.wait_for_completion and self.cancel_on_kill,
        )
        return Payment(self.hook, self._journal, intent, inputs, self.on_unknown_submission, self.log)

    def _deadline(self, context: Context, since: float) -> float:
        """Return the earlier of ``timeout`` and ``execution_timeout``, less the time that stopping takes."""
        deadline = since + self.timeout
        if self.execution_timeout is None:
            return deadline
        allowed, started = self.execution_timeout.total_seconds(), context["ti"].start_date
        slack = min(60.0, max(10.0, allowed / 10), allowed / 2)
        return max(since, min(deadline, (started.timestamp() if started else since) + allowed - slack))

    def _defer(self, submission: Submission, deadline: float, attached: bool) -> None:
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
        self.defer(trigger=trigger, method_name="execute_complete", kwargs={"attached": attached}, timeout=backstop)

    def _defer_until(self, moment: float, queue: Queue) -> None:
        from airflow_provider_wiro.triggers.wake_up import WiroWakeUpTrigger

        trigger = WiroWakeUpTrigger(moment=moment, since=queue.since, attempts=queue.attempts)
        self.defer(trigger=trigger, method_name="submit_again")

    def _read_large_result(self, taskid: str) -> ResultDict:
        """Read a result that did not fit into the trigger's event; what fails here is paid for."""
        try:
            return self.hook.wait(taskid, poll_interval=self.poll_interval, outage_tolerance=self.outage_tolerance)
        except WiroError as error:
            error.retryable = self._journal is not None
            raise

    def _reuse(self, context: Context, task: Task, submitted_at: float) -> ResultDict:
        """Take the outputs that an earlier try has paid for."""
        result = task.result()
        again = forget(self._journal.place if self._journal else "the journal")
        lost = self.hook.lost_output(urls_of(result))
        if lost or not (urls_of(result) if self.requires_output else task.outputs):
            raise WiroOutputsGone(
                f"Wiro task {task.taskid} succeeded in an earlier try and was paid, but its outputs are there no more"
                f"{f': {lost}' if lost else ''}. Nothing was submitted; for a new generation, {again}",
                taskid=task.taskid,
                status=task.status,
            )
        age = pendulum.duration(seconds=int(max(1.0, time.time() - submitted_at))).in_words()
        self.log.warning(
            "taskid %s: taking the outputs of the Run of %s ago, which is paid for; nothing is submitted. "
            "For a new generation, %s",
            task.taskid,
            age,
            again,
        )
        return self._finish(context, result)

    def _finish(self, context: Context, result: ResultDict) -> ResultDict:
        urls = urls_of(result)
        if self.requires_output and not urls:
            raise no_output(result)
        if self.do_xcom_push:
            context["ti"].xcom_push(key="output_urls", value=urls)
        cost = "" if result["cost_usd"] is None else f", {result['cost_usd']} USD"
        self.log.info("taskid %s: done, %s output(s)%s", result["taskid"], len(result["outputs"]), cost)
        return result


def urls_of(result: ResultDict) -> list[str]:
    """Return the addresses of a result's outputs."""
    return [output["url"] for output in result["outputs"] if output["url"]]
