"""What becomes of the paid task of this try: the row of ``core/rules/fate.py`` that decides."""

from __future__ import annotations

from airflow_provider_wiro.core.rules.fate import Happening, Rule, fate_of
from airflow_provider_wiro.stages.this_try import Try
from airflow_provider_wiro.task_instance import another_try_comes


def rule_for(this: Try, happening: Happening, error: BaseException) -> Rule:
    """Return the row for what has happened.

    :param error: what the try ends with, by which Airflow decides whether it tries again.
    """
    return fate_of(
        happening,
        recorded=this.paid.recorded,
        another_try=another_try_comes(this.ti, error, task=this.context.get("task"), context=this.context),
        cancel_on_kill=this.settings.cancel_on_kill,
    )
