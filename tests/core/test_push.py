"""What the socket says, read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_wiro.core.push import Event, event_in, subscription
from airflow_provider_wiro.core.task import KNOWN, RUNNING, TERMINAL

PROGRESS = {"type": "progressGenerate", "percentage": "60", "remainingTime": "3s"}


def said(**fields: object) -> Event | None:
    return event_in(json.dumps({"type": "task_start", "id": "2221", "tasktoken": "eDcC"} | fields))


def test_a_task_is_asked_for_by_its_token() -> None:
    assert json.loads(subscription("eDcC")) == {"type": "task_info", "tasktoken": "eDcC"}


@pytest.mark.parametrize("status", sorted(KNOWN | {"task_invented"}))
def test_a_look_is_worth_it_unless_it_says_that_the_task_runs(status: str) -> None:
    event = said(type=status)
    assert event is not None
    assert event.token == "eDcC"
    assert event.matters is (status not in RUNNING)
    assert event.ends is (status in TERMINAL)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (PROGRESS, "60 %, 3s left"),
        (PROGRESS | {"percentage": 7.5, "remainingTime": None}, "8 %"),
        (PROGRESS | {"remainingTime": "x" * 99}, f"60 %, {'x' * 19}… left"),
        (PROGRESS | {"percentage": "nan"}, None),
        (PROGRESS | {"percentage": "101"}, None),
        (PROGRESS | {"percentage": ["60"]}, None),
        (PROGRESS | {"type": "other"}, None),
        ("60 %", None),
        ([PROGRESS], None),
        (None, None),
    ],
)
def test_it_says_how_far_a_generation_is(message: object, words: str | None) -> None:
    event = said(type="task_output", message=message)
    assert event is not None
    assert event.progress == words


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "null", '{"type": 7, "tasktoken": "a"}', '{"type": "task_end"}', "[" * 50_000]
)
def test_what_names_no_task_is_nothing(text: str) -> None:
    assert event_in(text) is None


@pytest.mark.parametrize("token", ["", "x" * 201, 7, None, ["a"]])
def test_what_is_no_token_names_no_task(token: object) -> None:
    assert said(tasktoken=token) is None


def test_a_refusal_needs_no_token_and_its_words_are_not_kept() -> None:
    event = event_in('{"type": "error", "message": "no task of eDcC", "result": false}')
    assert event == Event("error")
    assert "eDcC" not in repr(said(type="error", message="no task of eDcC"))


@given(st.text() | st.recursive(st.none() | st.text() | st.floats(), lambda each: st.lists(each)).map(json.dumps))
def test_nothing_makes_it_fail(text: str) -> None:
    assert event_in(text) is None
