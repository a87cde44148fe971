"""Tries of an operator, as Airflow makes them one after the other, and what is left of one that dies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wiro.compat import Context, TaskDeferred
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.journals import open_journal
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from doubles import FakeTaskInstance, Lines, context_of
from operators import runway
from triggerer import fire

# Of an operator that a test executes by hand (3, 2), of a test's database (2), and of an old common-compat that looks
# at lineage which nobody reads (2).
OF_AIRFLOW = (
    "outside of the Task Runner",
    "outside TaskInstance",
    "empty cryptography key",
    "Data lineage tracking is disabled",
)


def warnings_in(lines: Lines) -> list[str]:
    """Return the warnings that are not Airflow's own."""
    warnings = [line for line in lines.lines if line.startswith("WARNING")]
    return [line for line in warnings if not any(words in line for words in OF_AIRFLOW)]


class Died(BaseException):
    """The worker is no more: whatever comes next does not happen."""


def kept() -> Record | None:
    """What the journal holds."""
    journal = open_journal(context_of(FakeTaskInstance()))
    assert journal is not None
    return journal.read()


def run_try(
    make: Callable[..., WiroRunOperator] = runway,
    ti: FakeTaskInstance | None = None,
    context: Context | None = None,
    **arguments: Any,
) -> Any:
    """Do one try as Airflow does: with a new operator in every process, and its triggers in between."""
    context = context or context_of(ti or FakeTaskInstance())
    operator = make(**arguments)
    step: Callable[[], Any] = lambda: operator.execute(context)  # noqa: E731
    while True:
        try:
            return step()
        except TaskDeferred as deferred:
            kwargs = (deferred.kwargs or {}) | {"event": fire(deferred.trigger)}  # type: ignore[arg-type]
            again, method = make(**arguments), deferred.method_name
            step = lambda: again.resume_execution(method, kwargs, context)  # noqa: B023, E731


def die(patch: pytest.MonkeyPatch, owner: type, method: str, *, after: bool = False) -> None:
    """Let the worker die when it comes to *method*, or when *method* has done its work."""
    real = getattr(owner, method)

    def dying(*arguments: Any, **named: Any) -> Any:
        if after:
            real(*arguments, **named)
        raise Died

    patch.setattr(owner, method, dying)


def lose_a_try(patch: pytest.MonkeyPatch, owner: type, method: str, *, after: bool = False, **arguments: Any) -> None:
    with patch.context() as patched:
        die(patched, owner, method, after=after)
        with pytest.raises(Died):
            run_try(**arguments)
