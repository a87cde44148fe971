"""Before 0.2.0, native rendering read text as a Python literal: what was recorded then is not paid again.

DAGs are rendered by the installed Airflow.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import task

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.journals import open_journal
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from operators import SEED_BODY, run_bodies
from small_airflow import Run

sys.path.insert(0, str(Path(__file__).parent))

from as_of_0_1_0 import canonical, fingerprint, submit

RunDag = Callable[..., Run]
MODEL = "owner/video"
RUNWAY = "Runway/image-to-video-gen4-turbo"
PARAMS: dict[str, Any] = {"thousand": "1_000", "five": 5, "list": ["1.50"]}


def plain(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, str) else canonical(value)


def digests(inputs: dict[str, Any]) -> dict[str, str]:
    return {name: hashlib.sha256(plain(value).encode()).hexdigest()[:32] for name, value in inputs.items()}


def record_of(
    version: int, emulator: WiroEmulator, identity: dict[str, Any], model: str, sent: dict[str, Any], key: str | None
) -> dict[str, Any]:
    """The record of a submission as it was written before, by rules that follow no code."""
    taskid, now = submit(emulator, model, sent), time.time()
    made = {
        "version": version,
        "phase": "submitted",
        "identity": identity,
        "model": model,
        "inputs": digests(sent),
        "at": now - 1,
        "conn_id": "wiro_default",
        "stop_when_ended": True,
        "taskid": taskid,
        "submitted_at": now,
        "earlier": [],
    }
    if version == 1:
        return made | {"fingerprint": fingerprint(emulator.url, model, sent, key)}
    work: Any = key if key is not None else [model.lower(), digests(sent)]
    return made | {"base_url": emulator.url, "fingerprint": hashlib.sha256(canonical(work).encode()).hexdigest()}


def run_after(
    run_dag: RunDag, emulator: WiroEmulator, version: int, kind: type[WiroRunOperator], sent: Any, **arguments: Any
) -> Run:
    """Let a DAG run whose task finds the record of an earlier try, which sent *sent*."""
    key, model = arguments.pop("key", None), RUNWAY if kind is RunwayImageToVideoOperator else MODEL

    class After(kind):  # type: ignore[misc,valid-type]
        def execute(self, context: Any) -> Any:
            journal = open_journal(context)
            assert journal is not None
            identity = {name: value for name, value in asdict(journal.identity).items() if value != ""}
            record = record_of(version, emulator, identity, model, sent, key)
            journal.replace(None, Record.from_json(record))
            return super().execute(context)

    if kind is WiroRunOperator:
        arguments["model"] = MODEL
    build = lambda: After(task_id="video", poll_interval=0.1, **arguments)  # noqa: E731
    return run_dag(build, params=PARAMS, render_template_as_native_obj=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__WIRO__JOURNAL_PATH", str(tmp_path))
    return tmp_path


each_version = pytest.mark.parametrize("version", [1, 2])


@each_version
@pytest.mark.parametrize(
    ("inputs", "sent"),
    [
        ({"prompt": "1.50", "steps": "5"}, {"prompt": 1.5, "steps": 5}),
        ({"prompt": "{{ params.thousand }}", "more": ["0x10", "'a'"]}, {"prompt": 1000, "more": [16, "a"]}),
        ({"prompt": "None", "seed": "7"}, {"seed": 7}),
        ({"prompt": "a kite", "n": "{{ params.five }}"}, {"prompt": "a kite", "n": 5}),
        ({"prompt": "a", "list": "{{ params.list }}"}, {"prompt": "a", "list": ["1.50"]}),
        ("{'prompt': '{{ params.thousand }}', 'n': 5}", {"prompt": "1_000", "n": 5}),
        ("{{ {'prompt': '1.50', 'n': 5} | tojson }}", {"prompt": "1.50", "n": 5}),
        ("{{ {'prompt': '1.50'} }}", {"prompt": "1.50"}),
    ],
)
def test_inputs(run_dag: RunDag, wiro_emulator: WiroEmulator, version: int, inputs: Any, sent: dict[str, Any]) -> None:
    run = run_after(run_dag, wiro_emulator, version, WiroRunOperator, sent, inputs=inputs)
    assert run.state == "success"
    assert (wiro_emulator.count("Run"), wiro_emulator.count("Kill")) == (1, 0)


@each_version
@pytest.mark.parametrize(
    ("prompt", "sent"), [("1.50", "1.5"), ("{{ params.thousand }}", "1000"), ("'A kite'", "A kite"), ("5", "5")]
)
def test_a_prompt(run_dag: RunDag, wiro_emulator: WiroEmulator, version: int, prompt: str, sent: str) -> None:
    arguments = {"prompt": prompt, "input_image_url": SEED_BODY["inputImageUrl"]}
    body = SEED_BODY | {"prompt": sent}
    run = run_after(run_dag, wiro_emulator, version, RunwayImageToVideoOperator, body, **arguments)
    assert run.state == "success"
    assert (wiro_emulator.count("Run"), wiro_emulator.count("Kill")) == (1, 0)


@each_version
def test_an_idempotency_key(run_dag: RunDag, wiro_emulator: WiroEmulator, version: int) -> None:
    arguments = {"inputs": {"prompt": "now another"}, "idempotency_key": "'ride'"}
    run = run_after(run_dag, wiro_emulator, version, WiroRunOperator, {"prompt": "x"}, key="ride", **arguments)
    assert run.state == "success"
    assert wiro_emulator.count("Run") == 1


@each_version
def test_other_work_is_other_work(run_dag: RunDag, wiro_emulator: WiroEmulator, version: int) -> None:
    run = run_after(run_dag, wiro_emulator, version, WiroRunOperator, {"prompt": 1.6}, inputs={"prompt": "1.50"})
    assert run.state == "success"
    assert [body["prompt"] for body in run_bodies(wiro_emulator)] == [1.6, "1.50"]


def test_what_is_recorded_now_is_compared_as_text(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    """``0x10`` and ``16`` are two prompts, although they were one before."""
    run = run_after(run_dag, wiro_emulator, 2, WiroRunOperator, {"prompt": "0x10"}, inputs={"prompt": "16"})
    assert run.state == "success"
    assert wiro_emulator.count("Run") == 2


@each_version
def test_what_another_task_gives_was_never_read_as_a_literal(
    run_dag: RunDag, wiro_emulator: WiroEmulator, version: int
) -> None:
    sent = {"prompt": "1.50", "cfg": 1.5}

    @task
    def ask() -> str:
        return "1.50"

    class Asking(WiroRunOperator):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(inputs={"prompt": ask(), "cfg": "1.50"}, **kwargs)

    run = run_after(run_dag, wiro_emulator, version, Asking, sent, model=MODEL)
    assert run.state == "success"
    assert json.dumps(run_bodies(wiro_emulator)) == json.dumps([sent])
