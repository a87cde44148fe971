"""Task/List as a script shows it, and a search in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.protocol import Send
from airflow_provider_wiro.core.recalled import Fresh
from airflow_provider_wiro.exceptions import WiroError, WiroSubmissionUnknown
from fake_driver import START, FakeDriver, Outcome, reply, row
from records import INPUTS, intent
from recovering import PLACE, Script, recovered, refused

OTHER = INPUTS | {"prompt": "A windmill"}


def listed(taskid: str = "2221", *, created: float = START, status: str = "task_start", **fields: Any) -> Any:
    given: dict[str, object] = {"parameters": dict(INPUTS), "createtime": str(int(created))} | fields
    return row(status, **given) | {"id": taskid}


BEFORE = listed("1", created=START - 301, parameters={})


def listing(*rows: object, most: int = 100, then: Sequence[Outcome] = ()) -> Callable[[Send, float], Outcome]:
    """Answer Task/List out of *rows*, *most* at once; all else in turn from *then*."""
    others = iter(then)

    def script(step: Send, _: float) -> Outcome:
        if step.path != "/Task/List":
            return next(others)
        start, limit = int(str(step.body["start"])), int(str(step.body["limit"]))
        assert limit <= 100
        assert (step.body["order"], step.body["sort"]) == ("DESC", "id")
        return reply({"result": True, "errors": [], "tasklist": list(rows)[start : start + min(most, limit)]})

    return script


def unknown(script: Script, found: Record | None = None, **options: Any) -> tuple[WiroError, FakeDriver]:
    """Search in vain: a person decides; and with on_unknown="submit" there is a new Run and a warning."""
    found = found or intent()
    decision, driver = recovered(script if callable(script) else list(script), found, on_unknown="submit", **options)
    assert decision == Fresh()
    assert "both may be paid" in driver.warnings[-1]
    error, driver = refused(WiroSubmissionUnknown, script, found, **options)
    assert not error.retryable
    assert re.search(r"not known whether Wiro accepted the submission to Runway/\S+ that was sent about ", str(error))
    for part in ("2024-12-18 09:23:27 UTC", "Nothing more was submitted", "dashboard", PLACE, "on_unknown_submission"):
        assert part in str(error)
    return error, driver


def absent(script: Script, found: Record | None = None, **options: Any) -> FakeDriver:
    """Search in vain, where nothing listed can be it: Wiro has accepted nothing."""
    decision, driver = recovered(script, found or intent(), **options)
    assert decision == Fresh(nothing_accepted=True)
    assert "Wiro has accepted nothing of the last submission" in driver.log[-1]
    return driver
