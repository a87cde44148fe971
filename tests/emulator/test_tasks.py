"""A task's life, its row, and stopping it."""

from __future__ import annotations

import json

import pytest
from emulator_client import Client

from airflow_provider_wiro.emulator import WiroEmulator

LIFE = [
    "task_queue",
    "task_accept",
    "task_assign",
    "task_preprocess_start",
    "task_preprocess_end",
    "task_start",
    "task_output",
    "task_output_full",
    "task_end",
    "task_postprocess_start",
    "task_postprocess_end",
]
# The fields of the documentation's Kill answer, and the three by which the vendor's own clients tell the model.
DOCUMENTED = [
    "id",
    "modelslugowner",
    "modelslugproject",
    "modeldescription",
    "uuid",
    "name",
    "socketaccesstoken",
    "parameters",
    "debugoutput",
    "debugerror",
    "starttime",
    "endtime",
    "elapsedseconds",
    "status",
    "cps",
    "totalcost",
    "guestid",
    "projectid",
    "modelid",
    "description",
    "basemodelid",
    "runtype",
    "modelfolderid",
    "modelfileid",
    "callbackurl",
    "marketplaceid",
    "createtime",
    "canceltime",
    "assigntime",
    "accepttime",
    "preprocessstarttime",
    "preprocessendtime",
    "postprocessstarttime",
    "postprocessendtime",
    "pexit",
    "categories",
    "outputs",
    "size",
]


def test_a_task_walks_through_every_status_in_its_time(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    seen = [wiro.detail(taskid)["status"]]
    for _ in LIFE[1:]:
        emulator.advance(6)
        seen.append(wiro.detail(taskid)["status"])

    assert seen == LIFE
    assert emulator.tasks[taskid].ended_at == pytest.approx(emulator.tasks[taskid].created_at + 60)
    assert emulator.active == []


def test_real_time_alone_ends_a_task() -> None:
    with WiroEmulator(duration=0.2) as emulator, Client(emulator.url) as wiro:
        taskid = wiro.run()
        task = emulator.tasks[taskid]
        while wiro.detail(taskid)["status"] != "task_postprocess_end":
            assert task.clock() < task.created_at + 5
        assert task.clock() >= task.created_at + 0.2


def test_a_running_task_shows_no_result_yet(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    emulator.advance(6 * LIFE.index("task_end") + 1)
    row = wiro.detail(taskid)

    assert sorted(row) == sorted(DOCUMENTED)
    assert (row["status"], row["outputs"], row["pexit"], float(row["totalcost"])) == ("task_end", [], None, 0)
    assert row["postprocessstarttime"] == row["canceltime"] == "0"
    assert int(row["createtime"]) <= int(row["starttime"]) <= int(row["endtime"])


def test_a_completed_task_shows_everything_as_strings(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run(duration="10")
    emulator.advance(61)
    row = wiro.detail(taskid)

    assert (row["pexit"], row["totalcost"], row["elapsedseconds"]) == ("0", "0.500000000000", "60.0000")
    assert emulator.tasks[taskid].cost == row["totalcost"]
    assert isinstance(json.loads(row["categories"]), list)
    assert row["parameters"]["duration"] == "10"
    [output] = row["outputs"]
    assert (output["contenttype"], output["size"]) == ("video/mp4", row["size"])
    numbers = [row[name] for name in row if name.endswith("time")]
    assert all(isinstance(number, str) and number.isdecimal() for number in numbers)


def test_detail_takes_tasktoken_and_kill_takes_socketaccesstoken(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    token = emulator.tasks[taskid].token
    emulator.advance(10)

    answer = wiro.post("/Task/Detail", tasktoken=token)
    assert (answer["total"], answer["tasklist"][0]["id"]) == ("1", taskid)
    assert wiro.refusal("/Task/Detail", socketaccesstoken=token) == (0, "taskid or socketaccesstoken is required")
    assert wiro.refusal("/Task/Kill", tasktoken=token) == (0, "taskid or socketaccesstoken is required")
    assert wiro.refusal("/Task/Cancel", socketaccesstoken=token) == (0, "taskid is required")
    assert wiro.post("/Task/Kill", socketaccesstoken=token)["tasklist"][0]["status"] == "task_cancel"


@pytest.mark.parametrize("call", ["Detail", "Kill", "Cancel"])
def test_an_unknown_task_is_code_1_and_a_number_as_taskid_code_0(wiro: Client, call: str) -> None:
    assert wiro.refusal(f"/Task/{call}", taskid="1") == (1, "There is no task yet.")
    assert wiro.refusal(f"/Task/{call}", taskid=2221) == (0, "Request parameters are invalid. taskid must be a string")


def test_a_queued_task_can_be_cancelled_but_not_killed(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()

    not_yet = (1, "Task could not be killed: it is not running yet (task_queue)")
    assert wiro.refusal("/Task/Kill", taskid=taskid) == not_yet
    answer = wiro.post("/Task/Cancel", taskid=taskid)
    assert (answer["result"], answer["tasklist"][0]["status"]) == (True, "task_cancel")
    emulator.advance(100)
    row = wiro.detail(taskid)
    assert (row["status"], row["outputs"], float(row["totalcost"]), row["accepttime"]) == ("task_cancel", [], 0, "0")
    assert row["canceltime"] != "0"


def test_a_running_task_can_be_killed_but_not_cancelled(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    emulator.advance(40)

    assert wiro.refusal("/Task/Cancel", taskid=taskid) == (1, "Task is not in a cancellable state.")
    assert wiro.post("/Task/Kill", taskid=taskid)["tasklist"][0]["status"] == "task_cancel"
    assert wiro.detail(taskid)["pexit"] == "0"
    assert emulator.tasks[taskid].ended_at is not None


def test_a_task_that_is_over_can_be_neither_killed_nor_cancelled(wiro: Client, emulator: WiroEmulator) -> None:
    completed, cancelled = wiro.run(), wiro.run()
    wiro.post("/Task/Cancel", taskid=cancelled)
    emulator.advance(61)

    for taskid in (completed, cancelled):
        assert wiro.refusal("/Task/Kill", taskid=taskid)[0] == 1
        assert wiro.refusal("/Task/Cancel", taskid=taskid) == (1, "Task is not in a cancellable state.")
    assert wiro.detail(completed)["status"] == "task_postprocess_end"


def test_the_list_is_sorted_filtered_and_cut(wiro: Client) -> None:
    first, second, third = wiro.run(), wiro.run("/Run/someone/llm"), wiro.run()

    def ids(**fields: str) -> list[str]:
        return [row["id"] for row in wiro.post("/Task/List", **fields)["tasklist"]]

    assert ids() == [third, second, first]
    assert ids(type="model", sort="id", order="ASC", start="1", limit="1") == [second]
    for model in ("someone/llm", "Someone/LLM", "llm"):
        assert ids(modelName=model) == [second]
    assert ids(modelName="gen4-turbo") == [third, first]
    assert wiro.post("/Task/List", limit="1")["total"] == "3"
    assert wiro.refusal("/Task/List", limit="101")[0] == 0
    assert wiro.refusal("/Task/List", limit=20) == (0, "Request parameters are invalid. limit is not valid")
    assert wiro.refusal("/Task/List", order="up") == (0, "Request parameters are invalid. order is not valid")
