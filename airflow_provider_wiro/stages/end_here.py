"""Ending in the triggerer: whether that is possible, as far as it is known before the task defers."""

from __future__ import annotations

from typing import Any

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_3_PLUS, BaseOperator, conf
from airflow_provider_wiro.core.at_the_end import EndHere
from airflow_provider_wiro.core.rules.worker import Known, need_of
from airflow_provider_wiro.core.text import in_words
from airflow_provider_wiro.stages.tell import generation_of
from airflow_provider_wiro.stages.this_try import Try

AIRFLOWS_OWN = "BaseXCom"


def ends_with(this: Try) -> str | None:
    """Return what the trigger has to know to end the task; None where a worker ends it.

    It is paid for already: that this fails ends nothing.
    """
    if not this.settings.end_from_trigger:
        return None
    try:
        return _ends_with(this)
    except Exception as error:
        said = in_words(error)
        this.log.warning("taskid %s: a worker ends this task, because %s", this.paid.taskid, said)
        return None


def _ends_with(this: Try) -> str | None:
    need = need_of(_known(this))
    if need is not None:
        this.log.info("taskid %s: a worker ends this task, because %s: %s", this.paid.taskid, need.name, need.why)
        return None
    assert this.order is not None
    pushes = this.settings.push_outputs
    told = generation_of(this, this.order) if pushes else None
    return EndHere(this.settings.requires_output, pushes, told).to_text()


def _known(this: Try) -> Known:
    task: Any = this.context.get("task")
    return Known(
        xcoms_as_text=AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_3_PLUS and this.settings.push_outputs,
        saves=this.settings.save_to is not None,
        outlets=bool(getattr(task, "outlets", None)),
        on_success_callback=bool(getattr(task, "on_success_callback", None)),
        post_execute=_has_post_execute(task),
        multiple_outputs=bool(getattr(task, "multiple_outputs", False)),
        mapped_over=this.ti.map_index < 0 and task is not None and any(True for _ in task.iter_mapped_dependants()),
        dag_result=bool(getattr(task, "returns_dag_result", False)),
        map_index_template=bool(getattr(task, "map_index_template", None)),
        xcom_backend=conf.get("core", "xcom_backend", fallback="").rpartition(".")[2] not in ("", AIRFLOWS_OWN),
        unrecorded=this.journal is not None and not this.paid.recorded,
    )


def _has_post_execute(task: Any) -> bool:
    if task is None:
        return False
    return bool(getattr(task, "given_post_execute", False)) or type(task).post_execute is not BaseOperator.post_execute
