"""One try of a task instance: what its stages share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_wiro.core.fields import OnUnknown
from airflow_provider_wiro.core.files import FileInput
from airflow_provider_wiro.core.forgetting import forget
from airflow_provider_wiro.core.log import Log
from airflow_provider_wiro.core.polling import WaitPlan
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.core.saving import MAX_BYTES
from airflow_provider_wiro.core.work import Work
from airflow_provider_wiro.exceptions import WiroJournalError
from airflow_provider_wiro.stages.paid import PaidTask
from airflow_provider_wiro.task_instance import is_tried_out

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import Context
    from airflow_provider_wiro.hooks.caller import Caller
    from airflow_provider_wiro.journals import Journal


@dataclass(frozen=True, slots=True)
class Settings:
    """The operator's arguments that say how to go about it. Times in seconds; as in ``WiroRunOperator``.

    :param save_to: as it was rendered, not checked.
    """

    conn_id: str
    deferrable: bool
    defer_after: float
    wait_for_completion: bool
    poll_interval: float
    timeout: float
    queue_timeout: float
    outage_tolerance: float
    task_error_grace: float
    execution_timeout: timedelta | None
    cancel_on_kill: bool
    durable: bool
    on_unknown: OnUnknown
    requires_output: bool
    push_outputs: bool
    save_to: object = None
    max_bytes: int = MAX_BYTES
    delete_after_save: bool = False
    end_from_trigger: bool = False

    @property
    def stop_when_ended(self) -> bool:
        """Whether the Wiro task has no purpose once the Airflow task has ended."""
        return self.wait_for_completion and self.cancel_on_kill


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: rendered and checked.

    :param inputs: the model's inputs, as they go over the wire.
    :param files: what the model is given as files, beside *inputs*.
    :param problem: why it cannot be made any more; then it only stands for what an earlier try has paid for.
    :param before: what releases before 0.2.0 would have made of the same templates; None: the same.
    """

    model: str
    inputs: Mapping[str, object]
    idempotency_key: str | None
    problem: Exception | None = None
    before: Order | None = None
    files: tuple[FileInput, ...] = ()

    def work(self, base_url: str) -> Work:
        """Return what the record compares."""
        before = None if self.before is None else self.before.work(base_url)
        files = {file.name: [source.content for source in file.sources] for file in self.files}
        return Work(base_url, self.model, self.inputs, self.idempotency_key, before, files)

    @property
    def shown(self) -> dict[str, object]:
        """The inputs for people: files by where they are kept."""
        return {**self.inputs, **{file.name: [source.shown for source in file.sources] for file in self.files}}

    @property
    def contents(self) -> dict[str, str]:
        """The SHA-256 of each input's files, with a blank between several; what is given by a URL has none."""
        digests = {
            file.name: " ".join(source.sha256 for source in file.sources if source.sha256) for file in self.files
        }
        return {name: digest for name, digest in digests.items() if digest}


@dataclass
class Try:
    """One try.

    :param journal: None where there is none, or the author wants none.
    :param outdated: the journal that ``durable=False`` does not go by; nothing that a durable try would take may stay.
    :param order: what is to be made; None in a later process of the same try.
    :param contents: what input files contain: SHA-256 and size, by a digest of what their storage says of each.
    :param has_waited: whether it has waited for room before.
    :param told: the result, once it is told of.
    :param unusable: why the journal cannot be used; of no concern to what is paid already.
    """

    settings: Settings
    context: Context
    log: Log
    caller: Caller
    paid: PaidTask
    journal: Journal | None = None
    outdated: Journal | None = None
    order: Order | None = None
    unusable: WiroJournalError | None = None
    has_waited: bool = False
    told: ResultDict | None = None
    contents: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def ti(self) -> Any:
        """The task instance."""
        return self.context["ti"]

    @property
    def place(self) -> str:
        """Where the record is, in words."""
        return self.journal.place if self.journal else "the journal"

    @property
    def is_found_again(self) -> bool:
        """Whether a further try finds what is paid for, or at least sees that it must not pay again."""
        return self.paid.recorded or (self.journal is not None and not self.paid.absent)

    def how_to_forget(self) -> tuple[str, ...]:
        """Return the steps by which a person has a new generation made after all."""
        if self.journal is None:
            return ("for a new generation, clear this task: without a record it submits again, and pays for it",)
        return forget(self.place, self.journal.identity)

    @property
    def defers(self) -> bool:
        """Whether it waits in a triggerer: not where Airflow only tries the DAG out, for that runs in this process."""
        return self.settings.deferrable and not is_tried_out(self.ti)

    def deadline(self, since: float, timeout: float | None = None) -> float:
        """Return the earlier of *timeout* and ``execution_timeout``, less the time that stopping takes.

        :param timeout: seconds from *since*; None: the setting of that name.
        """
        deadline = since + (self.settings.timeout if timeout is None else timeout)
        if self.settings.execution_timeout is None:
            return deadline
        allowed = self.settings.execution_timeout.total_seconds()
        slack = min(60.0, max(10.0, allowed / 10), allowed / 2)
        return max(since, min(deadline, self._began(since) + allowed - slack))

    def _began(self, since: float) -> float:
        """Return when the try began. Airflow 3.0 and 3.1 say when it was resumed; whoever submits has begun before."""
        if self.ti.start_date is None:
            return since
        started: float = self.ti.start_date.timestamp()
        return started if self.paid.attached else min(started, since)

    def plan(self, taskid: str, submitted_at: float) -> WaitPlan:
        """Return how to wait for a task."""
        return WaitPlan(
            taskid=taskid,
            submitted_at=submitted_at,
            deadline=self.deadline(submitted_at),
            poll_interval=self.settings.poll_interval,
            outage_tolerance=self.settings.outage_tolerance,
            task_error_grace=self.settings.task_error_grace,
        )
