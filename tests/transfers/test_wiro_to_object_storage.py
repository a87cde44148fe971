"""The transfer: what was paid for elsewhere is saved, by the same code as ``save_to``, and nothing is submitted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.core.result import fitted
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.emulator.media import sample_video
from airflow_provider_wiro.exceptions import (
    WiroInputError,
    WiroSaveError,
    WiroTaskError,
    WiroTaskFailed,
    WiroTaskNotFound,
)
from airflow_provider_wiro.hooks.wiro import WiroHook
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.transfers.wiro_to_object_storage import WiroToObjectStorageOperator
from doubles import FakeTaskInstance, Lines, context_of
from taskids import FIRST


@pytest.fixture(autouse=True)
def at_once(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    wiro_emulator.outcome(duration=0.0)
    monkeypatch.setattr("airflow_provider_wiro.core.calls.DELETE_PAUSES", (0.01, 0.01))


def submit(model: str = "owner/video") -> str:
    return WiroHook().run(model, {"prompt": "x"}).taskid


def transfer(ti: FakeTaskInstance | None = None, **arguments: Any) -> Any:
    operator = WiroToObjectStorageOperator(task_id="save", **arguments)
    return operator.execute(context_of(ti or FakeTaskInstance()))


def test_a_task_that_was_submitted_elsewhere_is_saved(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    taskid, ti = submit(), FakeTaskInstance()
    result = transfer(ti, taskid=taskid, save_to=str(tmp_path))
    assert (tmp_path / taskid / "0.mp4").read_bytes() == sample_video()
    assert result["outputs"][0]["uri"] == (tmp_path / taskid / "0.mp4").as_uri()
    assert ti.xcoms["output_uris"] == [result["outputs"][0]["uri"]]
    assert ti.xcoms["taskid"] == taskid
    told = json.loads((tmp_path / taskid / "manifest.json").read_text())
    assert (told["taskid"], told["task_id"], told["cost_usd"]) == (taskid, "video", result["cost_usd"])
    assert len(wiro_emulator.runs) == 1
    assert transfer(taskid=taskid, save_to=str(tmp_path)) == result


@pytest.mark.parametrize("as_text", [False, True])
def test_the_result_of_an_operator_is_saved_without_asking_wiro(
    wiro_emulator: WiroEmulator, tmp_path: Path, as_text: bool
) -> None:
    result: Any = WiroHook().wait(submit())
    asked = wiro_emulator.count("Detail")
    saved = transfer(result=json.dumps(result) if as_text else result, save_to=str(tmp_path))
    assert saved["outputs"][0]["uri"]
    assert wiro_emulator.count("Detail") == asked


def test_the_result_of_an_operator_that_did_not_wait_is_asked_for(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    submission = WiroHook().run("owner/video", {"prompt": "x"})
    assert transfer(result=submission.result(), save_to=str(tmp_path))["outputs"][0]["uri"]


def test_one_that_runs_still_is_an_error_that_says_how_to_wait(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(hold=True, duration=0.0)
    taskid = submit()
    with pytest.raises(WiroTaskError, match=r"is not over \(task_start\).*WiroTaskSensor") as caught:
        transfer(taskid=taskid, save_to=str(tmp_path))
    assert caught.value.retryable
    assert wiro_emulator.tasks[taskid].status == "task_start"


def test_one_that_failed_has_nothing_to_save(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(duration=0.0, pexit="1", debugerror="no GPU left")
    with pytest.raises(WiroTaskFailed, match="no GPU left") as caught:
        transfer(taskid=submit(), save_to=str(tmp_path))
    assert not caught.value.retryable


def test_of_one_that_was_charged_it_speaks_of_no_record_for_it_submits_nothing(
    wiro_emulator: WiroEmulator, tmp_path: Path
) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(duration=0.0, pexit="1", totalcost="0.10")
    with pytest.raises(WiroTaskFailed) as caught:
        transfer(taskid=submit(), save_to=str(tmp_path))
    assert str(caught.value).endswith("It is paid. Look at it in the Wiro dashboard")


def test_one_that_wiro_does_not_know(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    with pytest.raises(WiroTaskNotFound):
        transfer(taskid="2221", save_to=str(tmp_path))


def test_a_save_that_fails_can_be_tried_again(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    taskid = submit()
    wiro_emulator.script("Output", "5xx", times=-1)
    with pytest.raises(WiroSaveError, match="A retry or a clear of this task saves it, and pays nothing") as caught:
        transfer(taskid=taskid, save_to=str(tmp_path))
    assert caught.value.retryable
    wiro_emulator.clear()
    assert transfer(taskid=taskid, save_to=str(tmp_path))["outputs"][0]["uri"]


def test_what_is_saved_is_deleted_at_wiro_where_that_is_asked_for(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    taskid = submit()
    transfer(taskid=taskid, save_to=str(tmp_path), delete_after_save=True)
    assert wiro_emulator.count("Delete") == 1
    assert wiro_emulator._account.files == {}


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "exactly one of taskid= and result="),
    ({"taskid": FIRST, "result": {}}, "exactly one of taskid= and result="),
    ({"taskid": "None"}, "taskid is 'None'; allowed"),
    ({"taskid": ""}, "taskid is ''; allowed"),
    ({"result": {"url": "x"}}, "result is .*; allowed"),
    ({"result": "{'taskid': 1}"}, "result is .*; allowed.*tojson"),
    ({"taskid": FIRST, "save_to": "https://x.example/y"}, "save_to is .*; allowed"),
    ({"taskid": FIRST, "save_to": None}, "save_to is None; allowed"),
    ({"taskid": FIRST, "max_bytes": 0}, "max_bytes is 0; allowed"),
    ({"taskid": FIRST, "delete_after_save": "yes"}, "delete_after_save is 'yes'; allowed"),
]


@pytest.mark.parametrize(("arguments", "said"), BAD)
def test_what_is_not_allowed_is_refused_before_anything_is_asked(
    wiro_emulator: WiroEmulator, tmp_path: Path, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(WiroInputError, match=said):
        transfer(**{"save_to": str(tmp_path), **arguments})
    assert wiro_emulator.requests == []


def test_in_a_dag_it_takes_what_another_task_has_returned(
    run_dag: Any, wiro_emulator: WiroEmulator, tmp_path: Path
) -> None:
    def build() -> None:
        video = WiroRunOperator(task_id="video", model="owner/video", inputs={"prompt": "x"}, poll_interval=0.1)
        WiroToObjectStorageOperator(task_id="save", result=video.output, save_to=f"{tmp_path}/{{{{ dag.dag_id }}}}")

    run = run_dag(build)
    assert run.state == "success", run.errors
    [uri] = run.xcom("output_uris", "save")
    assert Path(uri.removeprefix("file://")).read_bytes() == sample_video()
    assert wiro_emulator.count("Detail") == 1


def test_a_mapped_one_saves_each_taskid(run_dag: Any, wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    wiro_emulator.outcome(duration=0.0, times=3)
    taskids = [submit() for _ in range(3)]

    def build() -> None:
        WiroToObjectStorageOperator.partial(task_id="save", save_to=str(tmp_path)).expand(taskid=taskids)

    assert run_dag(build).state == "success"
    assert sorted(path.parent.name for path in tmp_path.glob("*/0.mp4")) == sorted(taskids)


def test_a_text_that_was_cut_for_xcom_is_saved_whole(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    wiro_emulator.clear()
    text = "x" * 1_500_000
    content = {"prompt": "x", "raw": text, "thinking": [], "answer": [text]}
    wiro_emulator.outcome(outputs=[{"contenttype": "raw", "content": content}], duration=0.0)
    taskid = submit()
    cut = fitted(WiroHook().wait(taskid))
    transfer(result=cut, save_to=str(tmp_path), delete_after_save=True)
    assert (tmp_path / taskid / "0.txt").read_text() == text


def test_what_was_cut_and_is_no_longer_at_wiro_is_not_saved_as_the_whole(
    wiro_emulator: WiroEmulator, tmp_path: Path
) -> None:
    wiro_emulator.clear()
    answer = {"prompt": "x", "raw": "", "thinking": [], "answer": ["x" * 1_500_000]}
    wiro_emulator.outcome(outputs=[{"contenttype": "raw", "content": answer}], duration=0.0)
    taskid = submit()
    cut = fitted(WiroHook().wait(taskid))
    WiroHook().delete(taskid)
    with pytest.raises(WiroSaveError, match="was cut for XCom, and Wiro does not show the whole any more") as caught:
        transfer(result=cut, save_to=str(tmp_path))
    assert (caught.value.taskid, caught.value.retryable) == (taskid, False)
    assert not (tmp_path / taskid).exists()


def test_a_place_that_cannot_be_used_is_no_reason_to_speak_of_a_submission(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    taskid = submit()
    with pytest.raises(WiroSaveError, match=f"what Wiro task {taskid} has made could not be saved to") as caught:
        transfer(taskid=taskid, save_to=str(tmp_path / "file" / "films"))
    assert caught.value.taskid == taskid


def test_what_is_deleted_is_what_wiro_shows_and_not_what_somebody_says(
    wiro_emulator: WiroEmulator, tmp_path: Path
) -> None:
    taskid = submit()
    nothing = {**WiroHook().wait(taskid), "outputs": []}
    transfer(result=nothing, save_to=str(tmp_path), delete_after_save=True)
    assert (tmp_path / taskid / "0.mp4").read_bytes() == sample_video()


def test_again_after_the_deletion_it_returns_what_is_saved_and_the_manifest_stays(
    wiro_emulator: WiroEmulator, tmp_path: Path
) -> None:
    taskid = submit()
    result = WiroHook().wait(taskid)
    first = transfer(taskid=taskid, save_to=str(tmp_path), delete_after_save=True)
    manifest = (tmp_path / taskid / "manifest.json").read_bytes()
    for named in ({"taskid": taskid}, {"result": result}):
        again = transfer(**named, save_to=str(tmp_path), delete_after_save=True)
        assert [one["uri"] for one in again["outputs"]] == [one["uri"] for one in first["outputs"]]
        assert (tmp_path / taskid / "manifest.json").read_bytes() == manifest


def test_a_task_without_an_output_is_an_error(wiro_emulator: WiroEmulator, tmp_path: Path) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(outputs=[], pexit="0", duration=0.0, times=2)
    for named in ({"taskid": submit()}, {"result": WiroHook().wait(submit())}):
        with pytest.raises(WiroSaveError, match="Wiro shows no output of it that could be saved") as caught:
            transfer(**named, save_to=str(tmp_path), delete_after_save=True)
        assert not caught.value.retryable
    assert list(tmp_path.iterdir()) == []
    assert wiro_emulator.count("Delete") == 0


def test_an_output_that_cannot_be_read_is_said_and_not_deleted(
    wiro_emulator: WiroEmulator, tmp_path: Path, lines: Lines
) -> None:
    wiro_emulator.clear()
    wiro_emulator.outcome(outputs=[{"url": "ftp://x/1.mp4"}, {"contenttype": "raw", "content": "a"}], duration=0.0)
    taskid = submit()
    transfer(taskid=taskid, save_to=str(tmp_path), delete_after_save=True)
    assert f"taskid {taskid}: of its outputs 1 cannot be read: " in lines.text
    assert wiro_emulator.count("Delete") == 0
