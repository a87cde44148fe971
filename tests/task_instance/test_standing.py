"""A task is told to stop: ended, or only its worker goes away, or Airflow does not say which."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowTaskTimeout
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

from airflow_provider_wiro.task_instance import Standing, standing
from doubles import wait_until
from supervised import RUN, TASK, ApiServer, Supervisor, closed_url, supervised

pytestmark = pytest.mark.skipif(not AIRFLOW_V_3_0_PLUS, reason="Airflow 2 has no supervisor")

ENDED, GOES_ON, SILENT, NOT_ASKED = Standing.ENDED, Standing.GOES_ON, Standing.AIRFLOW_SILENT, Standing.NOT_ASKED


def task_instance() -> Any:
    return SimpleNamespace(dag_id="videos", run_id=RUN, task_id=TASK, map_index=-1, try_number=1, max_tries=2)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with ApiServer().listening() as server:
        yield server


@pytest.fixture
def channel(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    with supervised(monkeypatch, api.url) as supervisor:
        yield supervisor


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("running", GOES_ON),
        ("up_for_retry", GOES_ON),
        ("scheduled", GOES_ON),
        ("queued", GOES_ON),
        ("failed", ENDED),
        ("success", ENDED),
        ("skipped", ENDED),
        ("removed", ENDED),
        ("restarting", ENDED),
        (None, ENDED),
    ],
)
def test_the_state_of_the_task_instance_tells(
    api: ApiServer, channel: Supervisor, state: str | None, told: Standing
) -> None:
    api.state = state
    assert standing(task_instance()) is told


def test_an_api_server_that_is_away_is_silence_and_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with supervised(monkeypatch, closed_url()):
        began = time.monotonic()
        assert standing(task_instance()) is SILENT
        assert time.monotonic() - began < 4


@pytest.mark.parametrize("status", [500, 503])
def test_an_api_server_that_fails_is_silence_and_no_end(api: ApiServer, channel: Supervisor, status: int) -> None:
    api.status = api.health = status
    assert standing(task_instance()) is SILENT


@pytest.mark.parametrize("status", [401, 403, 409])
def test_an_api_server_that_refuses_the_question_could_not_be_asked(
    api: ApiServer, channel: Supervisor, status: int
) -> None:
    api.status = status
    assert standing(task_instance()) is NOT_ASKED


def test_a_supervisor_that_is_gone_is_silence(channel: Supervisor) -> None:
    channel.mine.shutdown(2)
    assert standing(task_instance()) is SILENT


def test_without_a_channel_nobody_could_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.execution_time import task_runner

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", None, raising=False)
    assert standing(task_instance()) is NOT_ASKED


def test_a_look_up_that_takes_too_long_is_asked_for_again(api: ApiServer, channel: Supervisor) -> None:
    api.delay, api.state, ti = 2.5, "failed", task_instance()
    began = time.monotonic()
    assert standing(ti) is NOT_ASKED
    assert time.monotonic() - began < 3.5
    assert standing(ti) is ENDED
    assert len([path for path in api.asked if path.endswith("states")]) == 1


def test_a_task_whose_time_is_over_has_ended_whatever_airflow_says(api: ApiServer, channel: Supervisor) -> None:
    try:
        raise AirflowTaskTimeout("execution_timeout")
    except AirflowTaskTimeout:
        assert standing(task_instance()) is ENDED
    assert api.asked == []


def test_marked_failed_in_the_middle_of_a_request_is_found_out_after_it(api: ApiServer, channel: Supervisor) -> None:
    """A signal comes while the task asks Airflow for something else: there it is not asked, but afterwards it is."""
    api.state, api.delay, ti = "failed", 0.5, task_instance()
    told: list[Standing] = []
    before = signal.signal(signal.SIGALRM, lambda *_: told.append(standing(ti)))
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        answer = _another_request()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert told == [NOT_ASKED]
    assert answer == {RUN: {TASK: "failed"}}
    assert standing(ti) is ENDED


def _another_request() -> Any:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    return RuntimeTaskInstance.get_task_states(dag_id="videos", task_ids=["other"], run_ids=[RUN])


def test_an_outage_that_ends_meanwhile_is_told_by_the_next_call(api: ApiServer, channel: Supervisor) -> None:
    api.status = api.health = 503
    ti = task_instance()
    assert standing(ti) is SILENT
    api.status = api.health = 200
    wait_until(lambda: standing(ti) is GOES_ON, within=60)
