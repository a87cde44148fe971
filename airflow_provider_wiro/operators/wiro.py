"""The operator for any Wiro model."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_wiro.compat import conf
from airflow_provider_wiro.core.journal import OnUnknown
from airflow_provider_wiro.core.polling import OUTAGE_TOLERANCE, POLL_INTERVAL, TASK_ERROR_GRACE, TIMEOUT
from airflow_provider_wiro.operators.ordering import OrderingOperator
from airflow_provider_wiro.operators.trying import Duration
from airflow_provider_wiro.stages.pay import pay
from airflow_provider_wiro.stages.record import write_again
from airflow_provider_wiro.stages.remember import checked, remember, supersede
from airflow_provider_wiro.stages.resume import TRIGGER_FAILED, gave_up, is_anothers, needs_anew, verdict_of
from airflow_provider_wiro.stages.room import Queue, with_room
from airflow_provider_wiro.stages.settle import reuse, settle
from airflow_provider_wiro.stages.tell import announce
from airflow_provider_wiro.stages.wait import wait_for_verdict

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import Context
    from airflow_provider_wiro.core.task import ResultDict
    from airflow_provider_wiro.stages.this_try import Try


class WiroRunOperator(OrderingOperator):
    """Run any Wiro model and return its outputs. **Each run that succeeds costs money.**

    XCom: ``taskid`` as soon as Wiro has accepted the submission; ``output_urls`` (list), and where there are any,
    ``output_url`` (the first) and ``text`` (what a text model answered) at the end; ``wiro_generation`` at both (what
    was submitted, and how it went); and the return value ``{"taskid", "status", "outputs": [{"url", "name",
    "content_type", "size", "content"}, …], "text", "cost_usd", "elapsed_seconds"}``: sizes in bytes, null where
    unknown or none, ``content`` as Wiro gave it where a text model makes no file. Output URLs are public and kept for
    a limited time. A text or content that makes the result larger than 1 MB is cut, with a WARNING that says where the
    whole is.

    Killing the Airflow task, running or deferred, stops the Wiro task. While the account runs as many tasks as it may
    (code 96), or Wiro throttles, it waits, until *queue_timeout*, and if deferrable without a worker slot.

    With ``render_template_as_native_obj=True`` an expression that stands alone keeps its type, and text stays text:
    ``"1.50"`` is sent as it stands.

    Durations are seconds, or a ``timedelta``. An ``execution_timeout`` bounds both the wait for room and the one for
    the generation. A tenth of it (10 to 60 s, but no more than half of it) is kept back for stopping the Wiro task.

    Source: https://wiro.ai/docs.

    :param model: ``"owner/model"`` as Wiro's pages write it, such as ``"Runway/image-to-video-gen4-turbo"``,
        ``"google/veo3.1"`` or ``"wiro/Virtual Try-On"``; no realtime model (templated).
    :param inputs: the model's inputs, JSON values; None is left out (templated). A template for all of them makes
        JSON: ``"{{ … | tojson }}"``. The text ``None`` as the whole of a rendered template is refused.
    :param wiro_conn_id: the Airflow connection, default ``wiro_default`` (templated).
    :param deferrable: wait in the triggerer, without a worker slot; default ``[operators] default_deferrable``.
    :param wait_for_completion: False returns right after submission, with status null.
    :param poll_interval: shortest pause between two looks, default 3 s; it grows to 30 s with the waiting time.
    :param timeout: time from the submission after which the Wiro task is stopped and this one fails, default 3600 s.
    :param defer_after: time that a deferrable task waits in the worker before it defers, default 0. For models that
        answer in seconds: a task that is over by then spares the deferral.
    :param queue_timeout: time from the first attempt to submit after which this task fails because Wiro had no room;
        nothing is submitted then. Default None: a day if deferrable, else as long as *timeout*.
    :param outage_tolerance: time without one good answer of Wiro after which to give up, default 600 s.
    :param task_error_grace: time that a Wiro task may stay in ``task_error``, default 120 s.
    :param cancel_on_kill: whether killing this task stops the Wiro task, default True.
    :param durable: pay once for all tries of a task instance, default True: a further try goes on with the Wiro task of
        the one before, or takes its outputs. Needs Airflow 3.3, or ``[wiro] journal_path``. False always submits.
    :param idempotency_key: what makes the work the same, where the inputs differ on every try (presigned URLs, the
        time); default None: model and inputs do (templated).
    :param on_unknown_submission: what to do if it cannot be determined whether Wiro accepted the submission of an
        earlier try: ``"fail"`` (default; a person decides) or ``"submit"``, which may pay twice.
    :raises WiroInputError: a value is not allowed; before anything is sent.
    :raises WiroJournalError: it cannot be read or written what was paid; nothing is sent.
    :raises WiroRequestError: the submission was not accepted, or its outcome is not known.
    :raises WiroTaskError: the Wiro task brought no outputs; each message says what to do next.
    """

    template_fields: Sequence[str] = ("model", "inputs", "wiro_conn_id", "idempotency_key")
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json"}
    ui_color = "#efeaff"

    def __init__(
        self,
        *,
        model: str,
        inputs: Mapping[str, Any] | str | None = None,
        wiro_conn_id: str = "wiro_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        defer_after: Duration = 0.0,
        wait_for_completion: bool = True,
        poll_interval: Duration = POLL_INTERVAL,
        timeout: Duration = TIMEOUT,
        queue_timeout: Duration | None = None,
        outage_tolerance: Duration = OUTAGE_TOLERANCE,
        task_error_grace: Duration = TASK_ERROR_GRACE,
        cancel_on_kill: bool = True,
        durable: bool = True,
        idempotency_key: str | None = None,
        on_unknown_submission: OnUnknown = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wiro_conn_id = wiro_conn_id
        self.model = model
        self.inputs: Mapping[str, Any] | str = {} if inputs is None else inputs
        self.deferrable = deferrable
        self.defer_after = defer_after
        self.wait_for_completion = wait_for_completion
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.queue_timeout = queue_timeout
        self.outage_tolerance = outage_tolerance
        self.task_error_grace = task_error_grace
        self.cancel_on_kill = cancel_on_kill
        self.durable = durable
        self.idempotency_key = idempotency_key
        self.on_unknown_submission = on_unknown_submission
        if not self.unmapped:
            with self.naming_the_task():
                self.check_settings()
                self.check_untemplated()

    def execute(self, context: Context) -> ResultDict:
        """Get the generation, an earlier try's or a new one, then wait or defer."""
        with self.trying(context) as this:
            return self._generate(this, Queue(time.time()))

    def submit_again(self, context: Context, event: dict[str, Any]) -> ResultDict:
        """Go on where Wiro had no room."""
        with self.trying(context) as this:
            if is_anothers(this, event.get("try_number")):
                return self._generate_anew(this)
            return self._generate(this, Queue(event["since"], event["attempts"]))

    def execute_complete(
        self,
        context: Context,
        event: dict[str, Any] | None = None,
        *,
        attached: bool = False,
        try_number: int | None = None,
        submitted_at: float | None = None,
        base_url: str | None = None,
    ) -> ResultDict:
        """Take the trigger's verdict; a success needs no request.

        :param attached: whether an earlier try had submitted the task.
        :param try_number: the try that deferred; None: this one (0.1.0 did not say).
        :param submitted_at: unix time of the submission; None where 0.1.0 did not say.
        :param base_url: the service that the task runs on; None where 0.1.0 did not say.
        """
        with self.trying(context) as this:
            verdict = verdict_of(this, event, attached=attached, submitted_at=submitted_at, base_url=base_url)
            return self._generate_anew(this) if needs_anew(this, verdict, try_number) else settle(this, verdict)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Take over where Airflow gave up on the deferral: wait for a broken trigger, stop what is out of time."""
        if next_method != TRIGGER_FAILED:
            return super().resume_execution(next_method, next_kwargs, context)
        with self.trying(context) as this:
            try:
                return super().resume_execution(next_method, next_kwargs, context)
            except Exception as error:
                verdict = gave_up(this, error, next_kwargs)
            if verdict is None or needs_anew(this, verdict):
                return self._generate_anew(this)
            return settle(this, verdict)

    def _generate(self, this: Try, queue: Queue) -> ResultDict:
        """Go through the stages in their order; where an earlier try's task was cancelled meanwhile, once more."""
        while True:
            found = remember(this, again=queue.attempts > 0)
            this.caller.check()
            order = checked(this, self.check, found)
            supersede(this)
            generation = with_room(this, queue, found, partial(pay, this, order))
            announce(this, order)
            write_again(this)
            this.caller.check()
            if not self.wait_for_completion:
                this.paid.let_go()
                return generation.submission.result()
            if generation.finished is not None:
                return reuse(this, generation.finished)
            verdict = wait_for_verdict(this)
            if not needs_anew(this, verdict):
                return settle(this, verdict)
            this.log.warning("taskid %s: was cancelled, not by this try, which had only attached to it", verdict.taskid)
            queue = Queue(time.time())

    def _generate_anew(self, this: Try) -> ResultDict:
        this.paid.let_go()
        return self._generate(this, Queue(time.time()))
