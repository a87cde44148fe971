"""The transfer: saves what a Wiro task has made that was paid for elsewhere."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_wiro.compat import BaseOperator
from airflow_provider_wiro.core.calls import detail
from airflow_provider_wiro.core.fields import refused, the_taskid
from airflow_provider_wiro.core.polling import OUTAGE_TOLERANCE, POLL_INTERVAL, TASK_ERROR_GRACE, TIMEOUT
from airflow_provider_wiro.core.result import completed, is_cut, is_result
from airflow_provider_wiro.core.saving import MAX_BYTES, check_saving, folder, max_bytes
from airflow_provider_wiro.core.templated import is_templated
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.exceptions import WiroInputError, WiroSaveError, WiroTaskError
from airflow_provider_wiro.links.gallery import gallery_links
from airflow_provider_wiro.links.wiro import WiroOutputLink
from airflow_provider_wiro.stages.failing import final_errors_skip_retries
from airflow_provider_wiro.stages.land import check_place
from airflow_provider_wiro.stages.paid import PaidTask
from airflow_provider_wiro.stages.saved import saved_before
from airflow_provider_wiro.stages.settle import deliver
from airflow_provider_wiro.stages.tell import TASKID
from airflow_provider_wiro.stages.this_try import Settings, Try
from airflow_provider_wiro.task_instance import is_unmapped

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import BaseOperatorLink, Context
    from airflow_provider_wiro.core.result import ResultDict

WHICH = "exactly one of taskid= and result="
A_RESULT = "what a task of this package returns, such as video.output; in a template {{ … | tojson }}"


class WiroToObjectStorageOperator(BaseOperator):
    """Save what a Wiro task has made: one that was submitted elsewhere, or by a task that does not save.

    It submits nothing, so it costs nothing, and a retry saves what is missing. Files are ``<taskid>/<name>`` below
    *save_to*, beside a manifest, as with ``save_to`` of
    :class:`~airflow_provider_wiro.operators.wiro.WiroRunOperator`; XCom and return value are those too, without
    ``wiro_generation``. It holds a worker slot while it saves.

    :param taskid: the Wiro task, which must be over (templated); ``WiroTaskSensor`` waits for one.
    :param result: or what an operator or sensor of this package has returned (templated). Then Wiro is not asked, but
        where a text was cut for XCom, or *delete_after_save* is set: nothing is deleted that is not saved.
    :param save_to: a folder: an absolute path, or a URL that Airflow's ObjectStoragePath opens (templated).
    :param wiro_conn_id: the Airflow connection, default ``wiro_default``; of the account that ran the task (templated).
    :param max_bytes: bytes that each file may have at most, default 2,000,000,000.
    :param delete_after_save: delete the task's files at Wiro, those it was given too, once all are saved; default
        False. That this fails is a WARNING.
    :raises WiroInputError: a value is not allowed; before anything is asked.
    :raises WiroTaskError: the Wiro task is not over (a retry looks again), or did not succeed.
    :raises WiroSaveError: not all is saved.
    """

    template_fields: Sequence[str] = ("taskid", "result", "save_to", "wiro_conn_id")
    template_fields_renderers: ClassVar[dict[str, str]] = {"result": "json"}
    operator_extra_links: Collection[BaseOperatorLink] = (WiroOutputLink(), *gallery_links())
    ui_color = "#efeaff"

    def __init__(
        self,
        *,
        save_to: str | PathLike[str],
        taskid: str | None = None,
        result: Mapping[str, Any] | str | None = None,
        wiro_conn_id: str = "wiro_default",
        max_bytes: int = MAX_BYTES,
        delete_after_save: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.save_to = save_to
        self.taskid = taskid
        self.result = result
        self.wiro_conn_id = wiro_conn_id
        self.max_bytes = max_bytes
        self.delete_after_save = delete_after_save
        self._paid = PaidTask()
        self._try: Try | None = None
        if not is_unmapped(self):
            self._check(rendered=False)

    @property
    def told(self) -> ResultDict | None:
        """The result, once it is told of."""
        return self._try.told if self._try is not None else None

    def execute(self, context: Context) -> ResultDict:
        """Save, and return the result with its places."""
        with final_errors_skip_retries():
            self._check(rendered=True)
            this = self._try = self._new_try(context)
            given = self._given()
            check_place(this, the_taskid(self.taskid))
            asks = given is None or self.delete_after_save or is_cut(given)
            result = self._read(this, given) if asks or given is None else given
            self._paid.obtained(result["taskid"], this.caller.base_url, None, attached=True)
            self._paid.written()  # a further try finds it, for it is an argument
            this.ti.xcom_push(key=TASKID, value=result["taskid"])
            return deliver(this, result)

    def on_kill(self) -> None:
        """Tell it to stop: ``execute`` sees it within moments. What is saved stays, and is whole."""
        self._paid.told_to_stop = True

    def _check(self, *, rendered: bool) -> None:
        try:
            if (self.taskid is None) == (self.result is None):
                raise WiroInputError(f"give {WHICH}")
            max_bytes(self.max_bytes)
            check_saving(
                save_to="" if self.save_to is None else self.save_to,
                delete_after_save=self.delete_after_save,
                wait_for_completion=True,
            )
            if rendered or not is_templated(self.save_to):
                folder(self.save_to)
            if self.taskid is not None and (rendered or not is_templated(self.taskid)):
                the_taskid(self.taskid)
        except WiroInputError as error:
            error.add_note(f"This is an argument of the task {self.task_id!r}.")
            raise

    def _new_try(self, context: Context) -> Try:
        from airflow_provider_wiro.hooks.caller import Caller

        settings = Settings(
            conn_id=self.wiro_conn_id,
            deferrable=False,
            defer_after=0.0,
            wait_for_completion=True,
            poll_interval=POLL_INTERVAL,
            timeout=TIMEOUT,
            queue_timeout=0.0,
            outage_tolerance=OUTAGE_TOLERANCE,
            task_error_grace=TASK_ERROR_GRACE,
            execution_timeout=self.execution_timeout,
            cancel_on_kill=False,
            durable=False,
            on_unknown="fail",
            requires_output=False,
            push_outputs=self.do_xcom_push,
            save_to=self.save_to,
            max_bytes=self.max_bytes,
            delete_after_save=self.delete_after_save,
        )
        caller = Caller(self.wiro_conn_id, self.log, told_to_stop=lambda: self._paid.told_to_stop)
        return Try(settings, context, self.log, caller, self._paid)

    def _given(self) -> ResultDict | None:
        """Return the result that was given; None where Wiro must be asked."""
        given: object = self.result
        if isinstance(given, str):
            with suppress(ValueError, RecursionError):
                given = json.loads(given)
        if given is None:
            return None
        if not isinstance(given, Mapping) or not is_result(given):
            raise refused("result", self.result, A_RESULT)
        self.taskid = the_taskid(given["taskid"])
        return None if given["status"] is None else completed(given)

    def _read(self, this: Try, given: ResultDict | None) -> ResultDict:
        """Return what Wiro shows; where it shows no output any more, what was saved before, or else *given*."""
        taskid = the_taskid(self.taskid)
        task = this.caller.drive(detail(taskid=taskid), service=this.caller.base_url)
        if not task.terminal:
            raise WiroTaskError(
                f"Wiro task {taskid} is not over ({task.status}), so there is nothing to save yet. Wait for it with "
                "WiroTaskSensor before this task; a retry looks again",
                taskid=taskid,
                status=task.status,
                retryable=True,
            )
        verdict = Verdict.of(task)
        if verdict.result is None:
            error = error_of(verdict, watches=True)
            error.retryable = False
            raise error
        if verdict.reason:
            this.log.warning("taskid %s: %s", taskid, verdict.reason)
        if verdict.result["outputs"]:
            return verdict.result
        before = saved_before(this, taskid)
        if before is None and given is not None and is_cut(given):
            raise WiroSaveError(
                f"Wiro task {taskid} is not saved: its result was cut for XCom, and Wiro does not show the whole any "
                "more. Nothing was written. What is left of its text is in the XCom of the task that made it",
                taskid=taskid,
                status=task.status,
                cost_usd=task.cost_usd,
                retryable=False,
            )
        return before or given or verdict.result
