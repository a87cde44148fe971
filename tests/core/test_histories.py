"""Whatever happens to a task instance, in whatever order: one generation is at work, and the same work is paid once.

The payment and the flows are the real ones; Wiro, the journal's place and the clock are in memory.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
from dataclasses import asdict
from itertools import count
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from airflow_provider_wiro.core.files import FileInput, Source
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.exceptions import WiroError
from airflow_provider_wiro.journals import Journal
from airflow_provider_wiro.stages import pay, record, upload
from airflow_provider_wiro.stages.paid import PaidTask
from airflow_provider_wiro.stages.pay import Generation
from airflow_provider_wiro.stages.this_try import Order, Settings, Try
from fake_driver import START
from records import INPUTS, MODEL, identity
from small_wiro import Died, SmallCaller, SmallTask, SmallWiro

EXAMPLES = int(os.environ.get("WIRO_HISTORIES", "300"))
CONTENT = b"a picture"
SHA = hashlib.sha256(CONTENT).hexdigest()
# The third one is given a file.
WORK = [INPUTS, INPUTS | {"prompt": "A windmill"}, INPUTS | {"prompt": "A picture"}]
FAULTS = ["well", "well", "lost", "dropped", "unsent", "down", "rejected", "dies before", "dies after"]
RUN_FAULTS = [*FAULTS, "refused", "full"]
JOURNAL_FAULTS = ["well", "well", "well", "fails", "dies before", "dies after"]
silent = logging.getLogger("histories")
silent.disabled = True
SETTINGS = Settings(
    conn_id="wiro_default",
    deferrable=False,
    defer_after=0.0,
    wait_for_completion=True,
    poll_interval=3.0,
    timeout=3600.0,
    queue_timeout=3600.0,
    outage_tolerance=600.0,
    task_error_grace=120.0,
    execution_timeout=None,
    cancel_on_kill=True,
    durable=True,
    on_unknown="fail",
    requires_output=True,
    push_outputs=True,
)


class MemoryJournal(Journal):
    """Keeps its record as text.

    :param faults: what happens to the next accesses, in order; then all is well.
    """

    def __init__(self) -> None:
        super().__init__(identity())
        self.kept: str | None = None
        self.faults: list[str] = []

    @property
    def place(self) -> str:
        return "the memory"

    def _load(self) -> object:
        self._before(reading=True)
        return None if self.kept is None else json.loads(self.kept)

    def _create(self, kept: dict[str, object]) -> None:
        if self.kept is not None:
            raise FileExistsError
        self._replace(kept)

    def _replace(self, kept: dict[str, object]) -> None:
        self._keep(json.dumps(kept))

    def _delete(self) -> None:
        self._keep(None)

    def _keep(self, kept: str | None) -> None:
        fault = self._before()
        self.kept = kept
        if fault == "dies after":
            raise Died

    def _before(self, *, reading: bool = False) -> str:
        fault = self.faults.pop(0) if self.faults else "well"
        if fault == "fails":
            raise OSError("the store is away")
        if fault == "dies before" or (reading and fault == "dies after"):
            raise Died
        return fault


def opened(_: Source) -> io.BytesIO:
    return io.BytesIO(CONTENT)


class History(RuleBasedStateMachine):
    """The life of one task instance."""

    def __init__(self) -> None:
        super().__init__()
        self.wiro = SmallWiro()
        self.journal = MemoryJournal()
        self.moved = False
        clock = SimpleNamespace(time=lambda: self.wiro.now, monotonic=count().__next__, sleep=lambda seconds: None)
        self.patches = [mock.patch.object(module, "time", clock) for module in (pay, record)]
        self.patches.append(mock.patch.object(upload, "opened", opened))
        for patch in self.patches:
            patch.start()

    def teardown(self) -> None:
        for patch in self.patches:
            patch.stop()

    @initialize(skew=st.sampled_from([0.0, 0.0, -240.0, 240.0]))
    def begin(self, skew: float) -> None:
        self.wiro.skew = skew

    @rule(
        work=st.sampled_from([0, 0, 0, 1, 2, 2]),
        run=st.lists(st.sampled_from(RUN_FAULTS), max_size=2),
        others=st.just([]) | st.lists(st.sampled_from(FAULTS), max_size=5),
        journal=st.just([]) | st.lists(st.sampled_from(JOURNAL_FAULTS), max_size=4),
        ending=st.sampled_from(["dies", "dies", "success", "failed", "task_cancel", "killed"]),
    )
    def a_try(self, work: int, run: list[str], others: list[str], journal: list[str], ending: str) -> None:
        """Airflow tries the task; it ends in one way or another."""
        self.wiro.run_faults, self.wiro.faults, self.journal.faults = list(run), list(others), list(journal)
        try:
            self._try(work, ending)
        except (WiroError, Died):
            pass
        finally:
            self.wiro.run_faults, self.wiro.faults, self.journal.faults = [], [], []

    def _try(self, work: int, ending: str) -> None:
        """Do what the operator does."""
        generation, attached = self._obtain(work)
        task = self._task_of(generation)
        if generation.finished is not None or ending == "dies":
            return
        if task is None or not task.active or task.shown_at > self.wiro.now:
            return
        task.status = "task_cancel" if ending == "killed" else ending
        if ending == "task_cancel" and attached:
            self._obtain(work)

    def _obtain(self, work: int) -> tuple[Generation, bool]:
        caller: Any = SmallCaller(self.wiro)
        context: Any = {"ti": SimpleNamespace(**asdict(identity()), try_number=1, max_tries=3)}
        this = Try(SETTINGS, context, silent, caller, PaidTask(), self.journal)
        found = self.journal.read()
        files = (FileInput("image", (Source("s3://media/a.png", SHA, len(CONTENT)),)),) if work == 2 else ()
        order = Order(MODEL, WORK[work], None, files=files)
        generation = pay.pay(this, order, found, self.wiro.now + 3600.0)
        return generation, this.paid.attached

    def _task_of(self, generation: Generation) -> SmallTask | None:
        taskid = generation.submission.taskid
        return next((task for task in self.wiro.tasks if task.taskid == taskid), None)

    @rule(seconds=st.sampled_from([1.0, 10.0, 29.0, 40.0, 61.0, 400.0, 1500.0, 90_000.0]))
    def time_passes(self, seconds: float) -> None:
        self.wiro.now += seconds

    @precondition(lambda self: any(task.active for task in self.wiro.tasks))
    @rule(end=st.sampled_from(["success", "failed", "task_cancel"]), data=st.data())
    def a_task_ends(self, end: str, data: st.DataObject) -> None:
        active = [task for task in self.wiro.tasks if task.active]
        data.draw(st.sampled_from(active)).status = end

    @precondition(lambda self: not self.moved)
    @rule(work=st.sampled_from([0, 1]), more=st.sampled_from([{}, {"style": "noir"}]))
    def somebody_else_submits(self, work: int, more: dict[str, object]) -> None:
        self.wiro.add(MODEL, WORK[work] | more, ours=False)

    @rule(echo=st.booleans(), delay=st.sampled_from([0.0, 0.0, 5.0, 29.0]))
    def wiro_changes_its_ways(self, echo: bool, delay: float) -> None:
        self.wiro.echo, self.wiro.delay = echo, delay

    @precondition(lambda self: all(task.ours for task in self.wiro.tasks))
    @rule()
    def the_connection_leads_to_another_account(self) -> None:
        self.moved = True
        self.wiro.account = 1 - self.wiro.account

    @precondition(lambda self: self.journal.kept is not None)
    @rule(garbage=st.sampled_from(["", "{", "[]", '{"version": 2}']))
    def the_journal_is_spoilt_for_a_while(self, garbage: str) -> None:
        """Nothing is paid for while it cannot be read."""
        kept, paid = self.journal.kept, len(self.wiro.ours)
        self.journal.kept = garbage
        with pytest.raises(WiroError, match=r"the memory|the journal"):
            self._obtain(0)
        assert len(self.wiro.ours) == paid
        self.journal.kept = kept

    @invariant()
    def at_most_one_is_at_work(self) -> None:
        assert sum(task.active for task in self.wiro.ours) <= 1

    @invariant()
    def the_same_work_is_charged_once(self) -> None:
        """Going back to inputs of before is work anew only if other inputs were generated in between."""
        last: object = None
        charged = False
        for task in self.wiro.ours:
            work = {name: value for name, value in task.inputs.items() if name != "imageUrl"}
            if work != last:
                last, charged = work, False
            assert not (charged and task.charged), f"taskid {task.taskid} is paid twice"
            charged = charged or task.charged

    @invariant()
    def the_record_is_of_the_last_run(self) -> None:
        """An active task of ours is always within reach: by its taskid, or by its intent."""
        active = [task for task in self.wiro.ours if task.active]
        if active:
            assert self.journal.kept is not None
            record = Record.from_json(json.loads(self.journal.kept))
            assert record.taskid in (None, active[0].taskid)
            assert record.sent


History.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
TestHistory = History.TestCase
pytestmark = pytest.mark.timeout(900)  # a history that fails is made as short as it can be, which takes minutes


def after(*steps: tuple[str, Any]) -> SmallWiro:
    """Live through a history that is written down, with the inputs of `WORK[0]` unless it says otherwise."""
    history = History()
    try:
        for name, options in steps:
            getattr(history, name)(**options)
            history.at_most_one_is_at_work()
            history.the_same_work_is_charged_once()
            history.the_record_is_of_the_last_run()
    finally:
        history.teardown()
    return history.wiro


def a_try(ending: str = "dies", *, work: int = 0, run: tuple[str, ...] = (), journal: tuple[str, ...] = ()) -> Any:
    return "a_try", {"work": work, "run": run, "others": [], "journal": journal, "ending": ending}


def later(seconds: float) -> Any:
    return "time_passes", {"seconds": seconds}


def else_submits(work: int = 0) -> Any:
    return "somebody_else_submits", {"work": work, "more": {}}


SLOW = ("wiro_changes_its_ways", {"echo": True, "delay": 29.0})
STORIES: dict[str, tuple[list[Any], int]] = {
    "two deaths": ([a_try(), later(90), a_try(), later(90), a_try("success")], 1),
    "a lost answer": ([a_try(run=("lost",)), later(5), a_try("success")], 1),
    "a death in the middle of the run": ([a_try(run=("dies after",)), later(90), a_try("success")], 1),
    "a journal that fails after the run": ([a_try(journal=("well", "well", "fails")), later(90), a_try("success")], 1),
    "a journal that cannot be written": ([a_try(journal=("well", "fails"))], 0),
    "a service that is away": ([a_try(run=("unsent",) * 4), a_try("success")], 1),
    "a death in the middle, and the key of another account": (
        [a_try(run=("dies after",)), ("the_connection_leads_to_another_account", {}), later(90), a_try("success")],
        1,
    ),
    "refused inputs in between": ([a_try("success"), a_try(work=1, run=("refused",)), a_try("success")], 1),
    "no room for changed inputs": ([a_try("success"), a_try(work=1, run=("full",)), a_try("success")], 1),
    "somebody else's, shown before ours": (
        [else_submits(), SLOW, a_try(run=("dies after",)), later(1), a_try("task_cancel"), later(90), a_try()],
        1,
    ),
    "a file, and no room": ([a_try(work=2, run=("full",)), a_try("success", work=2)], 1),
    "a file, and a death in the middle": ([a_try(work=2, run=("dies after",)), later(90), a_try("success", work=2)], 1),
    "a file after other work, refused, and back": (
        [a_try("success"), a_try(work=2, run=("refused",)), a_try("success")],
        1,
    ),
    "changed inputs": ([a_try(), a_try("success", work=1)], 2),
    "another account": ([a_try(), ("the_connection_leads_to_another_account", {}), later(90), a_try("success")], 1),
}


@pytest.mark.parametrize(("steps", "runs"), STORIES.values(), ids=STORIES)
def test_a_history_that_is_written_down(steps: list[Any], runs: int) -> None:
    assert len(after(*steps).ours) == runs


def test_the_small_wiro_is_asked_at_all() -> None:
    wiro = after(a_try("success"))
    assert [(task.taskid, task.status, task.created) for task in wiro.ours] == [
        ("2221", "success", pytest.approx(START, abs=1))
    ]
    assert cast(SmallTask, wiro.tasks[0]).inputs == WORK[0]
