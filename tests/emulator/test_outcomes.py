"""How tasks go when a test asks for something else than success."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from emulator_client import Client

from airflow_provider_wiro.emulator import WiroEmulator


def ended(wiro: Client, emulator: WiroEmulator) -> dict[str, Any]:
    taskid = wiro.run()
    emulator.advance(1000)
    return wiro.detail(taskid)


def test_a_failed_run_ends_as_completed_with_its_exit_code(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(pexit="1", debugerror="out of memory", debugoutput="loading")
    row = ended(wiro, emulator)

    assert (row["status"], row["pexit"], row["outputs"]) == ("task_postprocess_end", "1", [])
    assert (row["debugerror"], row["debugoutput"], float(row["totalcost"])) == ("out of memory", "loading", 0)
    assert ended(wiro, emulator)["pexit"] == "0"


def test_a_missing_exit_code_and_empty_parameters(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(pexit=None, parameters="empty")
    row = ended(wiro, emulator)

    assert "pexit" not in row
    assert (row["parameters"], len(row["outputs"])) == ({}, 1)


def test_any_number_of_outputs_or_rows_as_given(wiro: Client, emulator: WiroEmulator) -> None:
    raw = {"contenttype": "raw", "content": {"answer": "yes"}}
    emulator.outcome(outputs=0)
    emulator.outcome(outputs=3)
    emulator.outcome(outputs=[raw], totalcost="0.003510000000")

    assert [len(ended(wiro, emulator)["outputs"]) for _ in range(2)] == [0, 3]
    row = ended(wiro, emulator)
    assert (row["outputs"], row["totalcost"], row["size"]) == ([raw], "0.003510000000", "0")


def test_fields_can_be_added_replaced_and_left_out(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(extra={"novel": [1], "outputs": None}, missing=["totalcost"])
    row = ended(wiro, emulator)

    assert (row["novel"], row["outputs"]) == ([1], None)
    assert "totalcost" not in row


def test_statuses_of_its_own(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(statuses=["task_queue", "task_unheard_of"], duration=20)
    taskid = wiro.run()
    seen = [wiro.detail(taskid)["status"]]
    for _ in range(2):
        emulator.advance(10)
        seen.append(wiro.detail(taskid)["status"])

    assert seen == ["task_queue", "task_unheard_of", "task_postprocess_end"]


def test_an_end_that_is_not_terminal_stays_until_it_is_killed(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(end="task_error", debugerror="worker lost")
    taskid = wiro.run()
    emulator.advance(10_000)

    row = wiro.detail(taskid)
    assert (row["status"], row["debugerror"], row["outputs"]) == ("task_error", "worker lost", [])
    assert emulator.tasks[taskid].ended_at is None
    assert wiro.post("/Task/Kill", taskid=taskid)["result"] is True


def test_a_task_cancelled_by_the_system(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(end="task_cancel")

    row = ended(wiro, emulator)
    assert (row["status"], row["outputs"], float(row["totalcost"])) == ("task_cancel", [], 0)
    assert row["canceltime"] != "0"


def test_a_held_task_waits_to_be_released(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(hold=True)
    emulator.outcome(hold="task_queue")
    running, queued = wiro.run(), wiro.run()
    emulator.advance(10_000)

    assert [wiro.detail(taskid)["status"] for taskid in (running, queued)] == ["task_start", "task_queue"]
    emulator.release(running)
    assert wiro.detail(running)["status"] == "task_start"
    emulator.advance(31)
    row = wiro.detail(running)
    assert (row["status"], float(row["elapsedseconds"]) > 10_000) == ("task_postprocess_end", True)
    assert wiro.detail(queued)["status"] == "task_queue"


def test_outcomes_are_used_up_in_order_or_kept_until_cleared(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(pexit="2", times=2)
    emulator.outcome(pexit="3", times=-1)

    assert [ended(wiro, emulator)["pexit"] for _ in range(4)] == ["2", "2", "3", "3"]
    emulator.clear()
    assert ended(wiro, emulator)["pexit"] == "0"


def test_a_refused_run_uses_up_no_outcome(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(pexit="2")
    wiro.refusal("/Run/Runway/gen5")

    assert ended(wiro, emulator)["pexit"] == "2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pexitt": "1"}, "unknown outcome option pexitt; known are .*pexit"),
        ({"hold": "task_nowhere"}, "hold must be"),
        ({"parameters": "all"}, "parameters must be"),
        ({"duration": -1}, "duration must be"),
        ({"times": 0}, "times must be"),
    ],
)
def test_a_mistake_in_an_outcome_is_told_at_once(emulator: WiroEmulator, options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        emulator.outcome(**options)


def test_a_video_of_a_wanted_size(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(output_bytes=3_000_000)
    [output] = ended(wiro, emulator)["outputs"]

    assert output["size"] == "3000000"
    assert len(requests.get(output["url"], timeout=5).content) == 3_000_000
