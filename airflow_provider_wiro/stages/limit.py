"""Counting, before a submission, how many tasks run at Wiro, where the connection says how many may."""

from __future__ import annotations

import random
import time

from airflow_provider_wiro.core.active import count_active
from airflow_provider_wiro.core.rules.room import entry_of
from airflow_provider_wiro.exceptions import WiroBusy
from airflow_provider_wiro.stages.this_try import Try

SPREAD = 10.0
"""Seconds over which the first counts of tasks are spread that start at once and may not defer."""

WORTH_DEFERRING = 60.0
"""Seconds that must be left for a wait in the triggerer."""


def keep_to_max_active(this: Try, until: float) -> None:
    """Return where a submission may be sent now.

    What may defer waits in the triggerer first, which counts for all of them together; then it counts itself.

    :param until: unix time until which it may wait.
    :raises WiroBusy: where it has to wait; nothing was sent.
    """
    most = this.caller.max_active
    if most is None:
        return
    if not this.has_waited:
        if this.defers and until - time.time() > WORTH_DEFERRING:
            raise _busy(this, str(most))
        this.caller.pause(random.uniform(0.0, SPREAD))
    count = this.caller.drive(count_active(most, deadline=until))
    entry = entry_of(count)
    if not entry.submits:
        raise _busy(this, f"{most}; running at Wiro now: {count.active}")
    if entry.warns:
        this.log.warning(
            "max_active of %s is %s, and %s (%s): submitting without knowing how many run",
            this.settings.conn_id,
            most,
            entry.name,
            count.refused or f"at least {count.active} tasks run",
        )


def _busy(this: Try, said: str) -> WiroBusy:
    busy = WiroBusy(f"nothing was submitted yet: max_active of connection {this.settings.conn_id} is {said}")
    busy.limited = True
    return busy
