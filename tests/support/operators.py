"""Operators as the tests make and run them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_wiro.compat import TaskDeferred
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, context_of

IMAGE = "Runway_image-to-video-gen4-turbo_input_2.png"
PROMPT = (
    "A miniature steam engine train travels along winding model railroad tracks, "
    "releasing gentle puffs of smoke into the air."
)
SEED_BODY = {
    "inputImageUrl": IMAGE,
    "prompt": PROMPT,
    "ratio": "1280:720",
    "duration": "5",
    "contentModeration": "auto",
    "seed": 0,
}


def runway(**arguments: Any) -> RunwayImageToVideoOperator:
    given: dict[str, Any] = {
        "task_id": "video",
        "prompt": PROMPT,
        "input_image_url": IMAGE,
        "poll_interval": 0.1,
    } | arguments
    return RunwayImageToVideoOperator(**given)


def generic(**arguments: Any) -> WiroRunOperator:
    given: dict[str, Any] = {
        "task_id": "video",
        "model": "owner/video",
        "inputs": {"prompt": "x"},
        "poll_interval": 0.1,
    } | arguments
    return WiroRunOperator(**given)


def defer(operator: WiroRunOperator, ti: FakeTaskInstance) -> TaskDeferred:
    """Execute a deferrable operator and return what it deferred with."""
    with pytest.raises(TaskDeferred) as caught:
        operator.execute(context_of(ti))
    return caught.value


def run_bodies(emulator: WiroEmulator) -> list[dict[str, Any]]:
    """Return the body of every Run, as it went over the wire."""
    return [json.loads(request.raw) for request in emulator.requests if request.call == "Run"]
