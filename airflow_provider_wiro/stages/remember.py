"""Recall, first half: the journal is asked before anything else, so that nothing can fail what is paid already."""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_wiro.core.calls import stop
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.exceptions import WiroInputError, WiroInterrupted, WiroJournalError
from airflow_provider_wiro.journals import NO_JOURNAL
from airflow_provider_wiro.stages.this_try import Order, Try


def remember(this: Try, *, again: bool) -> Record | None:
    """Return what an earlier try has left in the journal; None if there surely is nothing.

    :param again: whether this try has asked before, so that the log has its warnings already.
    :raises WiroJournalError: if it cannot be read; nothing is submitted then.
    """
    if not this.settings.durable:
        return None
    if this.unusable is not None:
        raise this.unusable
    if this.journal is None:
        if not again:
            this.log.warning(NO_JOURNAL)
        return None
    found = this.journal.read()
    if found is not None:
        this.paid.found(found)
    elif this.ti.try_number > 1 and not again:
        this.log.warning(
            "this is try %s, and there is no record of an earlier one in %s. That is right if no earlier try came as "
            "far as the submission. If the log of one shows a taskid, its record is lost, or was "
            "deleted on purpose, and this try pays again",
            this.ti.try_number,
            this.journal.place,
        )
    return found


def checked(this: Try, check: Callable[[], Order], found: Record | None) -> Order:
    """Return what is to be made; where that is not allowed any more, go on with what an earlier try has paid for.

    :param check: reads and checks the operator's arguments.
    :raises Exception: what *check* raises, if nothing is paid for.
    """
    try:
        return check()
    except WiroInterrupted:
        raise
    except Exception as error:
        if found is None or not found.sent:
            raise
        said = error if isinstance(error, WiroInputError) else in_words(error)
        this.log.warning("%s: going on with it, though its inputs cannot be made now: %s", name_of(found), said)
        return Order(found.model, {}, None, error)


def name_of(found: Record) -> str:
    """Return what a line of the log calls a submission of an earlier try."""
    return f"taskid {found.taskid}" if found.taskid else "the submission whose answer was lost"


def supersede(this: Try) -> None:
    """Leave no record of older work where ``durable=False``: a later durable try would take it for its own."""
    if this.settings.durable:
        return
    journal, this.outdated = this.outdated, None
    try:
        if this.unusable is not None:
            raise this.unusable
        found = journal.read() if journal else None
        if journal is not None and found is not None and _is_done_with(this, found):
            journal.replace(found, None)
    except WiroJournalError as error:
        this.log.warning("durable=False, but an old record may remain; durable=True would go on with it: %s", error)
    except Exception as error:
        said = in_words(error)
        this.log.warning("durable=False, but the task of an earlier try could not be stopped: %s", said)


def _is_done_with(this: Try, found: Record) -> bool:
    """Stop it, where it was to end with its Airflow task; what could not be stopped keeps its record."""
    if not found.sent:
        return True
    if found.base_url is None:
        this.log.warning(
            "durable=False, but the record of an earlier try was written by version 0.1.0, and does not say to which "
            "service: it is kept, and a try with durable=True goes on with it (%s, taskid %s)",
            found.model,
            found.taskid,
        )
        return False
    if found.taskid is None:
        this.log.warning(
            "durable=False, so it is not determined whether Wiro accepted the submission of an earlier try (%s), whose "
            "answer was lost. Look in the Wiro dashboard whether it runs",
            found.model,
        )
        return True
    if not found.stop_when_ended or found.landed is not None:
        return True
    stopped = this.caller.drive(stop(found.taskid), service=found.base_url, to_the_end=True)
    if stopped.over:
        this.log.info("%s (durable=False submits a new one)", stopped.story(found.taskid))
    else:
        this.log.error("%s; its record is kept: a try with durable=True goes on with it", stopped.story(found.taskid))
    return stopped.over
