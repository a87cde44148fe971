"""What is saved by a task whose record was deleted meanwhile: no retry may come by itself, for it would pay again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from airflow_provider_wiro.compat import AirflowFailException
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroSaveError
from airflow_provider_wiro.journals import open_journal
from doubles import FakeTaskInstance, context_of
from operators import defer, runway
from records import failing, the_file_in
from triggerer import fire


@pytest.mark.usefixtures("journal_folder")
def test_a_record_that_was_deleted_during_the_deferral_lets_no_retry_pay_again(
    wiro_emulator: WiroEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti, save_to = FakeTaskInstance(), str(tmp_path / "media")
    deferred = defer(runway(deferrable=True, save_to=save_to), ti)
    journal = open_journal(context_of(ti))
    assert journal is not None
    journal.replace(journal.read(), None)
    monkeypatch.setattr("airflow_provider_wiro.landing.land", failing(OSError(28, "No space left on device")))
    again = runway(deferrable=True, save_to=save_to)
    with pytest.raises(WiroSaveError, match="There is no record of it, so a retry or a clear would pay") as caught:
        again.execute_complete(context_of(ti), fire(deferred.trigger), **(deferred.kwargs or {}))  # type: ignore[arg-type]
    assert not caught.value.retryable
    assert isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize("error", ["Trigger failure", "Trigger timeout"])
@pytest.mark.parametrize("there", ["deleted", "of another", "unreadable", "as it was"])
def test_where_airflow_gave_up_on_the_deferral_a_retry_comes_only_where_a_record_may_be(
    wiro_emulator: WiroEmulator,
    tmp_path: Path,
    journal_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    there: str,
) -> None:
    wiro_emulator.outcome(duration=0.0)
    ti, save_to = FakeTaskInstance(), str(tmp_path / "media")
    defer(runway(deferrable=True, save_to=save_to), ti)
    journal = open_journal(context_of(ti))
    assert journal is not None
    record = journal.read()
    assert record is not None
    if there == "unreadable":
        the_file_in(journal_folder).write_text("{}")
    elif there != "as it was":
        journal.replace(record, None if there == "deleted" else replace(record, taskid="2999"))
    monkeypatch.setattr("airflow_provider_wiro.landing.land", failing(OSError(28, "No space left on device")))
    again = runway(deferrable=True, save_to=save_to)
    with pytest.raises(WiroSaveError) as caught:
        again.resume_execution("__fail__", {"error": error}, context_of(ti))
    assert caught.value.retryable is (there in ("unreadable", "as it was"))
