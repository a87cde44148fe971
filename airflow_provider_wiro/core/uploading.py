"""The flow of an upload. It costs nothing, so one whose answer is lost is simply repeated."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_wiro.core.files import Upload
from airflow_provider_wiro.core.protocol import (
    Answer,
    Flow,
    NoReply,
    Reply,
    Send,
    complaint,
    describe,
    is_auth_failure,
    now,
    report,
    sleep,
)
from airflow_provider_wiro.core.rules.replies import CHECK_CREDENTIALS, Meaning, rule_of
from airflow_provider_wiro.core.urls import read_url
from airflow_provider_wiro.exceptions import WiroAuthError, WiroBusy, WiroError, WiroUploadError

UPLOAD = "/File/Upload"
UPLOAD_PAUSES = (2.0, 5.0, 10.0)
# Beside what the connection allows for an exchange: bytes a second that a line carries at least.
SLOWEST = 100_000
NOTHING_PAID = "Nothing was submitted, and nothing is paid"


def upload(file: Upload, *, timeout: float, deadline: float | None = None) -> Flow[str]:
    """Upload *file* and return its URL at Wiro. Free of charge; repeated at most three times.

    :param timeout: seconds for an exchange without a file.
    :param deadline: unix time after which it is neither held back nor repeated; None: there is none.
    :raises WiroBusy: if Wiro throttles for long.
    :raises WiroUploadError: if it cannot be read, or Wiro does not take it.
    """
    for pause in (*UPLOAD_PAUSES, None):
        outcome = yield from _sent(Send(UPLOAD, {}, timeout + file.source.size / SLOWEST, deadline=deadline, file=file))
        if (url := uploaded_url(outcome)) is not None:
            return url
        asked = (outcome.retry_after or 0.0) if isinstance(outcome, Reply) else 0.0
        refused = file.problem is not None or rule_of(outcome).meaning is Meaning.REFUSED
        if refused or pause is None or asked > UPLOAD_PAUSES[-1]:
            break
        wait = max(pause, asked)
        if deadline is not None and (yield from now()) + wait >= deadline:
            break
        said = f"{file.source.shown}: not uploaded yet ({describe(outcome)}); sending it again in {wait:.0f} s"
        yield from report(said, "warning")
        yield from sleep(wait)
    raise _error(file, outcome)


def uploaded_url(outcome: Reply | NoReply) -> str | None:
    """Return the URL that an answer to an upload names; None if it names none."""
    if not isinstance(outcome, Reply) or not 200 <= outcome.status < 300 or complaint(outcome) is not None:
        return None
    rows = outcome.body.get("list") if isinstance(outcome.body, Mapping) else None
    row = rows[0] if isinstance(rows, list) and rows else None
    return read_url(row.get("url")) if isinstance(row, Mapping) else None


def _sent(step: Send) -> Flow[Reply | NoReply]:
    answer: Answer = yield step
    assert isinstance(answer, Reply | NoReply)
    return answer


def _error(file: Upload, outcome: Reply | NoReply) -> WiroError:
    shown, said = file.source.shown, describe(outcome)
    if file.problem is not None:
        return WiroUploadError(f"the file {shown} {file.problem}.\n{NOTHING_PAID}: a retry reads it again")
    if is_auth_failure(outcome):
        return WiroAuthError(
            f"Wiro rejected the credentials of the upload of {shown}: {said}.\n{NOTHING_PAID}: {CHECK_CREDENTIALS}"
        )
    if isinstance(outcome, Reply) and outcome.status == 429:
        busy = WiroBusy(f"the file {shown} is not uploaded yet: {said}.\n{NOTHING_PAID}: try again later")
        busy.retry_after = outcome.retry_after
        return busy
    if rule_of(outcome).meaning is Meaning.REFUSED:
        return WiroUploadError(
            f"Wiro refused the file {shown}: {said}.\n{NOTHING_PAID}: check the file, then clear this task",
            retryable=False,
        )
    return WiroUploadError(f"the file {shown} could not be uploaded: {said}.\n{NOTHING_PAID}: try again")
