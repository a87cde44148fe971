"""Airflow tells a try to stop: what becomes of the paid task, by what Airflow says of it, the record and the tries."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, Context
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_provider_wiro.core import calls
from airflow_provider_wiro.core.rules import fate
from airflow_provider_wiro.core.rules.fate import Fate, Happening
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInterrupted
from airflow_provider_wiro.journals import FolderJournal
from airflow_provider_wiro.stages import ending, record
from airflow_provider_wiro.task_instance import Standing
from doubles import FakeTaskInstance, Lines, statuses, when
from operators import generic
from records import failing
from taskids import FIRST
from tries import run_try

Says = Callable[..., list[Standing]]


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Says:
    """Let Airflow say these one after the other; return what it has not been asked for."""

    def saying(*answers: Standing) -> list[Standing]:
        left = list(answers)
        monkeypatch.setattr(ending, "standing", lambda _: left.pop(0))
        return left

    return saying


def with_tries(max_tries: int) -> FakeTaskInstance:
    ti = FakeTaskInstance()
    ti.max_tries = max_tries
    return ti


def stopped_while_waiting(
    wiro: WiroEmulator, ti: FakeTaskInstance, policy: object = None, **arguments: Any
) -> WiroInterrupted:
    """Let Airflow tell the try to stop while it waits; return how it ends."""
    operator = generic(**arguments)
    task = SimpleNamespace(retry_policy=policy)
    when(lambda: wiro.count("Detail"), operator.on_kill)
    with pytest.raises(WiroInterrupted, match=f"taskid {FIRST}") as caught:
        operator.execute(cast(Context, {"ti": ti, "task": task}))
    assert caught.value.taskid == FIRST
    return caught.value


def is_final(error: BaseException) -> bool:
    return isinstance(error, AirflowFailException)


LEFT, STOPPED = "task_start", "task_cancel"
# Where it is deferred, a triggerer has it: see test_durable_rivals.py.
NOT_DEFERRED = [answer for answer in Standing if answer is not Standing.DEFERRED]
ASKED_IN_VAIN = (Standing.NOT_ASKED, Standing.NOT_ASKED)


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize(
    ("answers", "tries", "status"),
    [
        ((Standing.ENDED,), 1, STOPPED),
        ((Standing.GOES_ON,), 1, LEFT),
        ((Standing.GOES_ON,), 0, STOPPED),
        ((Standing.AIRFLOW_SILENT,), 1, LEFT),
        ((Standing.AIRFLOW_SILENT,), 0, STOPPED),
        ((Standing.NOT_ASKED, Standing.GOES_ON), 1, LEFT),
        ((Standing.NOT_ASKED, Standing.AIRFLOW_SILENT), 1, LEFT),
        ((Standing.NOT_ASKED, Standing.ENDED), 1, STOPPED),
        (ASKED_IN_VAIN, 1, STOPPED),
        ((Standing.NOT_ASKED,), 0, STOPPED),
    ],
    ids=lambda value: " then ".join(each.name for each in value) if isinstance(value, tuple) else str(value),
)
def test_with_a_record(
    all_held: WiroEmulator, says: Says, answers: tuple[Standing, ...], tries: int, status: str
) -> None:
    left = says(*answers)
    error = stopped_while_waiting(all_held, with_tries(tries))
    assert statuses(all_held) == [status]
    assert left == []
    assert not is_final(error)
    if status == LEFT:
        all_held.tasks[FIRST].release()
        assert run_try(generic)["taskid"] == FIRST
    assert all_held.count("Run") == 1


@pytest.mark.parametrize("answer", NOT_DEFERRED, ids=lambda answer: answer.name)
def test_without_a_journal_it_is_stopped_and_a_retry_is_safe(
    all_held: WiroEmulator, says: Says, answer: Standing
) -> None:
    says(answer)
    error = stopped_while_waiting(all_held, with_tries(1))
    assert statuses(all_held) == [STOPPED]
    assert not is_final(error)


@pytest.mark.parametrize("answer", NOT_DEFERRED, ids=lambda answer: answer.name)
def test_without_a_journal_a_stop_that_fails_is_final_and_says_so(
    all_held: WiroEmulator, says: Says, monkeypatch: pytest.MonkeyPatch, answer: Standing
) -> None:
    monkeypatch.setattr(calls, "STOP_PAUSES", (0.01, 0.01))
    says(answer)
    for call in ("Kill", "Cancel"):
        all_held.script(call, "code", code=0, message="Something went wrong", times=-1)
    error = stopped_while_waiting(all_held, with_tries(1))
    assert is_final(error)
    assert "COULD NOT BE STOPPED" in str(error)


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("answer", [Standing.GOES_ON, Standing.AIRFLOW_SILENT, Standing.NOT_ASKED])
def test_with_a_journal_that_no_taskid_could_be_written_into_it_is_stopped(
    all_held: WiroEmulator, says: Says, monkeypatch: pytest.MonkeyPatch, answer: Standing
) -> None:
    monkeypatch.setattr(FolderJournal, "_replace", failing(OSError(5, "Input/output error")))
    monkeypatch.setattr(record, "AT_ONCE", (0.01,))
    monkeypatch.setattr(record, "WITH_PATIENCE", (0.01,))
    says(answer)
    stopped_while_waiting(all_held, with_tries(1))
    assert statuses(all_held) == [STOPPED]


class Policy:
    """A retry policy: fails at once, tries again, or cannot say."""

    def __init__(self, action: str | Exception) -> None:
        self.action = action
        self.asked: list[BaseException] = []

    def evaluate(self, exception: BaseException, **_: object) -> Any:
        self.asked.append(exception)
        if isinstance(self.action, Exception):
            raise self.action
        return SimpleNamespace(action=SimpleNamespace(value=self.action))


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize(
    ("action", "status"),
    [("fail", STOPPED), ("retry", LEFT), ("default", LEFT), (ValueError("broken"), STOPPED)],
    ids=str,
)
@pytest.mark.parametrize("answer", [Standing.GOES_ON, Standing.AIRFLOW_SILENT])
def test_a_retry_policy_says_whether_another_try_comes(
    all_held: WiroEmulator, says: Says, answer: Standing, action: Any, status: str
) -> None:
    says(answer)
    policy = Policy(action)
    stopped_while_waiting(all_held, with_tries(1), policy)
    assert statuses(all_held) == [status]
    assert [type(error) for error in policy.asked] == [WiroInterrupted]


@pytest.mark.usefixtures("journal_folder")
def test_a_retry_policy_is_asked_of_the_error_that_it_will_get_where_the_try_was_deferring(
    all_held: WiroEmulator, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(Standing.GOES_ON)
    policy, operator = Policy("fail"), generic(deferrable=True)
    monkeypatch.setattr("airflow_provider_wiro.hooks.caller.Caller.check", lambda _: None)
    monkeypatch.setattr("airflow_provider_wiro.operators.wiro.write_again", lambda _: operator.on_kill())
    with pytest.raises(WiroInterrupted):
        operator.execute(cast(Context, {"ti": with_tries(1), "task": SimpleNamespace(retry_policy=policy)}))
    assert [type(error) for error in policy.asked] == [WiroInterrupted]
    assert statuses(all_held) == [STOPPED]


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="Airflow 3.3 brought retry policies")
@pytest.mark.usefixtures("journal_folder")
def test_a_policy_of_airflow_that_fails_at_once_stops_it(all_held: WiroEmulator, says: Says) -> None:
    from airflow.sdk.definitions.retry_policy import (  # type: ignore[import-not-found,unused-ignore]
        ExceptionRetryPolicy,
        RetryAction,
        RetryRule,
    )

    says(Standing.GOES_ON)
    rule = RetryRule(exception="airflow_provider_wiro.exceptions.WiroInterrupted", action=RetryAction.FAIL)
    stopped_while_waiting(all_held, with_tries(1), ExceptionRetryPolicy(rules=[rule]))
    assert statuses(all_held) == [STOPPED]


@pytest.mark.usefixtures("journal_folder")
@pytest.mark.parametrize("answer", [Standing.ENDED, Standing.GOES_ON, Standing.AIRFLOW_SILENT])
def test_cancel_on_kill_false_leaves_it(all_held: WiroEmulator, says: Says, answer: Standing) -> None:
    says(answer)
    assert not is_final(stopped_while_waiting(all_held, with_tries(0), cancel_on_kill=False))
    assert statuses(all_held) == [LEFT]


@pytest.mark.usefixtures("journal_folder")
def test_the_log_says_what_happened_and_what_it_costs(all_held: WiroEmulator, says: Says, lines: Lines) -> None:
    says(Standing.AIRFLOW_SILENT)
    stopped_while_waiting(all_held, with_tries(1))
    money = fate.fate_of(Happening.AIRFLOW_SILENT, recorded=True, another_try=True, cancel_on_kill=True)
    assert money.fate is Fate.LEAVE
    assert f"WARNING taskid {FIRST}: Airflow does not answer; it is left alone ({money.money})" in lines.text
