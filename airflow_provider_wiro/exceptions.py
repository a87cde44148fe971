"""Everything this package raises, free of Airflow so that it can be caught anywhere.

::

    WiroError
    ├── WiroInputError             a value was refused before anything was sent (also a ValueError)
    ├── WiroConfigError            the Airflow connection cannot be used as it is
    ├── WiroInterrupted            Airflow told the task to stop
    ├── WiroJournalError           the journal cannot be read or written
    │   └── WiroJournalTaken       another try of the task instance has written it meanwhile
    ├── WiroRequestError           a call did not bring what was asked for
    │   ├── WiroUnreachable        no usable answer: network, proxy, 5xx, not JSON
    │   ├── WiroAuthError          Wiro rejects the API key or signature, or what the account may do
    │   ├── WiroRefused            Wiro said no, and will say no again
    │   ├── WiroBusy               Wiro said "not now": throttled or at the concurrency limit
    │   ├── WiroUploadError        a file could not be read, or not be uploaded; nothing was submitted
    │   └── WiroSubmissionUnknown  a submission was sent, and whether Wiro accepted it is not known
    └── WiroTaskError              a submitted task did not bring its outputs
        ├── WiroTaskFailed         it ran and failed
        │   └── WiroTaskFlagged    content moderation refused its inputs, or what it made
        ├── WiroTaskCancelled      somebody or something cancelled it
        ├── WiroTaskStuck          it stayed in ``task_error`` for too long
        ├── WiroTaskTimeout        it was not finished in time
        ├── WiroTaskGaveUp         Wiro gave no good answer for too long
        ├── WiroTaskNotFound       Wiro does not know its taskid
        ├── WiroWrongService       the connection now names another service than the one it runs on
        ├── WiroNotStopped         it had to be stopped and could not be
        ├── WiroNoOutput           it succeeded, but has no output, or none that can be read
        ├── WiroSaveError          it succeeded, and its outputs are not saved, or not all of them
        └── WiroOutputsGone        it succeeded in an earlier try, and its outputs no longer exist

``retryable`` says whether running the same Airflow task again can help without paying twice. An
error that is not retryable fails the Airflow task at once, whatever its ``retries``.

Each has the attributes of :class:`WiroError`, also after it was pickled. So a callback need not read its words::

    def tell(context):
        error = context["exception"]
        if isinstance(error, WiroError):
            print(error.taskid, error.status, error.code, error.cost_usd, error.outputs, error.retryable)

    WiroRunOperator(..., on_failure_callback=tell)

Where Airflow itself ends the task (killed, marked failed, a lost worker), ``context["exception"]`` is another
exception, text, or missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "WiroAuthError",
    "WiroBusy",
    "WiroConfigError",
    "WiroError",
    "WiroInputError",
    "WiroInterrupted",
    "WiroJournalError",
    "WiroJournalTaken",
    "WiroNoOutput",
    "WiroNotStopped",
    "WiroOutputsGone",
    "WiroRefused",
    "WiroRequestError",
    "WiroSaveError",
    "WiroSubmissionUnknown",
    "WiroTaskCancelled",
    "WiroTaskError",
    "WiroTaskFailed",
    "WiroTaskFlagged",
    "WiroTaskGaveUp",
    "WiroTaskNotFound",
    "WiroTaskStuck",
    "WiroTaskTimeout",
    "WiroUnreachable",
    "WiroUploadError",
    "WiroWrongService",
]


class WiroError(Exception):
    """Base of all errors of this package.

    :param message: what happened and what to do next; holds no secret.
    :param taskid: the Wiro task concerned, if there is one.
    :param status: its last known Wiro status.
    :param code: the API's error code.
    :param cost_usd: what Wiro shows that it cost, in US dollars; None where it shows nothing.
    :param outputs: what Wiro shows of its outputs, each ``{"url", "name", "content_type", "size", "content"}`` as in
        the operator's return value; most often none.
    :param retryable: overrides the class's answer where an instance knows better.
    """

    retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        taskid: str | None = None,
        status: str | None = None,
        code: int | None = None,
        cost_usd: float | None = None,
        outputs: Iterable[Mapping[str, object]] = (),
        retryable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.taskid = taskid
        self.status = status
        self.code = code
        self.cost_usd = cost_usd
        self.outputs = [dict(output) for output in outputs]
        if retryable is not None:
            self.retryable = retryable


class WiroInputError(WiroError, ValueError):
    """A value was refused before anything was sent; the message names field, value and what is allowed."""


class WiroConfigError(WiroError):
    """The Airflow connection cannot be used as it is; the message names the field."""


class WiroInterrupted(WiroError):
    """Airflow told the task to stop; nothing more is sent for it."""

    retryable = True


class WiroJournalError(WiroError):
    """The journal of what was paid cannot be read or written; nothing was sent."""

    retryable = True


class WiroJournalTaken(WiroJournalError):
    """Another try of the same task instance has written its journal meanwhile, and that stands."""


class WiroRequestError(WiroError):
    """A call did not bring what was asked for."""


class WiroUnreachable(WiroRequestError):
    """No usable answer: network, proxy, a 5xx, or something that is not Wiro's JSON."""

    retryable = True


class WiroAuthError(WiroRequestError):
    """Wiro rejects the API key, the signature, or what the project or the account may do."""


class WiroRefused(WiroRequestError):
    """Wiro refused the call for good: bad inputs, no balance, an unknown model or task."""


class WiroBusy(WiroRequestError):
    """Wiro is throttling, or as many tasks run as the account or the connection allows; nothing was accepted.

    ``retry_after`` is how many seconds Wiro asks to wait; None where it did not say. ``limited`` is whether it was the
    connection's ``max_active``; then nothing was sent.
    """

    retryable = True
    retry_after: float | None = None
    limited: bool = False


class WiroUploadError(WiroRequestError):
    """A file could not be read, or Wiro did not take it; nothing was submitted, and nothing is paid."""

    retryable = True


class WiroSubmissionUnknown(WiroRequestError):
    """A submission was sent and may have been accepted and paid; it is never repeated by itself.

    ``words`` is what Wiro said, where it said no in words that are not documented; None where it gave no answer.
    """

    words: str | None = None


class WiroTaskError(WiroError):
    """A submitted task did not bring its outputs."""


class WiroTaskFailed(WiroTaskError):
    """The generation ran and failed. Wiro charges for none; where it shows a cost, the message says so."""

    retryable = True


class WiroTaskFlagged(WiroTaskFailed):
    """Content moderation refused the inputs, or what was made of them; the same inputs would be refused again."""

    retryable = False


class WiroTaskCancelled(WiroTaskError):
    """The task was cancelled, by a user or by Wiro."""

    retryable = True


class WiroTaskStuck(WiroTaskError):
    """The task stayed in ``task_error`` longer than the grace period; the message says whether it was stopped."""

    retryable = True


class WiroTaskTimeout(WiroTaskError):
    """The task was not finished before its deadline; the message says whether it was stopped."""

    retryable = True


class WiroTaskGaveUp(WiroTaskError):
    """Wiro gave no good answer about the task for longer than ``outage_tolerance``."""

    retryable = True


class WiroTaskNotFound(WiroTaskError):
    """Wiro does not know the taskid (any more, or for this API key)."""


class WiroWrongService(WiroTaskError):
    """The Airflow connection now names another service than the one that the task runs on; nothing was sent there."""


class WiroNotStopped(WiroTaskError):
    """The task had to be stopped and could not be: it may still run and be paid."""


class WiroNoOutput(WiroTaskError):
    """The task succeeded, and may be charged, but has no output, or none that can be read."""


class WiroSaveError(WiroTaskError):
    """The task succeeded and is paid, but its outputs are not saved, or not all of them. What is saved is whole.

    ``gone`` is whether Wiro shows, or serves, what is missing no longer.

    Without a taskid nothing was submitted: ``save_to`` could not be made ready for what would be saved.
    """

    retryable = True
    gone: bool = False


class WiroOutputsGone(WiroTaskError):
    """The task succeeded in an earlier try and was paid, but its outputs no longer exist."""
