"""Ask Wiro one thing, in a process that has Airflow's settings: `remote.py price`, or `remote.py stop TASKID`.

It prints the answer in one line; the exit code is 1 when Wiro does not do what is asked.
"""

from __future__ import annotations

import json
import logging
import sys

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.protocol import NoReply, Reply, send
from airflow_provider_wiro.hooks.connection import DEFAULT_CONN_ID, read_credentials
from airflow_provider_wiro.hooks.wiro import WiroHook

MODEL = {"slugowner": "Runway", "slugproject": "image-to-video-gen4-turbo"}
PAGE = "https://wiro.ai/models/runway/image-to-video-gen4-turbo"
UNREADABLE = (
    "Airflow cannot read AIRFLOW_CONN_WIRO_DEFAULT as a connection: it must be a URI, or JSON such as "
    '{"conn_type": "wiro", "login": "API-KEY", "password": "API-SECRET"}'
)


def price(duration: str) -> tuple[bool, str]:
    """Whether Wiro can be used with this connection, and what a video of so many seconds costs, or why not."""
    works, message = _check()
    if not works:
        return False, message
    client = Client(read_credentials(DEFAULT_CONN_ID), logging.getLogger(__name__))
    listed = _listed_price(client.drive(send("/Tool/Detail", MODEL)), duration)
    if listed is None:
        return True, f"What it costs could not be asked: see {PAGE}."
    return True, f"Its list price there is {listed:g} US dollars."


def stop(taskid: str) -> tuple[bool, str]:
    """Stop a task, and say how that went."""
    outcome = WiroHook().stop(taskid)
    if outcome.over:
        return True, f"Task {taskid} is stopped on Wiro."
    return False, f"Task {taskid} could NOT be stopped on Wiro ({outcome.note}): do it there."


def _check() -> tuple[bool, str]:
    try:
        WiroHook.get_connection(DEFAULT_CONN_ID)
    except AirflowNotFoundException:  # does not say why
        return False, UNREADABLE
    return WiroHook().test_connection()


def _listed_price(reply: Reply | NoReply, duration: str) -> float | None:
    """US dollars; None if they cannot be read: the API's documentation does not have this call."""
    try:
        rows = json.loads(reply.body["tool"][0]["dynamicprice"])  # type: ignore[union-attr,index]
        return next(float(row["price"]) for row in rows if row["inputs"].get("duration") == duration)
    except (AttributeError, LookupError, TypeError, ValueError, OverflowError, StopIteration):
        return None


if __name__ == "__main__":
    done, answer = price("5") if sys.argv[1] == "price" else stop(sys.argv[2])
    print(answer)
    sys.exit(0 if done else 1)
