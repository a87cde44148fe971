"""Whether an operator is one that Airflow has made of a mapped one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator


def is_unmapped(operator: BaseOperator) -> bool:
    """Whether Airflow has made it of a mapped one: then its DAG holds that one under its name.

    What its constructor raises is tried again, and not seen in the task's log.
    """
    dag = operator.dag if operator.has_dag() else None
    return dag is not None and dag.task_dict.get(operator.task_id) is not operator
