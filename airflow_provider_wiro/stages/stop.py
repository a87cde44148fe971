"""Stopping the paid task of this try."""

from __future__ import annotations

from airflow_provider_wiro.core.calls import Stop, stop
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.stages.this_try import Try


def stop_now(this: Try) -> Stop:
    """Stop the Wiro task of this try, once; never raises, for it runs where something else already fails."""
    paid = this.paid
    assert paid.taskid is not None
    if paid.stopped is not None and paid.stopped.over:
        return paid.stopped
    try:
        stopped = this.caller.drive(stop(paid.taskid), service=paid.service, to_the_end=True)
    except Exception as error:
        stopped = Stop(False, in_words(error))
    write = this.log.info if stopped.over else this.log.error
    write("%s", stopped.story(paid.taskid))
    paid.was_stopped(stopped)
    return stopped
