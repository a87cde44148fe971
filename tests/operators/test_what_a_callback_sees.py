"""The exception that ``on_failure_callback`` gets: what it carries, and what it does not promise."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_1_PLUS

from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.exceptions import WiroError, WiroRefused, WiroTaskFailed
from airflow_provider_wiro.stages.failing import final_errors_skip_retries
from operators import runway
from small_airflow import Run
from taskids import FIRST, SECOND

RunDag = Callable[..., Run]
PROMISE = "An Airflow retry submits it again"
retries_a_deferred_task = pytest.mark.skipif(
    AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_1_PLUS, reason="DAG.test of Airflow 3.0 loses its way after a retry"
)
each_way = pytest.mark.parametrize("deferrable", [False, pytest.param(True, marks=retries_a_deferred_task)])
FRAME = {"url": "https://cdn.wiro.ai/a/frame.png", "name": "frame.png", "contenttype": "image/png", "size": "7"}
SHOWN = {"url": FRAME["url"], "name": "frame.png", "content_type": "image/png", "size": 7, "content": None}


def seen(error: BaseException) -> dict[str, Any]:
    assert isinstance(error, WiroError)
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, WiroError)
    assert isinstance(again, AirflowFailException) is isinstance(error, AirflowFailException)
    assert (str(again), vars(again)) == (str(error), vars(error))
    names = ("taskid", "status", "code", "cost_usd", "outputs", "retryable")
    return {name: getattr(again, name) for name in names}


@each_way
def test_a_generation_that_failed_and_was_charged(
    run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool
) -> None:
    wiro_emulator.outcome(pexit="1", totalcost="0.25", outputs=[FRAME], duration=0.0)
    [error] = run_dag(lambda: runway(deferrable=deferrable)).errors
    assert seen(error) == {
        "taskid": FIRST,
        "status": "task_postprocess_end",
        "code": None,
        "cost_usd": 0.25,
        "outputs": [SHOWN],
        "retryable": False,
    }


def test_a_submission_that_was_refused(run_dag: RunDag, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Run", "code", code=97, message="Insufficient balance")
    [error] = run_dag(runway).errors
    assert isinstance(error, WiroRefused)
    empty = {"taskid": None, "status": None, "cost_usd": None, "outputs": [], "retryable": False}
    assert seen(error) == empty | {"code": 97}


@each_way
def test_the_last_try_promises_no_retry(run_dag: RunDag, wiro_emulator: WiroEmulator, deferrable: bool) -> None:
    wiro_emulator.outcome(pexit="1", debugerror="no GPU left", duration=0.0, times=-1)
    run = run_dag(lambda: runway(deferrable=deferrable, retries=1, retry_delay=timedelta(0)))
    first, last = run.errors
    assert (seen(first)["taskid"], seen(last)["taskid"]) == (FIRST, SECOND)
    assert str(first).endswith(PROMISE)
    assert PROMISE not in str(last)
    assert str(last).endswith("No Airflow retry comes: clear this task to submit it again")
    assert seen(last)["retryable"] is True


def test_a_final_error_survives_being_pickled_with_all_it_carries() -> None:
    with pytest.raises(AirflowFailException) as caught, final_errors_skip_retries():
        raise WiroTaskFailed("no", taskid="7", cost_usd=0.5, outputs=[SHOWN], retryable=False)
    assert seen(caught.value)["outputs"] == [SHOWN]
