"""An operator whose tries share one paid Wiro task, which ends with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS, TaskDeferred
from airflow_provider_wiro.core.fields import OnUnknown, on_unknown_submission, seconds, seconds_or_0, true_or_false
from airflow_provider_wiro.core.polling import OUTAGE_TOLERANCE, POLL_INTERVAL, TASK_ERROR_GRACE, TIMEOUT
from airflow_provider_wiro.core.saving import MAX_BYTES, check_saving, max_bytes
from airflow_provider_wiro.exceptions import (
    WiroInputError,
    WiroInterrupted,
    WiroJournalError,
    WiroNotStopped,
    WiroTaskGaveUp,
    WiroTaskStuck,
    WiroTaskTimeout,
)
from airflow_provider_wiro.journals import open_journal
from airflow_provider_wiro.links.wiro import at_the_deferral
from airflow_provider_wiro.operators.rendering import RenderingOperator
from airflow_provider_wiro.stages.ending import end_outside, ending_well
from airflow_provider_wiro.stages.failing import final_errors_skip_retries, own_error_told
from airflow_provider_wiro.stages.paid import PaidTask
from airflow_provider_wiro.stages.this_try import Settings, Try
from airflow_provider_wiro.task_instance import is_unmapped

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import Context
    from airflow_provider_wiro.core.result import ResultDict

# What a retry could make one pay for twice, unless the retry finds the same Wiro task again.
SAFE_WITH_A_JOURNAL = (WiroInterrupted, WiroNotStopped, WiroTaskTimeout, WiroTaskStuck, WiroTaskGaveUp)

Duration = float | timedelta

# How long a deferrable task waits for room at Wiro, in seconds: it holds no worker slot.
QUEUE_TIMEOUT = 86_400.0

# What holds in a try whose arguments are not allowed: it only goes on with what an earlier try has paid for.
DEFAULTS = {
    "poll_interval": POLL_INTERVAL,
    "timeout": TIMEOUT,
    "outage_tolerance": OUTAGE_TOLERANCE,
    "task_error_grace": TASK_ERROR_GRACE,
}

FLAGS: dict[str, Any] = {
    "deferrable": False,
    "wait_for_completion": True,
    "cancel_on_kill": True,
    "durable": True,
    "delete_after_save": False,
    "end_from_trigger": False,
}


class TryingOperator(RenderingOperator):
    """Everything about a try that is no stage of it."""

    requires_output: ClassVar[bool] = False

    wiro_conn_id: str
    deferrable: bool
    end_from_trigger: bool
    defer_after: Duration
    wait_for_completion: bool
    poll_interval: Duration
    timeout: Duration
    queue_timeout: Duration | None
    outage_tolerance: Duration
    task_error_grace: Duration
    execution_timeout: timedelta | None
    cancel_on_kill: bool
    durable: bool
    on_unknown_submission: OnUnknown
    save_to: object
    saves: bool
    max_bytes: int
    delete_after_save: bool

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        given: Mapping[str, Any] = {**(kwargs.get("default_args") or {}), **kwargs}
        self.given_post_execute = given.get("post_execute") is not None
        self._paid = PaidTask()
        self._try: Try | None = None
        self._at_work = False

    @property
    def told(self) -> ResultDict | None:
        """The result, once this try has told of it."""
        return self._try.told if self._try is not None else None

    @property
    def unmapped(self) -> bool:
        """Whether Airflow has made it of a mapped one."""
        return is_unmapped(self)

    @contextmanager
    def naming_the_task(self) -> Iterator[None]:
        """Let an error of the constructor, which Airflow shows as one of the whole file, say whose it is."""
        try:
            yield
        except WiroInputError as error:
            error.add_note(f"This is an argument of the task {self.task_id!r}.")
            raise

    @property
    def wanted_folder(self) -> object:
        """Where to save; text that is refused, where a template has found nothing."""
        return "None" if self.saves and self.save_to is None else self.save_to

    def check_settings(self) -> None:
        """Check the arguments that say how to go about it.

        :raises WiroInputError: naming the argument, its value and what is allowed.
        """
        for name in DEFAULTS:
            seconds(name, getattr(self, name))
        if self.queue_timeout is not None:
            seconds("queue_timeout", self.queue_timeout)
        seconds_or_0("defer_after", self.defer_after)
        for name in FLAGS:
            true_or_false(name, getattr(self, name))
        on_unknown_submission(self.on_unknown_submission)
        max_bytes(self.max_bytes)
        check_saving(
            save_to=self.save_to,
            delete_after_save=self.delete_after_save,
            wait_for_completion=self.wait_for_completion,
        )

    def on_kill(self) -> None:
        """Tell the try to stop: ``execute`` sees it within moments, and does what ``core/rules/fate.py`` says.

        Where Airflow calls this with no ``execute`` to see it (after the deferral, or on Airflow 2 for a deferred task
        whose time is over), it is done here.
        """
        self._paid.told_to_stop = True
        if self._at_work:
            return
        context = None if AIRFLOW_V_3_0_PLUS else _resumed_context()
        if context is not None:
            self._try = self._new_try(context)
        if self._try is not None:
            end_outside(self._try, out_of_time=context is not None)

    @contextmanager
    def trying(self, context: Context) -> Iterator[Try]:
        """Let no error lead to a second payment: neither by a retry, nor by a task that runs on unseen."""
        with own_error_told(context), final_errors_skip_retries():
            this = self._try = self._new_try(context)
            self._at_work = True
            try:
                with ending_well(this):
                    yield this
            except TaskDeferred:
                self._at_work = False
                self.operator_extra_links = at_the_deferral(self.operator_extra_links)
                if this.paid.told_to_stop:  # after ending_well has looked
                    end_outside(this, out_of_time=False)
                raise
            except SAFE_WITH_A_JOURNAL as error:
                error.retryable = error.retryable or this.is_found_again
                raise
            finally:
                self._at_work = False

    def _new_try(self, context: Context) -> Try:
        from airflow_provider_wiro.hooks.caller import Caller

        if "ti" not in context:
            raise WiroInputError(
                f"task {self.task_id!r} was executed without Airflow's context: it holds no task instance ('ti'), by "
                "which the task says what it has paid for. Nothing was sent. To try an operator out, call test() of "
                "its DAG"
            )
        before, paid = self._paid, PaidTask()
        self._paid = paid  # from here on a signal tells the new one
        paid.told_to_stop = before.told_to_stop or paid.told_to_stop
        caller = Caller(self.wiro_conn_id, self.log, told_to_stop=lambda: paid.told_to_stop)
        this = Try(self._settings(), context, self.log, caller, paid)
        try:
            journal = open_journal(context)
            this.journal, this.outdated = (journal, None) if this.settings.durable else (None, journal)
        except WiroJournalError as error:  # of no concern to a task that is paid already
            this.unusable = error
        except WiroInputError:  # an iteration of a task loop that cannot be told from the others
            if this.settings.durable:
                raise
        return this

    def _settings(self) -> Settings:
        try:
            self.check_settings()
            durations: dict[str, Any] = {name: seconds(name, getattr(self, name)) for name in DEFAULTS}
            queue_timeout, on_unknown = self.queue_timeout, self.on_unknown_submission
            defer_after = seconds_or_0("defer_after", self.defer_after)
        except WiroInputError:  # a mapped task's: it is raised where something is to be submitted
            durations, queue_timeout, on_unknown, defer_after = DEFAULTS, None, "fail", 0.0
        given: dict[str, Any] = {name: getattr(self, name) for name in FLAGS}
        flags = {name: value if isinstance(value, bool) else FLAGS[name] for name, value in given.items()}
        settings: dict[str, Any] = {**durations, **flags}
        if queue_timeout is None:
            queue_timeout = QUEUE_TIMEOUT if flags["deferrable"] else durations["timeout"]
        return Settings(
            conn_id=self.wiro_conn_id,
            defer_after=defer_after,
            queue_timeout=seconds("queue_timeout", queue_timeout),
            **settings,
            execution_timeout=self.execution_timeout,
            on_unknown=on_unknown,
            requires_output=self.requires_output,
            push_outputs=self.do_xcom_push,
            save_to=self.wanted_folder,
            max_bytes=self.max_bytes if type(self.max_bytes) is int else MAX_BYTES,
        )


def _resumed_context() -> Context | None:
    """Airflow 2 calls ``on_kill`` on a fresh operator when a deferred task's time is over."""
    from airflow_provider_wiro.compat import AirflowException, get_current_context

    try:
        context = get_current_context()
    except AirflowException:  # killed before it ran
        return None
    return context if getattr(context["ti"], "next_method", None) else None
