"""What a task's log tells of one generation, in the worker and in the triggerer together: all of it, in ten lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.decorators.wiro import WiroDecoratedOperator
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.transfers.wiro_to_object_storage import WiroToObjectStorageOperator
from airflow_provider_wiro.triggers.wiro import WiroTaskTrigger
from doubles import FakeTaskInstance, Lines, context_of
from operators import defer, runway
from triggerer import fire

FASTEST_LOOKS = 0.02
OPERATORS = (WiroRunOperator, RunwayImageToVideoOperator, WiroDecoratedOperator, WiroToObjectStorageOperator)


@pytest.mark.parametrize("operator", OPERATORS)
def test_rendered_templates_that_hold_more_than_a_text_are_shown_as_json(operator: Any) -> None:
    shown = {name for name, kind in operator.template_fields_renderers.items() if kind == "json"}
    structured = {"inputs", "files", "result"} & set(operator.template_fields)
    assert structured <= shown <= set(operator.template_fields)


def test_a_deferred_task_tells_its_story_in_ten_lines(
    wiro_emulator: WiroEmulator, tmp_path: Path, lines: Lines
) -> None:
    (tmp_path / "kite.png").write_bytes(b"a kite")
    given = {"input_image": str(tmp_path / "kite.png"), "input_image_url": None, "save_to": str(tmp_path / "videos")}
    ti = FakeTaskInstance()
    wiro_emulator.outcome(duration=1.5)
    deferred = defer(runway(deferrable=True, poll_interval=FASTEST_LOOKS, **given), ti)
    assert isinstance(deferred.trigger, WiroTaskTrigger)
    event, kwargs = fire(deferred.trigger), deferred.kwargs or {}
    runway(deferrable=True, **given).execute_complete(context_of(ti), event, **kwargs)
    [task] = wiro_emulator.runs
    told = [line for line in lines.lines if line.startswith("INFO") and ("taskid" in line or str(tmp_path) in line)]
    assert len(told) <= 10, lines.text
    story = "\n".join(told)
    for part in (
        f"uploaded {tmp_path}/kite.png to Wiro (6 bytes)",
        f"taskid {task.taskid}: Wiro accepted the submission of {task.model}",
        f"taskid {task.taskid}: waiting in the triggerer, at most until ",
        " -> task_postprocess_end after ",
        f"saved 1 file(s), {len((tmp_path / 'videos' / task.taskid / '0.mp4').read_bytes())} bytes, in file://",
        f"taskid {task.taskid}: done, 1 output(s), 0.25 USD: file://{tmp_path}/videos/{task.taskid}/0.mp4",
    ):
        assert part in story
