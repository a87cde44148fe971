"""A generation, as the page shows it; whoever may write an XCom has written it, so nothing in it is trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import pendulum

from airflow_provider_wiro.core.pages import model_page
from airflow_provider_wiro.core.reading import read_line, read_number, read_taskid
from airflow_provider_wiro.gallery.outputs import MOST_OUTPUTS, outputs_of, shown, text_of
from airflow_provider_wiro.gallery.roots import Stored
from airflow_provider_wiro.gallery.rows import Key, Row

UNDER_WAY, NOT_TOLD = "under_way", "not_told"
MOST_INPUTS = 20
LONGEST_INPUT = 500
# In US dollars; and the last moment that a browser's calendar has.
DEAREST, LAST_MOMENT = 1e6, 8.64e12
_WORD = re.compile(r"[a-z_]{1,30}")
_RATIO = ("ratio", "aspectratio")
_DURATION = ("duration", "durationseconds", "seconds", "videolength")


def outcome_of(word: object) -> str | None:
    """Return the word for how it went; None where it does not say so."""
    return word if isinstance(word, str) and _WORD.fullmatch(word) else None


def model_of(name: object) -> str | None:
    """Return the model's name."""
    return read_line(name, 120)


def cost_of(value: object) -> float | None:
    """Return what Wiro charged, in US dollars; None for what can be no charge."""
    return _at_most(value, DEAREST)


def _at_most(value: object, most: float) -> float | None:
    number = read_number(value)
    return number if number is not None and number <= most else None


def tile(
    row: Row,
    told: Mapping[str, Any] | None,
    result: Mapping[str, Any] | None,
    *,
    state: str | None,
    at_work: bool,
    roots: Iterable[Stored],
) -> dict[str, Any]:
    """Return what the page shows of a generation.

    :param told: what XCom ``wiro_generation`` says; None where that is kept elsewhere and not read.
    :param result: what the task returned, where it is of this generation.
    :param state: of the task instance, for what Airflow has ended says nothing else.
    """
    known, made = told or {}, result or {}
    taskid, model = read_taskid(known.get("taskid")), model_of(known.get("model"))
    result_is_its = result is not None and read_taskid(made.get("taskid")) == taskid
    outputs = outputs_of(made) if result_is_its else []
    inputs = known.get("inputs")
    return {
        **row.key._asdict(),
        "link": page_of(row.key),
        "taskid": taskid,
        "model": model,
        "model_page": model_page(model) or None,
        **_of_inputs(inputs if isinstance(inputs, Mapping) else {}),
        "outcome": outcome_of(known.get("outcome")) or (UNDER_WAY if at_work else NOT_TOLD),
        "error": read_line(known.get("error"), 100),
        "state": state,
        "cost_usd": cost_of(known.get("cost_usd")),
        "submitted_at": _at_most(known.get("submitted_at"), LAST_MOMENT),
        "changed_at": pendulum.instance(row.changed, tz="UTC").timestamp(),  # SQLite and MySQL do not say so
        "elapsed_seconds": read_number(made.get("elapsed_seconds")) if result_is_its else None,
        "text": text_of(made.get("text")) if result_is_its else None,
        "outputs": [shown(row.key, number, each, roots) for number, each in enumerate(outputs[:MOST_OUTPUTS])],
        "more_outputs": max(0, len(outputs) - MOST_OUTPUTS),
        "kept_elsewhere": told is None,
    }


def page_of(key: Key) -> str:
    """Return the address of a task instance's page below Airflow's."""
    ids = [quote(each, safe="") for each in (key.dag_id, key.run_id, key.task_id)]
    mapped = f"/mapped/{key.map_index}" if key.map_index >= 0 else ""
    return f"dags/{ids[0]}/runs/{ids[1]}/tasks/{ids[2]}{mapped}"


def _of_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what people look for among a model's inputs: there is no one name for it."""
    named = {str(name): text for name, value in inputs.items() if (text := text_of(value)) is not None}
    plain = {re.sub(r"[^a-z]", "", name.lower()): text for name, text in named.items()}
    prompts = [name for name in named if _is_prompt(name.lower()) and isinstance(inputs.get(name), str)]
    prompts.sort(key=lambda name: name.lower() != "prompt")
    rest = [[name[:60], text[:LONGEST_INPUT]] for name, text in named.items() if name not in prompts[:1]]
    return {
        "prompt": named[prompts[0]] if prompts else None,
        "ratio": _first(plain, _RATIO),
        "duration": _first(plain, _DURATION),
        "inputs": rest[:MOST_INPUTS],
    }


def _is_prompt(name: str) -> bool:
    return "prompt" in name and "negative" not in name


def _first(plain: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((text for name in names if (text := read_line(plain.get(name), 20)) is not None), None)
