"""Settle: a verdict becomes the result, or the error that says what to do."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import cast

import pendulum

from airflow_provider_wiro.compat import AirflowTaskTimeout
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.polling import wait
from airflow_provider_wiro.core.refusal import gone
from airflow_provider_wiro.core.result import MOST_RESULT, ResultDict, fitted, text_files, uris_of, urls_of
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.core.text import in_words, one_line, steps
from airflow_provider_wiro.core.texts import joined
from airflow_provider_wiro.core.verdict import Verdict, error_of, no_output
from airflow_provider_wiro.exceptions import WiroError, WiroOutputsGone, WiroTaskError
from airflow_provider_wiro.stages.land import delete_at_wiro, is_there_already, land
from airflow_provider_wiro.stages.pay import Generation
from airflow_provider_wiro.stages.record import write_again
from airflow_provider_wiro.stages.tell import task_command, tell_success
from airflow_provider_wiro.stages.this_try import Try
from airflow_provider_wiro.task_instance import another_try_comes

ALL_FILES = 30.0
"""Seconds after which no further file is read."""


def settle(this: Try, verdict: Verdict) -> ResultDict:
    """Return the result of a success.

    :raises WiroTaskError: for any other verdict, and for a success that brought nothing where an output is required.
    """
    if verdict.kind != "success":
        raise _error_of(this, verdict)
    return deliver(this, verdict.result or _read_large_result(this, verdict))


def _error_of(this: Try, verdict: Verdict) -> WiroTaskError:
    """Return the error of a verdict; it promises a retry only where one comes."""
    again = this.how_to_forget()
    error = error_of(verdict, again=again)
    another = another_try_comes(this.ti, error, task=this.context.get("task"), context=this.context)
    return error if another else error_of(verdict, again=again, resubmits=False)


def deliver(this: Try, result: ResultDict) -> ResultDict:
    """Return the result, and tell of it; what is more than XCom takes is cut."""
    if this.settings.requires_output and not urls_of(result):
        raise no_output(result, this.how_to_forget())
    write_again(this)
    result = land(this, result if this.settings.requires_output else _with_text_of_files(this, result))
    return _tell(this, result)


def _tell(this: Try, result: ResultDict) -> ResultDict:
    this.paid.let_go()
    result = _cut(this, result)
    tell_success(this, result)
    return result


def taken(this: Try, generation: Generation) -> ResultDict | None:
    """Return the result of what had succeeded before this try began; None if it is to be waited for."""
    saved, record = generation.saved, generation.record
    if record is not None and saved.result is not None:
        return _take_saved(this, saved.result, deleted=record.deleted)
    if generation.finished is None:
        return None
    return reuse(this, generation.finished, record, saved.missed)


def _take_saved(this: Try, result: ResultDict, *, deleted: bool) -> ResultDict:
    """Take the files that an earlier try has paid for and saved; Wiro is not asked for them.

    :param deleted: whether they were deleted at Wiro, where that is wanted.
    """
    this.paid.has_finished()
    this.log.warning(
        "taskid %s: taking the saved files of the submission of %s ago, which is paid for; nothing is submitted.%s",
        result["taskid"],
        _age(this),
        steps(*this.how_to_forget()),
    )
    if this.settings.delete_after_save and not deleted:
        delete_at_wiro(this, result, recorded=True)
    return _tell(this, result)


def reuse(this: Try, task: Task, saved: Record | None = None, missed: str | None = None) -> ResultDict:
    """Take the outputs that an earlier try has paid for.

    :param saved: the record, where an earlier try has saved them.
    :param missed: why they cannot be taken from there.
    :raises WiroOutputsGone: if they no longer exist.
    """
    result, again = task.result(), this.how_to_forget()
    if unread := Verdict.of(task).reason:
        this.log.warning("taskid %s: %s", task.taskid, unread)
    some = urls_of(result) if this.settings.requires_output else task.outputs
    lost = this.caller.lost_output(urls_of(result)) if some else None
    if not some or (lost and not is_there_already(this, result)):
        why = f"its output no longer exists: {lost}" if some else "Wiro shows no output of it, or no longer does"
        told = f"Wiro task {task.taskid} succeeded and is paid, but {why}. Nothing new was submitted.{steps(*again)}"
        raise WiroOutputsGone(
            told if saved is None or missed is None else gone(task.taskid, missed, saved, again),
            taskid=task.taskid,
            status=task.status,
            cost_usd=task.cost_usd,
            outputs=cast("list[dict[str, object]]", result["outputs"]),
        )
    this.log.warning(
        "taskid %s: taking the outputs of the submission of %s ago, which is paid for; nothing is submitted.%s",
        task.taskid,
        _age(this),
        steps(*again),
    )
    return deliver(this, result)


def _age(this: Try) -> str:
    words: str = pendulum.duration(seconds=int(max(1.0, time.time() - (this.paid.submitted_at or 0.0)))).in_words()
    return words


def _with_text_of_files(this: Try, result: ResultDict) -> ResultDict:
    """Read the text where a text model has left it in files; that this fails ends nothing that is paid."""
    texts: list[str | None] = []
    until = time.monotonic() + ALL_FILES
    for output in text_files(result):
        url = output["url"] or ""
        try:
            read = this.caller.read_text(url)
        except (Exception, AirflowTaskTimeout) as error:  # as where the task is told to stop, or its time is over
            if isinstance(error, AirflowTaskTimeout) and this.settings.save_to is not None:
                raise  # it comes once, and saving has no other bound
            problem: str | None = f"its text cannot be read: {in_words(error)}"
        else:
            problem = read.problem
            texts.append(read.text)
            if problem is None and (time.monotonic() > until or sum(map(len, filter(None, texts))) > MOST_RESULT):
                problem = "the rest of its text is not read"
        if problem is not None:
            this.log.warning("taskid %s: %s; it is at %s", result["taskid"], problem, one_line(url))
            break
    return {**result, "text": joined(texts)} if texts else result


def _cut(this: Try, result: ResultDict) -> ResultDict:
    cut = fitted(result)
    if cut is not result:
        had, has = (len(one["text"] or "") for one in (result, cut))
        what = "what is in its outputs" if had == has else f"its text ({has} of {had} characters are left)"
        this.log.warning(
            "taskid %s: %s is cut, because XCom takes 1 MB. The whole is %s",
            result["taskid"],
            what,
            f"saved: {', '.join(uris)}"
            if (uris := uris_of(result))
            else f"at Wiro: {task_command('show', result['taskid'], this.settings.conn_id)} reads it",
        )
    return cut


def _read_large_result(this: Try, verdict: Verdict) -> ResultDict:
    """Read a result that did not fit into the trigger's event; what fails here is paid for."""
    now = time.time()
    plan = replace(this.plan(verdict.taskid, now), deadline=now + this.settings.timeout)
    try:
        read = this.caller.drive(wait(plan), service=this.paid.service)
        if read.result is None:
            raise _error_of(this, read)
    except WiroError as error:
        error.retryable = this.is_found_again
        raise
    return read.result
