"""The hook: one method a call of the Wiro API."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_wiro.compat import AirflowNotFoundException, BaseHook
from airflow_provider_wiro.core import calls
from airflow_provider_wiro.core.fields import model_inputs, refused, seconds, true_or_false, unix_time
from airflow_provider_wiro.core.polling import (
    OUTAGE_TOLERANCE,
    POLL_INTERVAL,
    TASK_ERROR_GRACE,
    TIMEOUT,
    WaitPlan,
    wait,
)
from airflow_provider_wiro.core.protocol import NoReply, Reply, complaint, describe, send, task_in
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.core.rules.replies import NO_SUCH_ADDRESS, rule_of
from airflow_provider_wiro.core.slugs import model_name
from airflow_provider_wiro.core.task import Submission, Task
from airflow_provider_wiro.core.verdict import error_of
from airflow_provider_wiro.exceptions import WiroAuthError, WiroConfigError, WiroInputError
from airflow_provider_wiro.get_provider_info import CONNECTION_TYPE
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.hooks.connection import DEFAULT_CONN_ID

NO_SUCH_TASK = "0"


class WiroHook(BaseHook):
    """Talk to the Wiro API over an Airflow connection of type ``wiro``.

    The connection: login = API key, password = API secret (empty for a project that uses the key alone),
    host = base URL (default ``https://api.wiro.ai/v1``), extras ``timeout`` (seconds, default 30),
    ``verify`` (true, false or a CA file, default true), ``allow_http`` (default false), and ``max_active`` (how many
    tasks may run at Wiro at once, counted before an operator submits; default: any number; this hook does not count).

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

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Return how the connection form looks, for Airflow before 3.2."""
        behaviour = CONNECTION_TYPE["ui-field-behaviour"]
        return {name.replace("-", "_"): value for name, value in behaviour.items()}

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Return the form's own fields, for Airflow before 3.2."""
        from airflow_provider_wiro.hooks.form import widgets

        return widgets()

    @cached_property
    def _caller(self) -> Caller:
        return Caller(self.wiro_conn_id, self.log)

    @property
    def base_url(self) -> str:
        """The base URL of the service that the connection names."""
        return self._caller.base_url

    def run(self, model: str, inputs: Mapping[str, object], *, deadline: float | None = None) -> Submission:
        """Submit one generation. **Each submission that Wiro accepts may cost money.**

        Wiro has no idempotency key: calling this twice pays twice. It is sent again only if it surely did not reach
        Wiro or was throttled.

        :param model: ``"owner/model"`` as Wiro's pages write it, such as ``"google/veo3.1"``; no realtime model.
        :param inputs: the model's inputs, JSON values.
        :param deadline: unix time until which it waits at most while Wiro throttles the connection; if it still does
            then, nothing is submitted. Default None: it waits up to five minutes for each time it is sent.
        :returns: taskid, socketaccesstoken and the time of submission.
        :raises WiroInputError: *model*, *inputs* or *deadline* are not what they must be; nothing was sent.
        :raises WiroRequestError: refused, busy, unreachable, or ``WiroSubmissionUnknown``.
        """
        until = None if deadline is None else unix_time("deadline", deadline)
        return self._caller.drive(calls.submit(model_name(model), model_inputs(inputs), deadline=until))

    def get_task(self, taskid: str | None = None, *, token: str | None = None) -> Task:
        """Read one task, free of charge.

        :param taskid: its taskid, or
        :param token: its socketaccesstoken.
        :raises WiroTaskNotFound: if Wiro does not know it.
        :raises WiroRequestError: if there was no good answer.
        """
        _exactly_one(taskid, token)
        return self._caller.drive(calls.detail(taskid=taskid, token=token))

    def kill(self, taskid: str | None = None, *, token: str | None = None) -> Task:
        """Kill one *running* task; for any state use :meth:`stop`.

        :param taskid: its taskid, or
        :param token: its socketaccesstoken.
        :returns: the task as Wiro shows it.
        :raises WiroRefused: if it is not running.
        """
        _exactly_one(taskid, token)
        return self._caller.drive(calls.kill(taskid=taskid, token=token))

    def cancel(self, taskid: str) -> Task:
        """Cancel one *queued* task; for any state use :meth:`stop`.

        :param taskid: its taskid.
        :returns: the task as Wiro shows it.
        :raises WiroRefused: if it is not queued.
        """
        return self._caller.drive(calls.cancel(_required(taskid)))

    def stop(self, taskid: str) -> calls.Stop:
        """Stop a task whatever its state: Kill, else Cancel, else Kill again; fine if it is already over.

        Never raises for anything Wiro answers. A task counts as over only where Wiro shows its end. That takes one to
        four requests where Wiro is well, and some 5 s of further looks where it says yes and shows the end later. There
        are three rounds where Wiro does not stop it, does not know it, or gives no good answer.

        :param taskid: its taskid.
        :returns: ``over`` (whether it surely runs no more), ``note``, and the task as last seen.
        """
        return self._caller.drive(calls.stop(_required(taskid)), service=self.base_url, to_the_end=True)

    def delete(self, taskid: str) -> None:
        """Delete the files that a task was given and has made. **They cannot be brought back.** It must be over.

        Free of charge; a second time does no harm. Two to six requests, and up to 4 s more where answers fail to come.

        :param taskid: its taskid.
        :raises WiroTaskNotFound: if Wiro does not know it.
        :raises WiroRefused: if it is not over yet; stop it first.
        :raises WiroRequestError: if there was no good answer; call it again.
        """
        self._caller.drive(calls.delete(_required(taskid)))

    def wait(
        self,
        taskid: str,
        *,
        submitted_at: float | None = None,
        timeout: float | timedelta = TIMEOUT,
        poll_interval: float | timedelta = POLL_INTERVAL,
        outage_tolerance: float | timedelta = OUTAGE_TOLERANCE,
        task_error_grace: float | timedelta = TASK_ERROR_GRACE,
        stop_at_timeout: bool = False,
    ) -> ResultDict:
        """Wait until a task is over. Holds the worker slot. Durations are seconds, or a ``timedelta``.

        :param taskid: the task to wait for; whoever submitted it.
        :param submitted_at: unix time of its submission; default now.
        :param timeout: time from *submitted_at* after which it is not waited for any longer, default 3600 s.
        :param poll_interval: shortest pause between two looks, default 3 s.
        :param outage_tolerance: time without one good answer after which it is not waited for any longer, default
            600 s; throttling (HTTP 429) is no outage.
        :param task_error_grace: time that it may stay in ``task_error``, default 120 s.
        :param stop_at_timeout: whether it is stopped where one of these three ends the wait; default False: it runs
            on, and is paid if it succeeds.
        :returns: what the operator returns, but never cut; where the text stands in a file, ``text`` is None.
        :raises WiroInputError: a value is not allowed; before anything is sent.
        :raises WiroTaskError: a subclass, if it did not succeed; the message says what happens to the money.
        """
        submitted_at = time.time() if submitted_at is None else unix_time("submitted_at", submitted_at)
        plan = WaitPlan(
            taskid=_required(taskid),
            submitted_at=submitted_at,
            deadline=submitted_at + seconds("timeout", timeout),
            poll_interval=seconds("poll_interval", poll_interval),
            outage_tolerance=seconds("outage_tolerance", outage_tolerance),
            task_error_grace=seconds("task_error_grace", task_error_grace),
            stop_at_timeout=true_or_false("stop_at_timeout", stop_at_timeout),
        )
        verdict = self._caller.drive(wait(plan), service=self.base_url)
        if verdict.result is None:
            raise error_of(verdict, watches=True)
        return verdict.result

    def test_connection(self) -> tuple[bool, str]:
        """Make one free signed call and say how it went, in words that name what to check.

        :returns: whether the connection works, and a message.
        """
        try:
            outcome = self._caller.drive(send("/Task/Detail", {"taskid": NO_SUCH_TASK}, urgent=True))
        except WiroConfigError as error:
            # Airflow's form tests under a name that it makes up.
            return False, str(error).removeprefix(f"Airflow connection {self.wiro_conn_id!r}: ")
        except AirflowNotFoundException as error:
            return False, str(error)
        works, message = _assess(outcome, self.base_url)
        return works, f"{message} But {self._caller.remark}" if self._caller.remark else message


def _assess(outcome: Reply | NoReply, base_url: str) -> tuple[bool, str]:
    said, rule = describe(outcome), rule_of(outcome)
    if task_in(outcome) is not None:
        return True, "Wiro accepts the credentials."
    if rule.error is WiroAuthError and isinstance(outcome, Reply) and complaint(outcome) is not None:
        return False, f"Wiro rejected the credentials: {said}. {rule.advice[0].upper()}{rule.advice[1:]}."
    if isinstance(outcome, NoReply):
        if outcome.tls:
            return False, f"TLS failed: {said}. Check the base URL (host), and the CA file (extra verify)."
        return False, f"Wiro cannot be reached: {said}. Check the base URL (host), proxy and firewall."
    if outcome.status in NO_SUCH_ADDRESS:
        path = urlsplit(base_url).path
        return False, f"There is no Wiro API at the path {path}: {said}. Check the base URL (host); Wiro's path is /v1."
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
