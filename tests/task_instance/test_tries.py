"""Does another try really come? The error, the number of tries and the task's retry policy each may say no."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
)
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_3_PLUS

from airflow_provider_wiro.exceptions import WiroConfigError, WiroInterrupted, WiroNotStopped
from airflow_provider_wiro.task_instance import another_try_comes


def task_instance(try_number: int = 1, max_tries: int = 1, policy: Any = None) -> Any:
    task = SimpleNamespace(retries=1, retry_policy=policy)
    return SimpleNamespace(try_number=try_number, max_tries=max_tries, task=task)


@pytest.mark.parametrize(
    ("try_number", "max_tries", "comes"),
    [(1, 0, False), (1, 1, True), (2, 1, False), (2, 2, True), (3, 3, True), (4, 3, False)],
    ids=["no retries", "one retry", "the last", "cleared after one", "cleared again", "the last after clears"],
)
def test_the_number_of_tries(try_number: int, max_tries: int, comes: bool) -> None:
    assert another_try_comes(task_instance(try_number, max_tries)) is comes


@pytest.mark.parametrize(
    ("error", "comes"),
    [
        (None, True),
        (RuntimeError("x"), True),
        (AirflowException("x"), True),
        (KeyboardInterrupt(), True),
        (WiroInterrupted("x"), True),
        (WiroInterrupted("x", retryable=False), False),
        (WiroNotStopped("x"), False),
        (WiroNotStopped("x", retryable=True), True),
        (WiroConfigError("x"), False),
        (AirflowFailException("x"), False),
        (AirflowSensorTimeout("x"), False),
        (AirflowSkipException("x"), False),
    ],
    ids=repr,
)
def test_the_error(error: BaseException | None, comes: bool) -> None:
    assert another_try_comes(task_instance(), error) is comes


class Policy:
    """Decides as told, like a policy of Airflow 3.3."""

    def __init__(self, action: Any) -> None:
        self.action = action
        self.asked: list[dict[str, Any]] = []

    def evaluate(self, **asked: Any) -> Any:
        self.asked.append(asked)
        if isinstance(self.action, Exception):
            raise self.action
        if self.action == "slow":
            time.sleep(5)
        return SimpleNamespace(action=SimpleNamespace(value=self.action))


@pytest.mark.parametrize(
    ("action", "comes"),
    [("retry", True), ("default", True), ("fail", False), (ValueError("broken"), False), ("slow", False)],
)
def test_the_retry_policy(action: Any, comes: bool) -> None:
    policy, error, context = Policy(action), WiroInterrupted("x"), {"ti": 1}
    assert another_try_comes(task_instance(2, 3, policy), error, context=context) is comes
    assert policy.asked == [{"exception": error, "try_number": 2, "max_tries": 3, "context": context}]


def test_a_policy_is_a_doubt_where_the_error_is_not_known_yet() -> None:
    policy = Policy("retry")
    assert not another_try_comes(task_instance(policy=policy))
    assert policy.asked == []


def test_a_policy_is_not_asked_where_no_try_is_left() -> None:
    policy = Policy("retry")
    assert not another_try_comes(task_instance(2, 1, policy), WiroInterrupted("x"))
    assert policy.asked == []


@pytest.mark.skipif(not AIRFLOW_V_3_3_PLUS, reason="Airflow 3.3 brought retry policies")
@pytest.mark.parametrize(("error", "comes"), [(WiroInterrupted("x"), False), (RuntimeError("x"), True)])
def test_a_policy_of_airflow(error: Exception, comes: bool) -> None:
    from airflow.sdk.definitions.retry_policy import (  # type: ignore[import-not-found,unused-ignore]
        ExceptionRetryPolicy,
        RetryAction,
        RetryRule,
    )

    rule = RetryRule(exception="airflow_provider_wiro.exceptions.WiroInterrupted", action=RetryAction.FAIL)
    assert another_try_comes(task_instance(policy=ExceptionRetryPolicy(rules=[rule])), error) is comes
