"""The pause before the next look: its bounds, its spread, and what earlier tasks of the model change of it."""

from __future__ import annotations

import statistics
import weakref
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_wiro.core.pace import LATEST, MODELS, Experience, Window, jitter, pause
from airflow_provider_wiro.core.polling import WaitPlan, wait
from airflow_provider_wiro.core.protocol import Now, Reply, Sleep
from airflow_provider_wiro.core.task import Task
from fake_driver import START, VIDEO, FakeDriver, Outcome, row, shown

MODEL = {"modelid": "598", "modelslugowner": "Runway", "modelslugproject": "image-to-video-gen4-turbo"}
KEY = "Runway/image-to-video-gen4-turbo"


def experienced(*took: float, model: str = KEY) -> Experience:
    made = Experience()
    for seconds in took:
        made.learn(model, seconds)
    return made


def looks_at(length: float, experience: Experience | None, taskid: str = "2221", **options: float) -> list[float]:
    """Return the ages at which a task of that length is looked at."""

    def answer(_: object, age: float) -> Outcome:
        ages.append(age)
        times = {"createtime": str(int(START)), "postprocessendtime": str(int(START + length)), "pexit": "0"}
        status = "task_start" if age < length else "task_postprocess_end"
        return shown(status, **{**MODEL, **times, "id": taskid, "outputs": [VIDEO]})

    ages: list[float] = []
    verdict = FakeDriver(answer).drive(wait(WaitPlan(taskid, START, START + 7200, **options), experience))
    assert verdict.kind == "success"
    return ages


@pytest.mark.parametrize(
    ("age", "poll_interval", "seconds"),
    [
        (0, 3, 3),
        (-60, 3, 3),
        (30, 3, 3),
        (100, 3, 10),
        (300, 3, 30),
        (1e9, 3, 30),
        (0, 60, 60),
        (1e9, 60, 60),
        (50, 1, 5),
    ],
)
def test_a_pause_is_a_tenth_of_the_age_within_its_bounds(age: float, poll_interval: float, seconds: float) -> None:
    assert pause(age, poll_interval, 0) == seconds
    assert pause(age, poll_interval, -1) == pytest.approx(seconds * 0.9)
    assert pause(age, poll_interval, 1) == pytest.approx(seconds * 1.1)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(
    age=st.floats(-100, 1e6),
    poll_interval=st.floats(0.1, 3600),
    by=st.floats(-1, 1),
    opens=st.floats(0, 1e5),
    length=st.floats(0, 1e5),
)
def test_what_is_known_changes_a_pause_within_bounds(
    age: float, poll_interval: float, by: float, opens: float, length: float
) -> None:
    usual, changed = pause(age, poll_interval, by), pause(age, poll_interval, by, Window(opens, opens + length))
    assert 0.9 * poll_interval <= changed
    assert usual / 4 <= changed * 1.000001
    assert changed <= max(usual, min(usual * 4, 66.0)) * 1.000001
    if age >= opens + length:
        assert changed == usual


def test_tasks_of_a_minute_are_looked_at_seldom_before_50_s_and_often_around_it() -> None:
    unknown, known = looks_at(60, None), looks_at(60, experienced(55, 58, 61, 65))
    assert len([age for age in known if age < 45]) <= 4 < 10 < len([age for age in unknown if age < 45])
    assert len([age for age in known if age >= 45]) >= 4
    assert known[-1] - 60 <= 3.3


def test_a_task_that_ends_sooner_than_others_is_not_missed_for_long() -> None:
    for length in (5, 20, 300):
        known = looks_at(length, experienced(600, 610, 620))
        assert known[-1] - length <= max(4 * 3.3, 0.44 * length)


def test_a_model_is_known_by_the_tasks_that_ended_well() -> None:
    experience = Experience()
    for taskid in ("1", "2"):
        looks_at(60, experience, taskid)
    assert experience.window(KEY) is None
    looks_at(62, experience, "3")
    assert experience.window(KEY) == Window(pytest.approx(54), pytest.approx(68.2))
    assert experience.window("another/model") is None


@pytest.mark.parametrize(
    "fields",
    [
        {"pexit": "1"},
        {"status": "task_cancel"},
        {"createtime": "0"},
        {"postprocessendtime": None, "endtime": "0"},
        {"createtime": str(START + 100)},
        {"modelslugowner": None, "modelid": None},
    ],
    ids=str,
)
def test_nothing_is_learned_from_what_failed_or_does_not_tell(fields: dict[str, object]) -> None:
    experience = Experience()
    times = {"createtime": str(START), "postprocessendtime": str(START + 60)}
    whole = {**MODEL, **times, "pexit": "0", "outputs": [VIDEO]}
    answer = shown(**{"status": "task_postprocess_end", **whole, **fields})
    for _ in range(5):
        FakeDriver([answer]).drive(wait(WaitPlan("2221", START, START + 60), experience))
    assert experience.window(KEY) is None


@pytest.mark.parametrize(
    ("fields", "model"),
    [
        (MODEL, KEY),
        ({"modelid": "598"}, "598"),
        ({"modelid": 598, "modelslugowner": ["odd"], "modelslugproject": "x"}, "598"),
        ({"modelid": True}, None),
        ({}, None),
    ],
)
def test_a_row_says_of_which_model_it_is(fields: dict[str, Any], model: str | None) -> None:
    task = Task.from_payload(row("task_start", **fields))
    assert task is not None
    assert task.model == model


@pytest.mark.parametrize("took", [(60, 61), (30, 60, 61), ()], ids=str)
def test_too_few_or_too_different_tasks_say_nothing(took: tuple[float, ...]) -> None:
    assert experienced(*took).window(KEY) is None


def test_only_the_latest_tasks_count_and_the_models_of_the_latest() -> None:
    experience = experienced(*[10] * 20, *[60] * LATEST)
    assert experience.window(KEY) == Window(pytest.approx(54), pytest.approx(66))
    for number in range(MODELS):
        experience.learn(f"other/{number}", 5)
    assert experience.window(KEY) is None


def test_the_jitter_is_spread_evenly_and_always_the_same_for_a_look() -> None:
    drawn = [jitter(str(taskid), look) for taskid in range(2221, 2321) for look in range(100)]
    assert len(set(drawn)) == len(drawn)
    assert all(-1 <= value <= 1 for value in drawn)
    assert abs(statistics.fmean(drawn)) < 0.02
    assert all(900 < len([value for value in drawn if low <= value * 5 < low + 1]) < 1100 for low in range(-5, 5))
    assert jitter("2221", 7) == jitter("2221", 7)


class Body(dict[str, object]):
    """An answer that can be watched."""


def test_a_task_that_sleeps_keeps_nothing_of_what_came_back() -> None:
    body = Body(result=True, tasklist=[row("task_start")])
    kept = weakref.ref(body)
    flow = wait(WaitPlan("2221", START, START + 60))
    flow.send(None)
    flow.send(Reply(200, body))
    del body
    step = flow.send(START)
    while not isinstance(step, Sleep):
        step = flow.send(1_000.0 if isinstance(step, Now) else None)
    assert kept() is None
    flow.close()
