"""Answers that are good JSON and yet not the right ones, clocks that differ, and ids that say nothing."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import pytest
from emulator_client import INPUTS, Client

from airflow_provider_wiro.emulator import WiroEmulator


def test_taskids_start_at_random_and_go_up() -> None:
    firsts = set()
    for _ in range(3):
        with WiroEmulator() as emulator, Client(emulator.url) as wiro:
            first, second = int(wiro.run()), int(wiro.run())
        assert second == first + 1
        firsts.add(first)
    assert len(firsts) == 3


def test_the_first_taskid_can_be_chosen() -> None:
    with WiroEmulator(first_taskid=7) as emulator, Client(emulator.url) as wiro:
        assert [wiro.run(), wiro.run()] == ["7", "8"]
    with pytest.raises(ValueError, match="first_taskid must be at least 1, not 0"):
        WiroEmulator(first_taskid=0)


def test_a_row_names_its_model(wiro: Client) -> None:
    for model in ("Runway/image-to-video-gen4-turbo", "someone/an-llm"):
        row = wiro.detail(wiro.run(f"/Run/{model}", **INPUTS))
        assert (row["modelslugowner"], row["modelslugproject"]) == tuple(model.split("/"))


def test_an_echo_can_be_rewritten(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.outcome(rewritten={"inputImageUrl": "https://cdn1.wiro.ai/File/1.png"})
    parameters = wiro.detail(wiro.run())["parameters"]
    assert parameters == INPUTS | {"inputImageUrl": "https://cdn1.wiro.ai/File/1.png"}


@pytest.mark.parametrize("seconds", [60, -7])
def test_a_skewed_clock_shows_every_time_wrongly_and_changes_no_life(
    wiro: Client, emulator: WiroEmulator, seconds: int
) -> None:
    emulator.skew(seconds)
    taskid = wiro.run()
    response = wiro.send("/Task/Detail", json={"taskid": taskid})
    [row] = response.json()["tasklist"]

    assert int(row["createtime"]) == pytest.approx(time.time() + seconds, abs=2)
    assert parsedate_to_datetime(response.headers["Date"]).timestamp() == pytest.approx(time.time() + seconds, abs=2)
    assert row["status"] == "task_queue"
    emulator.advance(61)
    ended = wiro.detail(taskid)
    assert (ended["status"], ended["elapsedseconds"]) == ("task_postprocess_end", "60.0000")
    assert int(ended["postprocessendtime"]) - int(ended["createtime"]) == pytest.approx(60, abs=1)


def test_a_kill_can_be_answered_with_no_row(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    emulator.advance(32)
    emulator.script("Kill", "json", body={"result": True, "errors": [], "tasklist": []})

    assert wiro.post("/Task/Kill", taskid=taskid) == {"result": True, "errors": [], "tasklist": []}
    assert wiro.detail(taskid)["status"] == "task_start"


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"status": "task_start"}, False),
        ({"status": "task_start"}, True),
        ({"id": "1", "status": "task_cancel"}, False),
    ],
    ids=["not stopped", "stopped later", "of another task"],
)
@pytest.mark.parametrize("name", ["taskid", "socketaccesstoken"])
def test_a_kill_can_be_answered_with_an_odd_row(
    wiro: Client, emulator: WiroEmulator, fields: dict[str, object], after: bool, name: str
) -> None:
    taskid = wiro.run()
    emulator.advance(32)
    emulator.script("Kill", "odd_row", fields=fields, after=after)
    named = {"taskid": taskid, "socketaccesstoken": emulator.tasks[taskid].token}

    [row] = wiro.post("/Task/Kill", **{name: named[name]})["tasklist"]
    assert {field: row[field] for field in fields} == fields
    assert row["createtime"] == wiro.detail(taskid)["createtime"]
    assert wiro.detail(taskid)["status"] == ("task_cancel" if after else "task_start")


def test_where_no_task_is_named_an_odd_row_is_the_right_answer(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("*", "odd_row", fields={"id": "1"}, times=2)

    assert wiro.run() in emulator.tasks
    assert wiro.refusal("/Task/Detail", taskid="no such task")[0] == 1


def test_any_json_can_be_answered(wiro: Client, emulator: WiroEmulator) -> None:
    emulator.script("Run", "json", body={"result": False, "errors": {"code": "quota", "message": "no"}}, status=422)
    emulator.script("Run", "json", body={"message": "no"}, after=True)

    response = wiro.send("/Run/someone/an-llm", json={})
    assert (response.status_code, response.json()["errors"]["code"], emulator.runs) == (422, "quota", [])
    assert wiro.post("/Run/someone/an-llm") == {"message": "no"}
    assert len(emulator.runs) == 1
