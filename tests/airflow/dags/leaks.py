"""A DAG that does what must never happen: the search for leaks has to find its secret in every place."""

from __future__ import annotations

import datetime
from typing import Any

from airflow.providers.common.compat.sdk import DAG, BaseHook, BaseOperator
from stub_triggers import LeakingTrigger


class LeakingOperator(BaseOperator):
    template_fields = ("rendered",)

    def __init__(self, *, rendered: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rendered = rendered

    def execute(self, context: Any) -> None:
        secret = BaseHook.get_connection("leaking").password
        assert secret is not None
        self.log.info("the task says %s", secret)
        context["ti"].xcom_push(key="secret", value={"deep": [secret]})
        self.defer(trigger=LeakingTrigger(secret), method_name="resume")

    def resume(self, context: Any, event: dict[str, str]) -> str:
        return "done"


with DAG("leaks", schedule=None, start_date=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)):
    LeakingOperator(task_id="video", rendered="{{ conn.leaking.password }}")
