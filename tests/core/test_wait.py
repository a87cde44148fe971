"""Waiting for a task: when it looks, what it says, and its verdict on how the task ended."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.core.task import KNOWN, TERMINAL
from airflow_provider_wiro.core.verdict import Verdict, error_of
from airflow_provider_wiro.exceptions import WiroNoOutput
from fake_driver import DONE, START, VIDEO, FakeDriver, Outcome, page, shown
from fake_driver import reply as answer

RUNNING = sorted(KNOWN - TERMINAL - {"task_error", "task_stream_ready"})
NOT_QUITE = ["TASK_POSTPROCESS_END", "task_postprocess_end ", " task_cancel", "task_postprocess_end\x00"]


def plan(*, timeout: float = 3600.0, **options: float) -> WaitPlan:
    return WaitPlan("2221", START, START + timeout, **options)


def waited(
    script: list[Outcome] | Callable[[Send, float], Outcome], *, timeout: float = 3600.0, **options: float
) -> tuple[Verdict, FakeDriver]:
    driver = FakeDriver(script)
    return driver.drive(wait(plan(timeout=timeout, **options))), driver


def test_it_looks_at_the_task_with_pauses_that_follow_the_rule() -> None:
    verdict, driver = waited(lambda _, age: shown("task_start") if age < 1000 else DONE)
    assert verdict.kind == "success"
    assert set(driver.calls) == {"Detail"}
    assert all(dict(step.body) == {"taskid": "2221"} for step in driver.sent)
    age, spread = 0.0, []
    for slept in driver.slept:
        due = min(max(age / 10, 3.0), 30.0)
        assert 0.9 * due <= slept <= 1.1 * due
        spread.append(slept / due)
        age += slept
    assert min(spread) < 0.95
    assert max(spread) > 1.05


def test_tasks_that_were_submitted_together_are_not_looked_at_together() -> None:
    pauses = set()
    for taskid in range(50):
        driver = FakeDriver([answer({"result": True, "tasklist": [{"id": taskid, "status": "x"}]}), page(404)] * 20)
        flow = wait(WaitPlan(str(taskid), START, START + 5, outage_tolerance=1))
        driver.drive(flow)
        pauses.add(driver.slept[0])
    assert len(pauses) > 45


def test_a_pause_ends_at_the_deadline() -> None:
    _, driver = waited(lambda step, _: shown("task_start" if "Detail" in step.path else "task_cancel"), timeout=100)
    assert sum(driver.slept) == pytest.approx(100)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_respected_while_waiting(status: int) -> None:
    _, driver = waited([answer({}, status, "45"), answer({}, status, "1"), DONE])
    assert driver.slept[0] == 45
    assert 0.9 * 4.5 <= driver.slept[1] <= 1.1 * 4.5


def test_retry_after_does_not_carry_it_over_the_deadline() -> None:
    verdict, driver = waited([shown("task_start"), answer({}, 429, "300"), DONE], timeout=60)
    assert verdict.kind == "success"
    assert sum(driver.slept) == pytest.approx(60)


def test_the_log_tells_the_story_with_each_change_once_and_the_time_spent() -> None:
    script = [shown(status) for status in ("task_queue", "task_queue", "task_start", "task_start")]
    _, driver = waited([*script, DONE], poll_interval=10)
    first, second, third, fourth = driver.slept
    assert driver.log == [
        "taskid 2221: task_queue after 0.0 s",
        f"taskid 2221: task_queue -> task_start after {first + second:.1f} s",
        f"taskid 2221: task_start -> task_postprocess_end after {third + fourth:.1f} s",
    ]
    assert driver.warnings == []


def test_however_many_changes_there_are_the_log_tells_them_in_five_lines() -> None:
    passed = ["task_queue", "task_accept", "task_preprocess_start", "task_start", "task_output", "task_end"]
    _, driver = waited([*map(shown, passed), *map(shown, ["task_start", "task_queue"] * 9), DONE])
    assert [line.rpartition(" after ")[0] for line in driver.log] == [
        "taskid 2221: task_queue",
        "taskid 2221: task_queue -> task_accept",
        "taskid 2221: task_accept -> task_preprocess_start",
        "taskid 2221: task_preprocess_start -> task_start",
        "taskid 2221: task_start -> …" + 2 * " -> task_queue -> task_start" + " -> task_queue -> task_postprocess_end",
    ]


def test_an_unknown_status_is_still_running_and_warned_of_once() -> None:
    script = [shown(status) for status in ("task_new", "task_new", "task_start", "task_new", "task_newer")]
    verdict, driver = waited([*script, DONE])
    assert verdict.kind == "success"
    assert [line for line in driver.warnings if "task_newer " in line] == driver.warnings[1:]
    assert driver.warnings[0].endswith("(a status this version does not know; taken as still running)")
    assert len(driver.warnings) == 2
    assert len(driver.log) == 5


@pytest.mark.parametrize(
    "status",
    [*RUNNING, "end", "postprocess_end", "cancel", "task_cancelled", *NOT_QUITE],
)
def test_nothing_but_the_two_terminal_statuses_is_an_end(status: str) -> None:
    ended = {"pexit": "0", "outputs": [VIDEO], "endtime": "1734513813"}
    verdict, driver = waited([shown(status, **ended), shown(status, **ended), shown("task_cancel")])
    assert (verdict.kind, len(driver.sent)) == ("cancelled", 3)


def test_the_two_ends_are_the_seeds() -> None:
    assert set(TERMINAL) == {"task_postprocess_end", "task_cancel"}
    assert len(RUNNING) == 13


def test_a_task_that_waits_for_a_person_is_stopped_at_once() -> None:
    script = [shown("task_start"), shown("task_stream_ready"), shown("task_cancel"), shown("task_cancel")]
    verdict, driver = waited(script)
    assert (verdict.kind, verdict.status, verdict.stopped) == ("realtime", "task_cancel", True)
    assert [step.path for step in driver.sent][:3] == ["/Task/Detail", "/Task/Detail", "/Task/Kill"]


def test_a_stream_that_has_ended_is_waited_for_as_any_task() -> None:
    verdict, _ = waited([shown("task_stream_end"), shown("task_cost"), DONE])
    assert verdict.kind == "success"


def test_a_success_carries_the_whole_result() -> None:
    verdict, _ = waited([DONE])
    assert verdict.result == {
        "taskid": "2221",
        "status": "task_postprocess_end",
        "outputs": [
            {"url": VIDEO["url"], "name": "0.mp4", "content_type": "video/mp4", "size": 202472, "content": None}
        ],
        "text": None,
        "cost_usd": 0.05,
        "elapsed_seconds": 6.0,
    }


@pytest.mark.parametrize("pexit", ["0", 0])
def test_a_success_may_have_no_output(pexit: object) -> None:
    verdict, _ = waited([shown("task_postprocess_end", pexit=pexit)])
    assert (verdict.kind, verdict.result and verdict.result["outputs"]) == ("success", [])


@pytest.mark.parametrize("fields", [{}, {"pexit": None}, {"pexit": ""}])
def test_a_missing_pexit_is_decided_by_the_outputs(fields: dict[str, object]) -> None:
    assert waited([shown("task_postprocess_end", outputs=[VIDEO], **fields)])[0].kind == "success"
    assert waited([shown("task_postprocess_end", outputs=[{"content": {"a": 1}}], **fields)])[0].kind == "success"
    nothings: list[object] = [[], None, [None], [{}]]
    for nothing in nothings:
        verdict, _ = waited([shown("task_postprocess_end", outputs=nothing, **fields)])
        assert (verdict.kind, verdict.reason) == ("failed", "it ended without outputs")


@pytest.mark.parametrize("outputs", ["odd", [{"url": "javascript:alert(1)"}], [{"name": "0.mp4"}]])
@pytest.mark.parametrize("pexit", [None, "0"])
def test_outputs_that_cannot_be_read_are_shown_in_a_final_error(outputs: object, pexit: str | None) -> None:
    verdict, _ = waited([shown("task_postprocess_end", outputs=outputs, pexit=pexit)])
    assert verdict.kind == "unreadable"
    error = error_of(Verdict.from_event(verdict.to_event()))
    assert (type(error), error.taskid, error.retryable) == (WiroNoOutput, "2221", False)
    for words in ("1 cannot be read: ", verdict.reason, "It is paid. It is not submitted again by itself"):
        assert words in str(error)


def test_a_success_of_which_one_output_cannot_be_read_says_so() -> None:
    verdict, driver = waited([shown("task_postprocess_end", pexit="0", outputs=[VIDEO, {"name": "1.mp4"}])])
    assert verdict.result is not None
    assert len(verdict.result["outputs"]) == 1
    assert driver.warnings == ['taskid 2221: of its outputs 1 cannot be read: {"name": "1.mp4"}']


@pytest.mark.parametrize(
    "pexit", ["1", "137", "-1", "00", "0.0", 0.0, "0 ", "0\x00", "None", False, [], ["0"], "zero", 1]
)
def test_any_other_pexit_is_a_failure_even_with_outputs(pexit: object) -> None:
    verdict, _ = waited([shown("task_postprocess_end", pexit=pexit, outputs=[VIDEO], debugerror="out of\nmemory")])
    assert verdict.kind == "failed"
    assert verdict.reason.startswith("pexit ")
    assert verdict.reason.endswith(": out of memory")
    assert verdict.result is None


def test_the_reason_of_a_failure_may_be_in_the_debug_output() -> None:
    verdict, _ = waited([shown("task_postprocess_end", pexit="1", debugerror="", debugoutput="x" * 5000)])
    assert verdict.reason.startswith("pexit 1: xxx")
    assert len(verdict.reason) < 320


def test_a_cancelled_task_is_cancelled_though_its_pexit_is_0_and_it_has_outputs() -> None:
    verdict, driver = waited([shown("task_cancel", pexit="0", outputs=[VIDEO])])
    assert (verdict.kind, verdict.result, driver.calls) == ("cancelled", None, ["Detail"])
