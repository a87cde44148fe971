"""The hook: one method a call of the Wiro API."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_wiro.core import calls
from airflow_provider_wiro.core.fields import model_inputs, model_name, refused
from airflow_provider_wiro.core.journal import OnUnknown, Record
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import (
    Flow,
    NoReply,
    Reply,
    complaint,
    describe,
    is_auth_failure,
    send,
    sleep,
    task_in,
)
from airflow_provider_wiro.core.recovery import Decision, find, recover
from airflow_provider_wiro.core.task import ResultDict, Submission, Task
from airflow_provider_wiro.core.verdict import error_of
from airflow_provider_wiro.exceptions import WiroConfigError, WiroInputError, WiroRequestError
from airflow_provider_wiro.get_provider_info import CONNECTION_TYPE
from airflow_provider_wiro.hooks.caller import allowed_hosts
from airflow_provider_wiro.hooks.connection import DEFAULT_CONN_ID, read_credentials

if TYPE_CHECKING:
    from airflow_provider_wiro.clients.sync import Client

T = TypeVar("T")

NO_SUCH_TASK = "0"


class WiroHook(BaseHook):
    """Talk to the Wiro API over an Airflow connection of type ``wiro``.

    The connection: login = API key, password = API secret (empty for a project that uses the key alone),
    host = base URL (default ``https://api.wiro.ai/v1``), extras ``timeout`` (seconds, default 30),
    ``verify`` (true, false or a CA file, default true) and ``allow_http`` (default false).

    Source: https://wiro.ai/models/runway/image-to-video-gen4-turbo (the model's API page).

    :param wiro_conn_id: the Airflow connection, default ``wiro_default``.
    """

    conn_name_attr = "wiro_conn_id"
    default_conn_name = DEFAULT_CONN_ID
    conn_type = "wiro"
    hook_name = "Wiro"

    def __init__(self, wiro_conn_id: str = DEFAULT_CONN_ID, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.wiro_conn_id = wiro_conn_id
        self._client: Client | None = None
        self._interrupted = False

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how the connection form looks, for Airflow before 3.2."""
        behaviour = CONNECTION_TYPE["ui-field-behaviour"]
        return {name.replace("-", "_"): value for name, value in behaviour.items()}

    def run(self, model: str, inputs: Mapping[str, object], *, deadline: float | None = None) -> Submission:
        """Submit one generation. **Each Run that Wiro accepts may cost money.**

        Wiro has no idempotency key: calling this twice pays twice. A Run is sent again only if it surely
        did not reach Wiro or was throttled.

        :param model: ``"owner/model"``, such as ``"Runway/image-to-video-gen4-turbo"``.
        :param inputs: the model's inputs, JSON values.
        :param deadline: unix time until which it waits at most while Wiro throttles the connection; if it still does
            then, nothing is submitted. Default None: it waits up to five minutes for each time it is sent.
        :returns: taskid, socketaccesstoken and the time of submission.
        :raises WiroInputError: *model* or *inputs* are not what they must be; nothing was sent.
        :raises WiroRequestError: refused, busy, unreachable, or ``WiroSubmissionUnknown``.
        """
        return self._drive(calls.submit(model_name(model), model_inputs(inputs), deadline=deadline))

    @property
    def base_url(self) -> str:
        """The base URL of the service that the connection names."""
        return self._connected().route.credentials.base_url

    def recover(
        self, found: Record, wanted: Record, *, on_unknown: OnUnknown, place: str, deadline: float | None = None
    ) -> Decision:
        """Decide what to do about a Run that is written down in the journal; submits nothing.

        :param found: the record in the journal.
        :param wanted: what is to be submitted now.
        :param on_unknown: ``"fail"`` or ``"submit"`` where it cannot be found out whether Wiro accepted the Run.
        :param place: where the journal is, for messages.
        :param deadline: unix time until which each look waits at most while Wiro throttles the connection; default
            None: five minutes each.
        :returns: ``Attach``, ``Finished`` or ``Fresh``. A task whose inputs have changed has been stopped.
        :raises WiroError: if nothing may be submitted.
        """
        return self._drive(recover(found, wanted, on_unknown=on_unknown, place=place, deadline=deadline))

    def find(self, record: Record) -> Task | str:
        """Look for the task of a Run whose answer was lost.

        :param record: an intent of the journal, without a taskid.
        :returns: the task; or why none can be proven to be it, in words.
        """
        found = self._drive(find(record))
        return found if isinstance(found, str) else found.task

    def pause(self, seconds: float) -> None:
        """Do nothing for *seconds*; :meth:`interrupt` ends it.

        :raises WiroInterrupted: if it was interrupted.
        """
        self._drive(sleep(seconds))

    def lost_output(self, urls: Iterable[str]) -> str | None:
        """Look whether the outputs of a task are still there; sends no key, takes a minute at most.

        :param urls: their addresses.
        :returns: the first that is there no more (HTTP 404 or 410); None if none is known to be gone.
        :raises WiroInterrupted: if :meth:`interrupt` was called.
        """
        from airflow_provider_wiro.clients.outputs import first_gone

        route = self._connected().route
        allowed = allowed_hosts(route.credentials.base_url)
        return first_gone(urls, tls=route.tls, allowed=allowed, told_to_stop=lambda: self._interrupted)

    def get_task(self, taskid: str | None = None, *, token: str | None = None) -> Task:
        """Read one task, free of charge.

        :param taskid: its taskid, or
        :param token: its socketaccesstoken.
        :raises WiroTaskNotFound: if Wiro does not know it.
        :raises WiroRequestError: if there was no good answer.
        """
        _exactly_one(taskid, token)
        return self._drive(calls.detail(taskid=taskid, token=token))

    def kill(self, taskid: str | None = None, *, token: str | None = None) -> Task:
        """Kill one *running* task; for any state use :meth:`stop`.

        :param taskid: its taskid, or
        :param token: its socketaccesstoken.
        :returns: the task as Wiro shows it.
        :raises WiroRefused: if it is not running.
        """
        _exactly_one(taskid, token)
        return self._drive(calls.kill(taskid=taskid, token=token))

    def cancel(self, taskid: str) -> Task:
        """Cancel one *queued* task; for any state use :meth:`stop`.

        :param taskid: its taskid.
        :returns: the task as Wiro shows it.
        :raises WiroRefused: if it is not queued.
        """
        return self._drive(calls.cancel(_required(taskid)))

    def stop(self, taskid: str) -> calls.Stop:
        """Stop a task whatever its state: Kill, else Cancel, else Kill again; fine if it is already over.

        Goes over a session of its own, with the credentials in memory, so that it works while another request is
        on its way, after :meth:`interrupt`, and in a signal handler.

        :param taskid: its taskid.
        :returns: ``over`` (whether it surely runs no more), ``note``, and the task as last seen.
        """
        from airflow_provider_wiro.clients.sync import Client

        client = Client(self._client.route.credentials, self.log) if self._client else self._connect()
        return client.drive(calls.stop(_required(taskid)), to_the_end=True)

    def wait(
        self,
        taskid: str,
        *,
        submitted_at: float | None = None,
        timeout: float = 3600.0,
        poll_interval: float = 3.0,
        outage_tolerance: float = 600.0,
        task_error_grace: float = 120.0,
    ) -> ResultDict:
        """Wait until a task is over; stop it if it is not over in time. Holds the worker slot.

        :param taskid: the task to wait for.
        :param submitted_at: unix time of its Run; default now.
        :param timeout: seconds from *submitted_at* after which the task is stopped.
        :param poll_interval: shortest pause between two looks, in seconds.
        :param outage_tolerance: seconds without one good answer after which the task is stopped; throttling (HTTP 429)
            is no outage.
        :param task_error_grace: seconds in ``task_error`` after which the task is stopped.
        :returns: ``{"taskid", "status", "outputs": [{"url", "name", "content_type", "size"}, …],
            "cost_usd", "elapsed_seconds"}``.
        :raises WiroTaskError: one of its subclasses, if the task did not succeed.
        """
        submitted_at = time.time() if submitted_at is None else submitted_at
        plan = WaitPlan(
            taskid=_required(taskid),
            submitted_at=submitted_at,
            deadline=submitted_at + timeout,
            poll_interval=poll_interval,
            outage_tolerance=outage_tolerance,
            task_error_grace=task_error_grace,
        )
        verdict = self._drive(wait(plan))
        if verdict.result is None:
            raise error_of(verdict)
        return verdict.result

    def interrupt(self) -> None:
        """Make the call that runs end before its next request. Safe in a signal handler."""
        self._interrupted = True

    def test_connection(self) -> tuple[bool, str]:
        """Make one free signed call and say how it went, in words that name what to check.

        :returns: whether the connection works, and a message.
        """
        try:
            outcome = self._drive(send("/Task/Detail", {"taskid": NO_SUCH_TASK}, urgent=True))
        except (WiroConfigError, AirflowNotFoundException) as error:
            return False, str(error)
        return _assess(outcome)

    def _drive(self, flow: Flow[T]) -> T:
        try:
            return self._connected().drive(flow)
        except WiroRequestError as error:
            error.args = (f"Airflow connection {self.wiro_conn_id!r}: {error}",)
            raise

    def _connected(self) -> Client:
        if self._client is None:
            self._client = self._connect()
        return self._client

    def _connect(self) -> Client:
        from airflow_provider_wiro.clients.sync import Client

        return Client(
            read_credentials(self.wiro_conn_id),
            self.log,
            lambda: read_credentials(self.wiro_conn_id),
            told_to_stop=lambda: self._interrupted,
        )


def _assess(outcome: Reply | NoReply) -> tuple[bool, str]:
    said = describe(outcome)
    if task_in(outcome) is not None:
        return True, "Wiro accepts the credentials."
    if is_auth_failure(outcome) and isinstance(outcome, Reply) and complaint(outcome) is not None:
        return False, f"Wiro rejected the credentials: {said}. Check API key (login) and API secret (password)."
    if isinstance(outcome, NoReply):
        if outcome.tls:
            return False, f"TLS failed: {said}. Check the base URL (host), and the CA file (extra verify)."
        return False, f"Wiro cannot be reached: {said}. Check the base URL (host), proxy and firewall."
    if complaint(outcome) is not None or outcome.status == 429 or outcome.status >= 500:
        return False, f"Wiro answered, but not as it should: {said}. Try again."
    return False, f"What answers there is not the Wiro API: {said}. Check the base URL (host)."


def _required(taskid: object) -> str:
    if not isinstance(taskid, str) or not taskid:
        raise refused("taskid", taskid, "text that is not empty")
    return taskid


def _exactly_one(taskid: str | None, token: str | None) -> None:
    if bool(taskid) == bool(token):
        raise WiroInputError("give either taskid or token")
    _required(taskid or token)
