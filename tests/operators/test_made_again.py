"""What is never submitted again by itself: the error says where its record is, and how it is made again after all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.core import polling
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroNoOutput, WiroTaskError, WiroTaskFailed, WiroTaskNotFound
from tries import run_try

COMMAND = "python -m airflow_provider_wiro journal forget videos manual__2026-01-01 video\n"
ENDS: dict[str, tuple[dict[str, Any], type[WiroTaskError]]] = {
    "charged": ({"pexit": "1", "totalcost": "0.10"}, WiroTaskFailed),
    "without an output": ({"outputs": 0}, WiroNoOutput),
    "unreadable": ({"outputs": [{"contenttype": "video/mp4", "url": "no address", "name": "0.mp4"}]}, WiroNoOutput),
    "not found": ({"hold": True}, WiroTaskNotFound),
}


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "NOT_FOUND_GRACE", 0.3)


def prepare(wiro_emulator: WiroEmulator, outcome: dict[str, Any]) -> None:
    wiro_emulator.outcome(duration=0.0, **outcome)
    if outcome.get("hold"):
        wiro_emulator.script("Detail", "code", times=-1, code=1, message="There is no task yet.")


@pytest.mark.parametrize("end", ENDS)
def test_the_error_names_the_record_and_the_command_that_deletes_it(
    wiro_emulator: WiroEmulator, journal_folder: Path, end: str
) -> None:
    outcome, kind = ENDS[end]
    prepare(wiro_emulator, outcome)
    with pytest.raises(kind) as caught:
        run_try()
    wiro_emulator.clear()
    said = str(caught.value)
    [record] = journal_folder.rglob("map_index=-1.json")
    assert str(record) in said
    assert COMMAND in said
    record.unlink()
    run_try()
    assert wiro_emulator.count("Run") == 2


@pytest.mark.parametrize("end", ENDS)
def test_without_a_journal_it_says_that_a_clear_pays_again(wiro_emulator: WiroEmulator, end: str) -> None:
    outcome, kind = ENDS[end]
    prepare(wiro_emulator, outcome)
    with pytest.raises(kind, match="clear this task: without a record it submits again, and pays for it"):
        run_try()
