"""The errors of single calls: what happened, in Wiro's words, what happens to the money, and what to do."""

from __future__ import annotations

from airflow_provider_wiro.core.protocol import NoReply, Reply, complaint, describe, is_auth_failure
from airflow_provider_wiro.core.rules.replies import (
    CHECK_ALL,
    CHECK_CREDENTIALS,
    NOTHING,
    Meaning,
    ReplyRule,
    is_listed,
    is_passing,
)
from airflow_provider_wiro.exceptions import (
    WiroAuthError,
    WiroBusy,
    WiroError,
    WiroRefused,
    WiroRequestError,
    WiroSubmissionUnknown,
    WiroUnreachable,
    WiroWrongService,
)


def request_error(call: str, outcome: Reply | NoReply, said: str, taskid: str | None) -> WiroError:
    """Return the exception for a read, a stop or a deletion that went wrong."""
    about = f" of taskid {taskid}" if taskid else ""
    if isinstance(outcome, NoReply) and outcome.elsewhere:
        return WiroWrongService(
            f"{call}{about} was not sent: {said}. Set the connection's host back, or look there", taskid=taskid
        )
    if is_auth_failure(outcome):
        return WiroAuthError(f"Wiro rejected the credentials of {call}: {said}; {CHECK_CREDENTIALS}", taskid=taskid)
    refusal = complaint(outcome) if isinstance(outcome, Reply) else None
    if refusal is not None and (refusal.code in (1, 97) or is_listed(refusal.message)):
        return WiroRefused(f"Wiro refused {call}{about}: {said}. {_REMEDY[call]}", taskid=taskid, code=refusal.code)
    code = refusal.code if refusal else None
    return WiroUnreachable(f"no good answer to {call}{about}: {said}. Try again", taskid=taskid, code=code)


_REMEDY = {
    "Detail": "Check the taskid, and that the connection is of the account that ran it",
    "Kill": "Only a task that is running can be killed; to stop one in any state, use stop",
    "Cancel": "Only a task that is queued can be cancelled; to stop one in any state, use stop",
    "InputOutputDelete": "Only the files of a task that is over can be deleted",
}


def submission_error(model: str, outcome: Reply | NoReply, rule: ReplyRule) -> WiroRequestError:
    """Return the exception for a submission that brought no taskid, as *rule* has it."""
    assert rule.error is not None
    said, refusal = describe(outcome), complaint(outcome) if isinstance(outcome, Reply) else None
    what = _WHAT[rule.meaning] if isinstance(outcome, Reply) or outcome.sent else "did not reach Wiro"
    error = rule.error(
        f"the submission to {model} {what}: {said}.\n{rule.money}: {rule.advice}",
        code=refusal.code if refusal else None,
    )
    if isinstance(error, WiroBusy) and isinstance(outcome, Reply):
        error.retry_after = outcome.retry_after
    if isinstance(error, WiroSubmissionUnknown) and refusal is not None:
        error.words = said
    return error


def refused_after_all(model: str, error: WiroSubmissionUnknown) -> WiroRequestError:
    """Return the error for a no that was not clear, once Wiro's list has shown that nothing was accepted."""
    words = error.words or ""
    kind, advice = (WiroUnreachable, "try again later") if is_passing(words) else (WiroRefused, CHECK_ALL)
    return kind(
        f"the submission to {model} was refused: {words}. Wiro's list shows no task of it.\n{NOTHING}: {advice}",
        code=error.code,
    )


_WHAT = {
    Meaning.REFUSED: "was refused",
    Meaning.TRY_LATER: "was not accepted yet",
    Meaning.UNKNOWN: "may or may not have been accepted",
}
