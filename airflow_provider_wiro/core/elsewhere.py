"""Waiting for a connection that leads to another service to lead back."""

from __future__ import annotations

from airflow_provider_wiro.core.protocol import Answer, Flow, NoReply, Send, Step, T, now, report, sleep, steady_time
from airflow_provider_wiro.exceptions import WiroWrongService

READ_AGAIN = 10.0


def patiently(flow: Flow[T], *, outage_tolerance: float, deadline: float | None = None) -> Flow[T]:
    """Carry out *flow*, which is for one service; where the connection leads elsewhere, wait for it to lead back.

    Nothing is sent meanwhile.

    :param outage_tolerance: for how many seconds.
    :param deadline: unix time at which to give up at the latest; None: there is none.
    :raises WiroWrongService: if it does not lead back in time.
    """
    answer: Answer = None
    while True:
        try:
            step: Step = flow.send(answer)
        except StopIteration as done:
            result: T = done.value
            return result
        answer = yield step
        if isinstance(step, Send) and isinstance(answer, NoReply) and answer.elsewhere:
            answer = yield from _led_back(step, answer, outage_tolerance, deadline)


def _led_back(step: Send, answer: NoReply, outage_tolerance: float, deadline: float | None) -> Flow[Answer]:
    time = yield from steady_time()
    left = outage_tolerance if deadline is None else min(outage_tolerance, deadline - (yield from now()))
    until = time + left
    again: Answer = answer
    if time < until:
        yield from report(f"{answer.reason}: nothing is sent; waiting {until - time:.0f} s at most", "warning")
    while isinstance(again, NoReply) and again.elsewhere:
        if time >= until:
            raise WiroWrongService(again.reason)
        yield from sleep(min(READ_AGAIN, until - time))
        again = yield step
        time = yield from steady_time()
    return again
