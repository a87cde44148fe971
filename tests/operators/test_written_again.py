"""The taskid of what is paid cannot be written into the journal: it is written again until it is there."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.journals import FolderJournal
from airflow_provider_wiro.stages import record
from airflow_provider_wiro.stages.paid import PaidTask
from doubles import FakeTaskInstance, Lines, context_of, statuses, when
from operators import defer, runway
from taskids import FIRST
from tries import kept, lose_a_try, run_try
from triggerer import fire

pytestmark = pytest.mark.usefixtures("journal_folder")

NEVER_AGAIN = 10_000


@pytest.fixture
def breaks(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Let as many writes of a taskid fail as a disk does; return what counts them."""
    replace, written = FolderJournal._replace, [0]
    monkeypatch.setattr(record, "AT_ONCE", (0.01,))
    monkeypatch.setattr(record, "WITH_PATIENCE", (0.01, 0.01))

    def breaking(times: int) -> list[int]:
        def broken(self: FolderJournal, content: dict[str, object]) -> None:
            written[0] += 1
            if written[0] <= times:
                raise OSError(errno.EIO, "Input/output error")
            replace(self, content)

        monkeypatch.setattr(FolderJournal, "_replace", broken)
        return written

    return breaking


def recorded() -> str | None:
    left = kept()
    assert left is not None
    return left.taskid


@pytest.mark.parametrize("failures", [1, 3, 4], ids=["at once", "before the wait", "the last before the wait"])
@pytest.mark.parametrize("deferrable", [False, True])
def test_it_is_written_before_anybody_waits(
    all_held: WiroEmulator, breaks: Callable[[int], list[int]], deferrable: bool, failures: int
) -> None:
    written = breaks(failures)
    seen: list[str | None] = []

    def look() -> None:
        seen.append(recorded())
        all_held.tasks[FIRST].release()

    when(lambda: all_held.count("Detail"), look)
    assert run_try(deferrable=deferrable)["taskid"] == FIRST
    assert seen == [FIRST]
    assert written[0] == failures + 1


def test_each_failed_write_is_told(all_held: WiroEmulator, breaks: Callable[[int], list[int]], lines: Lines) -> None:
    breaks(2)
    defer(runway(deferrable=True), FakeTaskInstance())
    assert "Input/output error" in lines.text
    assert f"ERROR taskid {FIRST}" in lines.text
    assert "going on, and writing it again later" in lines.text
    assert f"taskid {FIRST}: written down in" in lines.text


@pytest.mark.parametrize("deferrable", [False, True])
def test_it_is_written_at_the_end_where_nothing_else_helped(
    wiro_emulator: WiroEmulator, breaks: Callable[[int], list[int]], deferrable: bool
) -> None:
    breaks(5)
    assert run_try(deferrable=deferrable)["taskid"] == FIRST
    assert recorded() == FIRST


def test_it_is_written_at_the_end_where_the_task_failed_too(
    wiro_emulator: WiroEmulator, breaks: Callable[[int], list[int]]
) -> None:
    breaks(5)
    wiro_emulator.outcome(pexit="1", duration=0.0)
    with pytest.raises(Exception, match="failed"):
        run_try()
    assert recorded() == FIRST


def test_it_is_written_where_nobody_waits(wiro_emulator: WiroEmulator, breaks: Callable[[int], list[int]]) -> None:
    breaks(3)
    assert run_try(wait_for_completion=False)["taskid"] == FIRST
    assert recorded() == FIRST


def test_it_is_written_where_the_trigger_broke(wiro_emulator: WiroEmulator, breaks: Callable[[int], list[int]]) -> None:
    breaks(5)
    ti = FakeTaskInstance()
    defer(runway(deferrable=True), ti)
    assert recorded() is None
    when(lambda: recorded() == FIRST, lambda: wiro_emulator.tasks[FIRST].release())
    runway().resume_execution("__fail__", {"error": "Trigger failure"}, context_of(ti))
    assert recorded() == FIRST


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("failures", [1, 3, 5])
def test_a_mapped_task_that_is_cleared_after_it_takes_the_outputs(
    wiro_emulator: WiroEmulator, breaks: Callable[[int], list[int]], failures: int, deferrable: bool
) -> None:
    breaks(failures)
    ti = FakeTaskInstance()
    ti.map_index = 3
    first = run_try(ti=ti, deferrable=deferrable)
    again = FakeTaskInstance()
    again.map_index = 3
    assert run_try(ti=again, deferrable=deferrable) == first
    assert wiro_emulator.count("Run") == 1


def test_a_success_is_delivered_where_it_is_never_written(
    wiro_emulator: WiroEmulator, breaks: Callable[[int], list[int]]
) -> None:
    breaks(NEVER_AGAIN)
    ti = FakeTaskInstance()
    deferred = defer(runway(deferrable=True), ti)
    given = {**(deferred.kwargs or {}), "event": fire(deferred.trigger)}  # type: ignore[arg-type]
    assert runway().resume_execution(deferred.method_name, given, context_of(ti))["taskid"] == FIRST
    assert recorded() is None


def test_a_taskid_that_was_found_in_the_list_is_written_again_too(
    all_held: WiroEmulator, breaks: Callable[[int], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, PaidTask, "obtained")
    breaks(3)
    defer(runway(deferrable=True), FakeTaskInstance())
    assert recorded() == FIRST
    assert statuses(all_held) == ["task_start"]


def test_the_intent_of_another_try_is_not_written_over_at_the_end(
    wiro_emulator: WiroEmulator, breaks: Callable[[int], list[int]]
) -> None:
    breaks(5)
    ti = FakeTaskInstance()
    deferred = defer(runway(deferrable=True), ti)
    given: dict[str, Any] = {**(deferred.kwargs or {}), "event": fire(deferred.trigger)}  # type: ignore[arg-type]
    given["submitted_at"] -= 3600
    assert runway().resume_execution(deferred.method_name, given, context_of(ti))["taskid"] == FIRST
    assert recorded() is None
