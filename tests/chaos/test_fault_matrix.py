"""Every way in which an answer can go wrong, for every call: the operator delivers, or fails with words that help.

The operator, both HTTP drivers, the trigger and a journal in a folder are the real ones, against the emulator; what
Airflow adds (a retry gets a new operator and no XCom) is played here, for Airflow itself changes nothing about answers.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_wiro.emulator import FAULTS, WiroEmulator
from airflow_provider_wiro.exceptions import WiroError, WiroTaskTimeout
from chaos_harness.recorder import Row
from doubles import FakeTaskInstance, context_of
from operators import runway

TABLE = "Fault matrix"
CALLS = ("Run", "Detail", "List", "Kill", "Cancel")
TRIES = 3
CONNECTION_TIMEOUT = 0.6
HASTE = {
    "core.calls.RUN_PAUSES": (0.05, 0.05, 0.05),
    "core.calls.STOP_PAUSES": (0.05, 0.05),
    "core.calls.STOP_TIMEOUT": CONNECTION_TIMEOUT,
    "core.recall.READ_PAUSES": (0.05, 0.05, 0.05),
    "core.search.READ_PAUSES": (0.05, 0.05, 0.05),
    "core.search.SETTLED_AFTER": 0.1,
    "stages.room.SHORTEST": 0.1,
}


@dataclass(frozen=True)
class Fault:
    """A fault of the emulator, with its options."""

    label: str
    name: str
    options: dict[str, Any] = field(default_factory=dict)


VARIANTS: dict[str, list[dict[str, Any]]] = {
    "429": [{}, {"retry_after": 1}],
    "5xx": [{}, {"after": True}, {"status": 503}],
    "html": [{}, {"after": True}],
    "redirect": [{}, {"status": 307}, {"status": 308, "location": "http://127.0.0.1:9/v1/Run/a/b"}],
    "hang": [{}, {"after": True}],
    "slow": [{"seconds": 0.2}, {"seconds": 2.0}],
    "code": [{"code": code} for code in (0, 1, 96, 97, 98, 99)],
    "huge": [{"megabytes": 9}],
    "gzip_bomb": [{"megabytes": 100}],
    "wrong_length": [{"by": -10}, {"by": 10}],
}
WORDS = {
    "code": "code {code}",
    "after": "after the work",
    "status": "{status}",
    "seconds": "{seconds} s",
    "by": "{by:+} bytes",
}


def label(name: str, options: dict[str, Any]) -> str:
    said = [WORDS[key].format(**options) for key in options if key in WORDS]
    said += [f"{key} {value}" for key, value in options.items() if key in ("retry_after",)]
    return f"{name} ({', '.join(said)})" if said else name


MATRIX = [Fault(label(name, options), name, options) for name in FAULTS for options in VARIANTS.get(name, [{}])]
QUICK = {"drop_after", "code (code 0)", "code (code 96)", "hang (after the work)", "truncated"}


@pytest.fixture
def wiro(monkeypatch: pytest.MonkeyPatch) -> Iterator[WiroEmulator]:
    for name, value in HASTE.items():
        monkeypatch.setattr(f"airflow_provider_wiro.{name}", value)
    with WiroEmulator(duration=0.1) as wiro, tempfile.TemporaryDirectory() as folder:
        connection = wiro.connection | {"extra": {"timeout": CONNECTION_TIMEOUT}}
        monkeypatch.setenv("AIRFLOW_CONN_WIRO_DEFAULT", json.dumps(connection))
        monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", folder)
        yield wiro


def play(deferrable: bool, **options: Any) -> tuple[dict[str, Any] | None, list[WiroError]]:
    """Run a task as Airflow does, deferrals and retries included; return its result and the tries' errors."""
    errors: list[WiroError] = []
    for number in range(1, TRIES + 1):
        ti = FakeTaskInstance()
        ti.try_number, ti.max_tries = number, TRIES - 1  # type: ignore[misc]
        try:
            return one_try(ti, deferrable=deferrable, **options), errors
        except WiroError as error:
            errors.append(error)
            if isinstance(error, AirflowFailException):
                break
    return None, errors


def one_try(ti: FakeTaskInstance, **options: Any) -> dict[str, Any]:
    method, given = "execute", {}
    while True:
        try:
            result: dict[str, Any] = getattr(runway(**options), method)(context_of(ti), **given)
            return result
        except TaskDeferred as deferral:
            method, given = deferral.method_name, {**(deferral.kwargs or {}), "event": asyncio.run(event_of(deferral))}


async def event_of(deferral: TaskDeferred) -> Any:
    events = [event.payload async for event in deferral.trigger.run()]
    assert len(events) == 1
    return events[0]


def scripted(wiro: WiroEmulator, call: str, fault: Fault) -> dict[str, Any]:
    """Have the call go wrong, and whatever it takes for the call to be made; return the operator's options."""
    options: dict[str, Any] = {"timeout": 20.0, "poll_interval": 0.05}
    if call == "List":
        wiro.script("Run", "drop_after")
    if call in ("Kill", "Cancel"):
        wiro.outcome(hold="task_queue" if call == "Cancel" else True, duration=0.0)
        wiro.outcome(times=-1, duration=0.0)
        options["timeout"] = 0.2 + 2 * fault.options.get("retry_after", 0)
    wiro.script(call, fault.name, **fault.options)
    return options


@pytest.mark.parametrize("mode", ["sync", "deferred"])
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "fault",
    [pytest.param(fault, id=fault.label, marks=[] if fault.label in QUICK else pytest.mark.slow) for fault in MATRIX],
)
def test_a_bad_answer_never_costs_a_second_generation(
    wiro: WiroEmulator, row: Row, fault: Fault, call: str, mode: str
) -> None:
    row.name = f"{call}: {fault.label}"
    result, errors = play(mode == "deferred", **scripted(wiro, call, fault))
    statuses = [task.status for task in wiro.runs]
    row.runs, row.remote = len(statuses), ", ".join(statuses) or "never sent"
    row.state = "success" if result else "failed"
    row.outcome = ", then ".join(type(error).__name__ for error in errors)
    assert wiro.peak_active <= 1
    if result:
        assert result["taskid"] == wiro.runs[-1].taskid
        assert result["outputs"]
        assert wiro.active == []
        assert statuses.count("task_postprocess_end") == 1
    else:
        assert errors
        assert all(line.strip() and line.isprintable() for error in errors for line in (str(error) or " ").split("\n"))
    if call in ("Kill", "Cancel"):
        assert isinstance(errors[0], WiroTaskTimeout)
        assert statuses == ["task_cancel", "task_postprocess_end"]
    elif fault.name == "escapes" and call == "List":  # they are in what it echoes too, which so is not what was sent
        assert (len(statuses), [type(error).__name__ for error in errors]) == (1, ["WiroSubmissionUnknown"])
    elif call in ("Detail", "List"):
        assert (result is not None, len(statuses)) == (True, 1)
    else:
        assert len(statuses) <= 1
        assert result or isinstance(errors[-1], AirflowFailException)
