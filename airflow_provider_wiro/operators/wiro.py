"""The operator for any Wiro model."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_wiro.compat import conf
from airflow_provider_wiro.core.fields import OnUnknown
from airflow_provider_wiro.core.polling import OUTAGE_TOLERANCE, POLL_INTERVAL, TASK_ERROR_GRACE, TIMEOUT
from airflow_provider_wiro.core.saving import MAX_BYTES
from airflow_provider_wiro.links.gallery import gallery_links
from airflow_provider_wiro.links.wiro import WiroModelLink, WiroOutputLink, at_the_end
from airflow_provider_wiro.operators.ordering import OrderingOperator
from airflow_provider_wiro.operators.trying import Duration
from airflow_provider_wiro.stages.contents import with_contents
from airflow_provider_wiro.stages.pay import pay
from airflow_provider_wiro.stages.record import write_again
from airflow_provider_wiro.stages.remember import checked, remember, supersede
from airflow_provider_wiro.stages.resume import TRIGGER_FAILED, gave_up, is_anothers, needs_anew, verdict_of
from airflow_provider_wiro.stages.room import Queue, with_room
from airflow_provider_wiro.stages.settle import settle, taken
from airflow_provider_wiro.stages.tell import announce
from airflow_provider_wiro.stages.wait import wait_for_verdict

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import BaseOperatorLink, Context
    from airflow_provider_wiro.core.task import ResultDict
    from airflow_provider_wiro.stages.this_try import Try


class WiroRunOperator(OrderingOperator):
    """Run any Wiro model and return its outputs. **Each generation that succeeds costs money.**

    XCom: ``taskid`` as soon as Wiro has accepted the submission; ``output_urls`` (list), and where there are any,
    ``output_url`` (the first) and ``text`` (what a text model answered) at the end, with *save_to* ``output_uris`` and
    ``output_uri`` too; ``wiro_generation`` at both (what
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
    :param files: files that the model is given, by the name of its input: ``{"inputImage": "s3://conn@bucket/a.png"}``;
        of each a path, or a list of them: local, ``file://``, ``s3://``, ``gs://``, whatever Airflow's
        ObjectStoragePath opens (templated, also as a whole, as *inputs*). They are uploaded to Wiro, at no cost, right
        before the submission; at most 100 MB each. An http(s) URL is passed on as it is. What makes the work the same
        is their content. Default none.
    :param wiro_conn_id: the Airflow connection, default ``wiro_default`` (templated).
    :param deferrable: wait in the triggerer, without a worker slot; default ``[operators] default_deferrable``.
    :param wait_for_completion: False returns right after submission, with status null.
    :param poll_interval: shortest pause between two looks, default 3 s; it grows to 30 s with the waiting time
        (in a triggerer up to a minute, while earlier tasks of the model say that it is too early).
    :param timeout: time from the submission after which the Wiro task is stopped and this one fails, default 3600 s.
    :param defer_after: time that a deferrable task waits in the worker before it defers, default 0. For models that
        answer in seconds: a task that is over by then spares the deferral.
    :param end_from_trigger: whether a deferred task that succeeds ends in the triggerer, which spares a second start of
        a worker; default False. Where something needs a worker, it still ends there: failures, *save_to*, outlets, an
        ``on_success_callback``; ``docs/rules.md`` has them all. Listeners and lineage are not told of such an end.
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
    :param save_to: a folder in which the outputs are saved at the end, as ``<taskid>/<name>`` beside a
        ``manifest.json``: an absolute path, or a URL that Airflow's ObjectStoragePath opens, such as
        ``s3://conn_id@bucket/folder``; default None (templated). It holds a worker slot while it saves. What is there
        is never replaced. A retry after a failed save never pays again.
    :param max_bytes: how many bytes each saved file may have at most, default 2,000,000,000.
    :param delete_after_save: delete the files at Wiro, inputs too, once all are saved; default False. That this fails
        is a WARNING, and the next try of the task instance repeats it.
    :raises WiroInputError: a value is not allowed; before anything is sent.
    :raises WiroUploadError: a file cannot be read or uploaded; nothing is submitted.
    :raises WiroJournalError: it cannot be read or written what was paid; nothing is sent.
    :raises WiroRequestError: the submission was not accepted, or its outcome is not known.
    :raises WiroTaskError: the Wiro task brought no outputs; each message says what to do next.
    :raises WiroSaveError: it is paid, and its outputs are not saved; how to save them is in the message.
    """

    template_fields: Sequence[str] = ("model", "inputs", "files", "wiro_conn_id", "idempotency_key", "save_to")
    template_fields_renderers: ClassVar[dict[str, str]] = {"inputs": "json", "files": "json"}
    operator_extra_links: Collection[BaseOperatorLink] = (WiroModelLink(), WiroOutputLink(), *gallery_links())
    ui_color = "#efeaff"

    def __init__(
        self,
        *,
        model: str,
        inputs: Mapping[str, Any] | str | None = None,
        files: Mapping[str, Any] | str | None = None,
        wiro_conn_id: str = "wiro_default",
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        defer_after: Duration = 0.0,
        end_from_trigger: bool = False,
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
        save_to: str | PathLike[str] | None = None,
        max_bytes: int = MAX_BYTES,
        delete_after_save: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wiro_conn_id = wiro_conn_id
        self.model = model
        self.inputs: Mapping[str, Any] | str = {} if inputs is None else inputs
        self.files: Mapping[str, Any] | str = {} if files is None else files
        self.deferrable, self.defer_after, self.end_from_trigger = deferrable, defer_after, end_from_trigger
        self.wait_for_completion, self.queue_timeout = wait_for_completion, queue_timeout
        self.poll_interval, self.timeout = poll_interval, timeout
        self.outage_tolerance, self.task_error_grace = outage_tolerance, task_error_grace
        self.cancel_on_kill, self.durable = cancel_on_kill, durable
        self.idempotency_key = idempotency_key
        self.on_unknown_submission = on_unknown_submission
        self.save_to, self.saves = save_to, save_to is not None
        self.max_bytes, self.delete_after_save = max_bytes, delete_after_save
        self.check_when_constructed()

    def execute(self, context: Context) -> ResultDict:
        """Get the generation, an earlier try's or a new one, then wait or defer."""
        with self.trying(context) as this:
            return self._generate(this, Queue(time.time()))

    def submit_again(
        self, context: Context, event: dict[str, Any] | None = None, *, contents: Mapping[str, Any] | None = None
    ) -> ResultDict:
        """Go on where Wiro had no room.

        :param event: the trigger's; None where what Airflow has of the deferral is left from a run that was broken off.
        :param contents: what the input files contain, as far as it is known.
        """
        with self.trying(context) as this:
            this.contents |= {key: (sha256, size) for key, (sha256, size) in (contents or {}).items()}
            if event is None or is_anothers(this, event.get("try_number")):
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
            if needs_anew(this, verdict, try_number):
                return self._generate_anew(this)
            self.operator_extra_links = at_the_end(self.operator_extra_links)
            return settle(this, verdict)

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
            order = this.order = with_contents(this, checked(this, self.check, found), found)
            supersede(this)
            generation = with_room(this, queue, found, partial(pay, this, order))
            announce(this, order)
            write_again(this)
            this.caller.check()
            if not this.settings.wait_for_completion:
                this.paid.let_go()
                return generation.submission.result()
            if (result := taken(this, generation)) is not None:
                return result
            verdict = wait_for_verdict(this)
            if not needs_anew(this, verdict):
                return settle(this, verdict)
            this.log.warning("taskid %s: was cancelled, not by this try, which had only attached to it", verdict.taskid)
            queue = Queue(time.time())

    def _generate_anew(self, this: Try) -> ResultDict:
        this.paid.let_go()
        return self._generate(this, Queue(time.time()))
