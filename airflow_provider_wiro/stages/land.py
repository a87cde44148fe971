"""Land: what the generation has made is saved where the author wants it. It is paid for, whatever goes wrong here."""

from __future__ import annotations

from contextlib import suppress

from airflow_provider_wiro.compat import AirflowNotFoundException, AirflowTaskTimeout
from airflow_provider_wiro.core.calls import delete
from airflow_provider_wiro.core.file_names import harmless
from airflow_provider_wiro.core.generation import cleaned_inputs
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.manifest import About
from airflow_provider_wiro.core.parts import parts_of
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.core.saved import with_places
from airflow_provider_wiro.core.saving import folder
from airflow_provider_wiro.core.text import in_words, one_line, without_secrets
from airflow_provider_wiro.exceptions import WiroError, WiroInputError, WiroInterrupted, WiroJournalError, WiroSaveError
from airflow_provider_wiro.stages.record import note_deleted, note_landed, note_landing
from airflow_provider_wiro.stages.tell import announced, task_command
from airflow_provider_wiro.stages.this_try import Try


def check_place(this: Try, paid: str | None = None) -> None:
    """Make sure, before anything is paid, that what will be made can be saved, as far as that is quickly seen.

    :param paid: the taskid of what is paid for already, by somebody else; None: nothing is.
    :raises WiroInputError: if ``save_to`` cannot be opened, as where a package or a connection is missing.
    :raises WiroSaveError: if its folder cannot be made now, or Airflow cannot be asked for its connection.
    """
    if this.settings.save_to is None:
        return
    from airflow_provider_wiro.landing.ready import make_ready

    wanted = folder(this.settings.save_to)
    try:
        make_ready(wanted)
    except WiroInputError:
        raise
    except Exception as error:
        is_ours = isinstance(error, AirflowNotFoundException | ImportError | TypeError | ValueError)
        kind = WiroInputError if is_ours and not isinstance(error, OSError) else WiroSaveError
        what = "nothing was submitted, for what it would make" if paid is None else f"what Wiro task {paid} has made"
        shown = one_line(without_secrets(wanted))
        raise kind(f"{what} could not be saved to save_to, {shown}: {_said(error)}", taskid=paid) from error


def warn_of_place(this: Try) -> None:
    """Warn where what is paid for already could not be saved now."""
    try:
        check_place(this)
    except WiroError as error:
        this.log.warning(
            "taskid %s: it is paid for, but could not be saved now: %s", this.paid.taskid, error.__cause__ or error
        )


def land(this: Try, result: ResultDict) -> ResultDict:
    """Save what a task has made, if it is to be saved, and return the result with its places.

    :raises WiroSaveError: if not all is saved; a retry saves it without paying again, where the record names the task.
    """
    if this.settings.save_to is None:
        return result
    from airflow_provider_wiro import landing

    this.paid.has_finished()
    try:
        files = landing.land(
            result,
            folder(this.settings.save_to),
            _about(this, result),
            looks=this.caller.looks(),
            max_bytes=this.settings.max_bytes,
            log=this.log,
            before=landing_of(this, result["taskid"]),
            note=lambda files: note_landing(this, result["taskid"], files),
        )
    except (WiroInterrupted, AirflowTaskTimeout):
        raise
    except Exception as error:
        failed = _not_saved(this, result, error)
        raise failed from (error.__cause__ if failed is error else error)
    recorded = note_landed(this, result["taskid"], files)
    if this.settings.delete_after_save:
        delete_at_wiro(this, result, recorded=recorded)
    return with_places(result, files)


def landing_of(this: Try, taskid: str) -> tuple[Landed, ...]:
    """Return what an earlier try has noted of the files that it was saving; nothing where that cannot be read."""
    with suppress(WiroJournalError):
        record = this.journal.read() if this.journal else None
        if record is not None and record.taskid == taskid:
            return record.landing
    return ()


def is_there_already(this: Try, result: ResultDict) -> bool:
    """Whether all that a task has made was put in place by an earlier try, which has ended before it said so.

    :raises WiroSaveError: if that cannot be determined, as where a storage is away.
    """
    from airflow_provider_wiro.landing import missing
    from airflow_provider_wiro.landing.place import below, place_of

    if this.settings.save_to is None:
        return False
    noted = landing_of(this, result["taskid"])
    try:
        place = place_of(below(folder(this.settings.save_to), harmless(result["taskid"])))
        there = {one.name for one in noted if one.uri == place.uri_of(one.name)}
        return {part.name for part in parts_of(result)} == there and not missing(noted)
    except WiroSaveError as error:
        error.taskid = result["taskid"]
        raise
    except Exception:  # then what is at Wiro counts
        return False


def delete_at_wiro(this: Try, result: ResultDict, *, recorded: bool) -> None:
    """Delete at Wiro what is saved; that this fails ends nothing.

    :param result: what is saved.
    :param recorded: whether the record says that all is saved.
    """
    taskid = result["taskid"]
    if this.journal is not None and not recorded:
        this.log.warning("taskid %s: its files stay at Wiro, for its record does not say that they are saved", taskid)
        return
    try:
        this.caller.drive(delete(taskid, saved=len(result["outputs"])), service=this.paid.service)
    except (WiroInterrupted, AirflowTaskTimeout):
        raise
    except Exception as error:
        again = "the next try of this task tries again. " if this.journal is not None else ""
        this.log.warning(
            "taskid %s: is saved, but its files stay at Wiro, for they could not be deleted: %s; %sBy hand: %s",
            taskid,
            _said(error),
            again,
            task_command("delete", taskid, this.settings.conn_id),
        )
        return
    this.log.info("taskid %s: its files at Wiro are deleted, as delete_after_save says", taskid)
    note_deleted(this, taskid)


def how_to_save(this: Try, taskid: str, *, retried: bool = True, gone: bool = False) -> str:
    """Say how what is paid for, and not saved, is saved after all.

    :param retried: whether a retry can help.
    :param gone: whether Wiro does not have it, or not yet.
    """
    by_hand = f"python -m airflow_provider_wiro fetch {taskid} --to DIR"
    if gone:
        looks = "looks too, and pays nothing again" if this.is_found_again else "would pay again: there is no record"
        return f"Look once more by hand: {by_hand}. A clear of this task {looks}. Where it stays away, it is lost"
    if not this.is_found_again:
        return f"There is no record of it, so a retry or a clear would pay again. Save it by hand: {by_hand}"
    if not this.paid.recorded:
        return f"Its record could not be seen: a clear looks at it again before it pays anything. By hand: {by_hand}"
    if not retried:
        return f"Mend that, then clear this task: that saves it, and pays nothing again. By hand: {by_hand}"
    return f"A retry or a clear of this task saves it, and pays nothing again. By hand: {by_hand}"


def _not_saved(this: Try, result: ResultDict, error: Exception) -> WiroSaveError:
    """Return the error that says what to do; a retry is safe only if it finds the Wiro task."""
    if not isinstance(error, WiroSaveError):
        shown = one_line(without_secrets(str(this.settings.save_to)))
        error = WiroSaveError(
            f"Wiro task {result['taskid']} succeeded and is paid, but is not saved to {shown}: {_said(error)}. It "
            "stays at Wiro for a limited time",
            taskid=result["taskid"],
            status=result["status"],
            cost_usd=result["cost_usd"],
            outputs=[dict(output) for output in result["outputs"]],
            retryable=not isinstance(error, WiroError) or error.retryable,
        )
    error.args = (f"{error}. {how_to_save(this, result['taskid'], retried=error.retryable, gone=error.gone)}",)
    error.retryable = error.retryable and this.is_found_again
    return error


def _said(error: BaseException) -> str:
    return without_secrets(in_words(error))


def _about(this: Try, result: ResultDict) -> About:
    """Return what the manifest says beyond the files; that something of it cannot be read ends nothing."""
    told, record = None, None
    with suppress(Exception):
        told = announced(this)
    with suppress(WiroJournalError):
        record = this.journal.read() if this.journal else None
    order = this.order if this.order is not None and this.order.problem is None else None
    files = order.contents if order else told.get("files", {}) if told else {}
    inputs = cleaned_inputs(order.inputs) if order else told["inputs"] if told else {}
    model = (told and told["model"]) or (record and record.model) or (order and order.model)
    return About(
        taskid=result["taskid"],
        model=model or None,
        inputs={name: value for name, value in inputs.items() if name not in files},
        files=files,
        cost_usd=result["cost_usd"],
        submitted_at=this.paid.submitted_at,
        elapsed_seconds=result["elapsed_seconds"],
        dag_id=this.ti.dag_id,
        run_id=this.ti.run_id,
        task_id=this.ti.task_id,
        map_index=this.ti.map_index,
    )
