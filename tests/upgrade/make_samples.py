"""Write what a release leaves behind: records, triggers and events, made by its own code against its own emulator.

Run it once for each release, in a checkout of that release, with an environment of any Airflow that it supports::

    PYTHONPATH=.:tests/support python …/tests/upgrade/make_samples.py …/tests/upgrade/samples/0.1.0

Nothing here may be newer than 0.1.0: it must run on the oldest release whose samples are kept.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

CASES: dict[str, dict[str, Any]] = {
    "odd_slug": {
        "operator": "WiroRunOperator",
        "arguments": {"model": "resemble-ai/chatterbox_multilingual.v2", "inputs": {"prompt": "A lighthouse"}},
    },
    "native_5": {
        "operator": "WiroRunOperator",
        "arguments": {"model": "owner/any-video", "inputs": {"prompt": "A lighthouse", "duration": 5, "seed": "5"}},
    },
    "native_5_typed": {
        "operator": "RunwayImageToVideoOperator",
        # as native rendering makes them of "5"
        "arguments": {"prompt": 5, "input_image_url": "image.png", "duration": 5, "seed": 5},
    },
    "prompt_1_50": {
        "operator": "WiroRunOperator",
        "arguments": {"model": "owner/any-video", "inputs": {"prompt": "1.50", "cfg": 1.5, "steps": 2.0}},
    },
    "prompt_1_50_typed": {
        "operator": "RunwayImageToVideoOperator",
        "arguments": {"prompt": "1.50", "input_image_url": "image.png"},
    },
    "prompt_1_50_native": {
        "operator": "RunwayImageToVideoOperator",
        "arguments": {"prompt": 1.50, "input_image_url": "image.png"},
    },
    "idempotency_key": {
        "operator": "RunwayImageToVideoOperator",
        "arguments": {
            "prompt": "A lighthouse",
            "input_image_url": "https://x.example/0.png?signature=a",
            "idempotency_key": "ride-1",
        },
    },
}


def make(case: dict[str, Any], emulator: Any, folder: Path) -> dict[str, Any]:
    """Let the release submit and defer, and its trigger wait to the end."""
    from airflow.providers.common.compat.sdk import TaskDeferred

    from airflow_provider_wiro.operators import runway, wiro
    from doubles import FakeTaskInstance, context_of
    from triggerer import fire

    kind = getattr(runway if case["operator"].startswith("Runway") else wiro, case["operator"])
    ti = FakeTaskInstance()
    try:
        kind(task_id="video", deferrable=True, **case["arguments"]).execute(context_of(ti))
    except TaskDeferred as error:
        deferred = error
    [path] = list(folder.rglob("*.json"))
    record = json.loads(path.read_text())
    classpath, kwargs = deferred.trigger.serialize()
    sent = json.loads([request for request in emulator.requests if request.call == "Run"][-1].raw)
    path.unlink()
    return case | {
        "base_url": emulator.url,
        "sent": sent,
        "journal": {"path": str(path.relative_to(folder)), "record": record},
        "xcoms": ti.xcoms,
        "trigger": {"classpath": classpath, "kwargs": kwargs},
        "resumes": {"method": deferred.method_name, "kwargs": deferred.kwargs},
        "event": fire(deferred.trigger),  # type: ignore[arg-type]
    }


def main(target: Path) -> None:
    """Write a file for each case."""
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
        from airflow_provider_wiro.emulator import WiroEmulator

        folder = Path(home, "journal")
        folder.mkdir()
        os.environ["AIRFLOW__WIRO__JOURNAL_PATH"] = str(folder)
        with WiroEmulator(duration=0.5) as emulator:
            os.environ["AIRFLOW_CONN_WIRO_DEFAULT"] = json.dumps(emulator.connection)
            for name, case in CASES.items():
                made = make(case, emulator, folder)
                (target / f"{name}.json").write_text(json.dumps(made, indent=2) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
