"""What has finished while nobody looked, or cannot be told of, is paid: no retry pays for it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_wiro.compat import AirflowTaskTimeout
from airflow_provider_wiro.core import recall
from airflow_provider_wiro.core.task import Task
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroInputError, WiroInterrupted, WiroSaveError
from airflow_provider_wiro.hooks.caller import Caller
from airflow_provider_wiro.landing.local import LocalPlace
from airflow_provider_wiro.landing.place import Place
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.stages.paid import PaidTask
from doubles import FakeTaskInstance, Lines, context_of, statuses, when
from operators import generic
from taskids import FIRST
from tries import kept, lose_a_try, run_try, warnings_in

BY_HAND = f"fetch {FIRST} --to DIR"


class BrokenOnce(FakeTaskInstance):
    """XCom takes one of the values only the second time."""

    max_tries = 2

    def __init__(self, key: str) -> None:
        super().__init__()
        self.breaks: str | None = key

    def xcom_push(self, key: str, value: Any) -> None:
        if key == self.breaks:
            self.breaks = None
            raise ConnectionError("the XCom backend is away")
        super().xcom_push(key, value)


@pytest.mark.parametrize("recorded", [False, True])
def test_what_cannot_be_told_of_is_not_paid_again(
    wiro_emulator: WiroEmulator, request: pytest.FixtureRequest, lines: Lines, recorded: bool
) -> None:
    if recorded:
        request.getfixturevalue("journal_folder")
    ti = BrokenOnce("output_urls")
    if recorded:  # the next try tells of it
        with pytest.raises(ConnectionError):
            run_try(generic, ti)
        ti.try_number = 2
    result = run_try(generic, ti)
    assert result["taskid"] == FIRST
    assert ("output_urls" in ti.xcoms) == recorded
    assert recorded or any("XCom output_urls cannot be pushed" in line for line in warnings_in(lines))
    assert len(wiro_emulator.runs) == 1


def test_a_worker_that_goes_when_the_task_has_just_finished_says_how_to_save_it(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.2)
    ti = FakeTaskInstance()
    ti.max_tries = 2
    operator = generic(poll_interval=30.0)
    when(lambda: statuses(wiro_emulator) == ["task_postprocess_end"], operator.on_kill)
    with pytest.raises(AirflowFailException, match=r"has finished, and is paid\. There is no record of it") as caught:
        operator.execute(context_of(ti))
    assert BY_HAND in str(caught.value)
    assert isinstance(caught.value, WiroInterrupted)


def test_an_error_after_the_submission_of_what_has_finished_meanwhile_is_final(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    with pytest.raises(AirflowFailException) as caught:
        run_try(generic, BrokenOnce("taskid"))
    assert isinstance(caught.value, WiroSaveError)
    assert BY_HAND in str(caught.value)


def test_what_has_failed_meanwhile_and_was_charged_is_not_said_to_be_there_to_be_saved(
    wiro_emulator: WiroEmulator,
) -> None:
    wiro_emulator.outcome(duration=0.0, pexit="1", outputs=1, totalcost="0.5", debugerror="late")
    with pytest.raises(AirflowFailException, match=r"0\.5 USD; pexit 1: late") as caught:
        run_try(generic, BrokenOnce("taskid"))
    assert "fetch" not in str(caught.value)


@pytest.mark.usefixtures("journal_folder")
def test_with_a_record_the_next_try_takes_what_has_finished_meanwhile(wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti = BrokenOnce("taskid")
    with pytest.raises(ConnectionError):
        run_try(generic, ti)
    assert run_try(generic, ti)["taskid"] == FIRST
    assert len(wiro_emulator.runs) == 1


@pytest.mark.usefixtures("journal_folder")
def test_a_lost_answer_is_looked_for_though_the_inputs_cannot_be_made_now(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    wiro_emulator.outcome(duration=0.0)
    lose_a_try(monkeypatch, PaidTask, "obtained", make=generic)
    assert (record := kept()) is not None
    assert record.phase == "intent"

    def refuse(self: WiroRunOperator) -> None:
        raise WiroInputError("the file of the day is not there")

    monkeypatch.setattr(WiroRunOperator, "check", refuse)
    assert run_try(generic)["taskid"] == FIRST
    assert len(wiro_emulator.runs) == 1
    assert any("the submission whose answer was lost: going on with it" in line for line in warnings_in(lines))


@pytest.mark.usefixtures("journal_folder", "all_held")
def test_what_is_found_of_other_inputs_is_stopped_though_the_kill_comes_just_then(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_a_try(monkeypatch, PaidTask, "obtained", make=generic)
    operator, stop_changed = generic(inputs={"prompt": "another"}), recall._stop_changed

    def killed_meanwhile(task: Task) -> Any:
        operator.on_kill()
        return stop_changed(task)

    monkeypatch.setattr(recall, "_stop_changed", killed_meanwhile)
    with pytest.raises(WiroInterrupted):
        operator.execute(context_of(FakeTaskInstance()))
    assert statuses(wiro_emulator) == ["task_cancel"]


@pytest.mark.usefixtures("journal_folder")
def test_saved_files_are_not_given_up_where_the_storage_is_away_for_a_moment(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wiro_emulator.outcome(duration=0.0)
    saving: dict[str, Any] = {"save_to": str(tmp_path / "films"), "delete_after_save": True}
    first = run_try(generic, **saving)

    def away(*_: object) -> bytes:
        raise ConnectionResetError("the storage is away")

    with monkeypatch.context() as patched:
        patched.setattr(Place, "read", away)
        with pytest.raises(WiroSaveError, match=r"manifest in .* cannot be read") as caught:
            run_try(generic, **saving)
    assert caught.value.retryable
    assert run_try(generic, **saving)["outputs"][0]["uri"] == first["outputs"][0]["uri"]
    assert len(wiro_emulator.runs) == 1


@pytest.mark.usefixtures("journal_folder")
def test_what_was_put_in_place_is_not_given_up_where_the_storage_is_away_for_a_moment(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wiro_emulator.outcome(duration=0.0)
    saving: dict[str, Any] = {"save_to": str(tmp_path / "films")}
    lose_a_try(monkeypatch, LocalPlace, "replace", make=generic, **saving)
    wiro_emulator._account.files.clear()

    def away(*_: object) -> int:
        raise ConnectionResetError("the storage is away")

    with monkeypatch.context() as patched:
        patched.setattr(LocalPlace, "size_of", away)
        with pytest.raises(WiroSaveError, match="cannot be determined") as caught:
            run_try(generic, **saving)
    assert (caught.value.retryable, caught.value.taskid) == (True, FIRST)
    assert run_try(generic, **saving)["outputs"][0]["uri"].startswith("file://")


def test_a_time_that_is_over_while_a_text_is_read_ends_the_saving_too(
    wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = {"url": "http://127.0.0.1:9/a.txt", "name": "a.txt", "contenttype": "text/plain"}
    wiro_emulator.outcome(outputs=[text], duration=0.0)

    def over(*_: object) -> None:
        raise AirflowTaskTimeout("execution_timeout")

    monkeypatch.setattr(Caller, "read_text", over)
    begun: list[object] = []
    monkeypatch.setattr("airflow_provider_wiro.landing.land", lambda *given, **_: begun.append(given))
    with pytest.raises(AirflowFailException, match=r"execution_timeout; .* has finished, and is paid"):
        run_try(generic, save_to=str(tmp_path / "texts"))
    assert begun == []
