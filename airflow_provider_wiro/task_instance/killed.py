"""Whether a trigger that is being cancelled was killed for good, or only moves to another triggerer.

Airflow cancels a trigger when a person ends or clears its task, but also when the triggerer shuts down or
loses the trigger to another one, and even calls ``on_kill`` in some of those cases (apache/airflow#73454).
A paid task must be stopped in the first and left alone in the second.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async

from airflow_provider_wiro.task_instance.lookup import Seen, look_up, recorded_taskid

DEFERRED = "deferred"
RESUMED = frozenset({"scheduled", "queued", "running"})
"""The states of a task instance that goes on in a worker, or does so soon: after its trigger, or after a clear."""


async def was_killed(ti: Any, taskid: str, try_number: int | None = None) -> bool:
    """Look the task instance up: whoever still wants this very Wiro task has its taskid in XCom.

    Deferred for it: another triggerer has taken over, or a newer try has attached to it. Resumed in the *same* try,
    where Airflow says so (2.x): that one waits for it, or stops it. Anything else is killed: ended, cleared and not
    yet begun again (queued and running say nothing then, and XCom is still that of the try before), or deferred for
    another Wiro task.

    :param ti: the trigger's; its own state is not known to it.
    :param taskid: the Wiro task that the trigger waits for.
    :param try_number: the try that has deferred; None: not known.
    """
    return not await sync_to_async(_is_wanted)(ti, taskid, try_number)


def _is_wanted(ti: Any, taskid: str, try_number: int | None) -> bool:
    seen = look_up(ti)
    if seen.state != DEFERRED and not _goes_on_in_a_worker(seen, try_number):
        return False
    return recorded_taskid(ti) == taskid


def _goes_on_in_a_worker(seen: Seen, try_number: int | None) -> bool:
    return seen.state in RESUMED and seen.try_number is not None and seen.try_number == try_number
