"""How many tasks run at Wiro is counted in its own list, by both drivers."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_wiro.core import active, search
from airflow_provider_wiro.core.active import count_active
from airflow_provider_wiro.core.rules.room import Count
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks.wiro import WiroHook
from driving import Drive, DriveAsync, DriveSync, credentials_of

PAGE = 3
OLDEST_FIRST = [
    {"id": str(number), "status": "task_postprocess_end", "createtime": str(1_734_513_807 + 3600 * number)}
    for number in (1, 2)
]


@pytest.fixture(params=[DriveSync, DriveAsync])
def drive(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Drive:
    monkeypatch.setattr(search, "PAGE", PAGE)
    monkeypatch.setattr(search, "READ_PAUSES", (0.01,))
    made: Drive = request.param()
    return made


def submit(emulator: WiroEmulator, *, over: int = 0, running: int = 0) -> None:
    """Submit first those that run, then those that are over."""
    for hold, times in ((True, running), (False, over)):
        for _ in range(times):
            emulator.outcome(hold=hold, duration=0.0)
            WiroHook().run("owner/video", {"prompt": "x"})


def count(drive: Drive, emulator: WiroEmulator, most: int = 10) -> Count:
    return drive(count_active(most), credentials_of(emulator))


def test_an_account_without_tasks_has_none_that_runs(drive: Drive, wiro_emulator: WiroEmulator) -> None:
    assert count(drive, wiro_emulator) == Count(0, 10)


def test_what_is_not_over_runs_whoever_submitted_it(drive: Drive, wiro_emulator: WiroEmulator) -> None:
    submit(wiro_emulator, running=4, over=2)
    seen = count(drive, wiro_emulator)
    assert (seen.active, seen.refused, seen.short) == (4, None, False)
    assert seen.newest == set(list(wiro_emulator.tasks)[-PAGE:])
    assert wiro_emulator.count("List") == 3


def test_it_reads_no_further_than_to_as_many_as_may_run(drive: Drive, wiro_emulator: WiroEmulator) -> None:
    submit(wiro_emulator, running=9)
    assert count(drive, wiro_emulator, most=2).active == 3
    assert wiro_emulator.count("List") == 1


def test_it_reads_no_further_than_to_a_page_that_is_over(drive: Drive, wiro_emulator: WiroEmulator) -> None:
    submit(wiro_emulator, running=1, over=3)
    assert count(drive, wiro_emulator).active == 0
    assert wiro_emulator.count("List") == 1


def test_a_list_that_does_not_reach_back_says_so(
    drive: Drive, wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(active, "MOST_PAGES", 2)
    submit(wiro_emulator, running=9)
    seen = count(drive, wiro_emulator)
    assert (seen.active, seen.short, seen.refused) == (6, True, None)


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("5xx", {}),
        ("broken_json", {}),
        ("json", {"body": {"result": True, "errors": [], "tasklist": [{"id": []}]}}),
        ("json", {"body": {"result": True, "errors": [], "tasklist": OLDEST_FIRST}}),
    ],
)
def test_a_list_that_cannot_be_read_says_why(
    drive: Drive, wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any]
) -> None:
    submit(wiro_emulator, running=1)
    wiro_emulator.script("List", fault, times=-1, **options)
    assert count(drive, wiro_emulator).refused
