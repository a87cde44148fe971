"""Tell: XCom and the log, at the submission and at the end."""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from airflow_provider_wiro.core.at_the_end import GENERATION, concluded, done, outputs_told
from airflow_provider_wiro.core.generation import GENERATION_VERSION, GenerationDict, outcome_of, shown_inputs
from airflow_provider_wiro.core.reading import read_taskid
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.core.text import in_words, one_line
from airflow_provider_wiro.exceptions import WiroError, WiroInterrupted
from airflow_provider_wiro.stages.assets import tell_assets
from airflow_provider_wiro.stages.this_try import Order, Try

TASKID = "taskid"
# What Airflow raises where the time of a task or of its deferral is over.
OUT_OF_TIME = frozenset({"AirflowTaskTimeout", "TaskDeferralTimeout", "TaskDeferralError"})


def task_command(act: str, taskid: str, conn_id: str) -> str:
    """Return the command that a person gives to have one thing done at Wiro.

    :param act: of ``cli/task.py``.
    """
    return f"python -m airflow_provider_wiro task {act} {taskid} --conn-id {conn_id}"


def announce(this: Try, order: Order) -> None:
    """Put the taskid into XCom, before anything else: the trigger and a later process of this try go by it."""
    paid = this.paid
    assert paid.taskid is not None
    if this.journal is not None and not paid.recorded and later_try_has_it(this):
        paid.written()
        return
    this.ti.xcom_push(key=TASKID, value=paid.taskid)
    if not this.settings.push_outputs:
        return
    _push(this, GENERATION, generation_of(this, order))


def generation_of(this: Try, order: Order) -> GenerationDict:
    """Return what XCom says of the generation of this try at its submission."""
    assert this.paid.taskid is not None
    told: GenerationDict = {
        "version": GENERATION_VERSION,
        "taskid": this.paid.taskid,
        "model": order.model,
        "inputs": shown_inputs(order.shown),
        "base_url": this.paid.service,
        "submitted_at": this.paid.submitted_at,
        "try_number": this.ti.try_number,
        "attached": this.paid.attached,
        "outcome": None,
        "error": None,
        "cost_usd": None,
    }
    return {**told, "files": order.contents} if order.contents else told


def later_try_has_it(this: Try) -> bool:
    """Whether a later try has announced the same task: this worker stood still, and Airflow had given it up."""
    with suppress(Exception):  # it only helps
        told = announced(this)
        return told is not None and told["taskid"] == this.paid.taskid and told["try_number"] > this.ti.try_number
    return False


def own_taskid(this: Try) -> str | None:
    """Return the taskid that this try has put into XCom; None if it deferred for want of room.

    :raises ValueError: if what is in XCom is none.
    """
    pulled = _pull(this, TASKID)
    taskid = read_taskid(pulled)
    if taskid is None and pulled is not None:
        raise ValueError(f"it holds {one_line(pulled, 100)}")
    return taskid


def announced(this: Try) -> GenerationDict | None:
    """Return what is in XCom about a generation of this task instance; None where it is nothing that can be read."""
    pulled = _pull(this, GENERATION)
    if not isinstance(pulled, dict) or pulled.get("version") != GENERATION_VERSION:
        return None
    return cast("GenerationDict", pulled) if pulled.keys() >= GenerationDict.__required_keys__ else None


def tell_success(this: Try, result: ResultDict) -> None:
    """Put the outputs' addresses, places and text into XCom, one line into the log, and tell of the assets."""
    this.told = result
    this.log.info("%s", done(result))
    for key, value in outputs_told(result).items():
        if this.settings.push_outputs:
            _push(this, key, value, again=this.is_found_again)
    tell_assets(this, result, _conclude(this, result["taskid"], "success", None, result["cost_usd"]))


def tell_failure(this: Try, error: BaseException) -> None:
    """Put how it went into XCom, for the page in Airflow's UI; of what Airflow killed, Airflow itself says so."""
    if isinstance(error, WiroInterrupted) or (not isinstance(error, WiroError) and this.paid.told_to_stop):
        return
    if isinstance(error, WiroError):
        if error.taskid is not None:
            _conclude(this, error.taskid, outcome_of(error), type(error).__name__, error.cost_usd)
    elif this.paid.taskid is not None and this.paid.stopped is not None:
        name = type(error).__name__
        _conclude(this, this.paid.taskid, "timeout" if name in OUT_OF_TIME else "error", name, None)


def tell_earlier(this: Try, order: Order) -> None:
    """Put into XCom what an earlier try has paid for, where this one ends without going on with it."""
    paid = this.paid
    if paid.taskid is None or not this.settings.push_outputs:
        return
    _push(this, TASKID, paid.taskid)
    _push(this, GENERATION, generation_of(this, order))


def _conclude(this: Try, taskid: str, outcome: str, error: str | None, cost_usd: float | None) -> GenerationDict | None:
    """Complete what XCom says of the generation, and return it."""
    if not this.settings.push_outputs:
        return None
    try:
        told = announced(this)
    except Exception as problem:
        this.log.warning("XCom %s cannot be completed: %s", GENERATION, one_line(problem))
        return None
    if told is None or told["taskid"] != taskid:
        return None
    told = concluded(told, outcome, error, cost_usd)
    _push(this, GENERATION, told)
    return told


def _push(this: Try, key: str, value: object, *, again: bool = False) -> None:
    """Push what stands in the return value too, or is for people; what is paid does not fail where it cannot be pushed.

    :param again: whether the error is raised after all: the next try pushes it, and pays nothing.
    """
    try:
        this.ti.xcom_push(key=key, value=value)
    except Exception as error:
        if again:
            raise
        this.log.warning("XCom %s cannot be pushed: %s", key, in_words(error))


def _pull(this: Try, key: str) -> object:
    return this.ti.xcom_pull(task_ids=this.ti.task_id, key=key, map_indexes=this.ti.map_index)
