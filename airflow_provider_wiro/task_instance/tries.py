"""Whether Airflow really tries a task instance again after an error."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSensorTimeout, AirflowSkipException

from airflow_provider_wiro.exceptions import WiroError
from airflow_provider_wiro.task_instance.patience import Pending

FINAL = (AirflowFailException, AirflowSensorTimeout, AirflowSkipException)
FINAL_NAMES = frozenset({"AirflowTaskTerminated"})
"""What Airflow 3 does not retry either; Airflow 2 does, and raises it at SIGTERM."""

log = logging.getLogger(__name__)


def another_try_comes(
    ti: Any, error: BaseException | None = None, task: Any = None, context: Mapping[str, Any] | None = None
) -> bool:
    """Whether Airflow surely tries this task instance again after *error*; in doubt False.

    Three may say no: the error itself, the number of tries, and the task's ``retry_policy`` (Airflow 3.3), which is
    asked as Airflow will ask it. A policy that raises, takes longer than two seconds, or cannot be asked because
    *error* is not known, is a doubt.

    :param ti: the task instance, from the context of ``execute``.
    :param error: what ``execute`` will end in, with its ``retryable`` as it will be raised; None: not known yet.
    :param task: the operator; the task instance's by default.
    :param context: of ``execute``; a policy gets it.
    """
    if _is_final(error) or not _tries_are_left(ti):
        return False
    policy = getattr(task if task is not None else getattr(ti, "task", None), "retry_policy", None)
    return policy is None or _policy_retries(policy, ti, error, context)


def _is_final(error: BaseException | None) -> bool:
    if isinstance(error, WiroError):
        return not error.retryable
    return isinstance(error, FINAL) or (_is_airflow_3() and type(error).__name__ in FINAL_NAMES)


def _is_airflow_3() -> bool:
    from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS

    return AIRFLOW_V_3_0_PLUS


def _tries_are_left(ti: Any) -> bool:
    eligible = getattr(ti, "is_eligible_to_retry", None)  # Airflow 2; 3 leaves it to the API server, which counts so
    return bool(eligible() if callable(eligible) else ti.try_number <= ti.max_tries)


def _policy_retries(policy: Any, ti: Any, error: BaseException | None, context: Mapping[str, Any] | None) -> bool:
    if error is None:
        return False

    def ask() -> bool:
        decision = policy.evaluate(exception=error, try_number=ti.try_number, max_tries=ti.max_tries, context=context)
        return str(getattr(decision.action, "value", decision.action)) != "fail"

    asked = Pending(ask, "wiro-retry-policy")
    if not asked.is_over():
        log.warning("the task's retry_policy has not decided in time; assuming that no other try comes")
        return False
    if asked.error is not None:
        said = f"{type(asked.error).__name__}: {asked.error}"
        log.warning("the task's retry_policy raised (%s); assuming that no other try comes", said)
        return False
    return asked.result is True
