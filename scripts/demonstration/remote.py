"""Ask Wiro one thing, in a process that has Airflow's settings: `remote.py price`, or `remote.py stop TASKID`."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from airflow_provider_wiro.clients.sync import Client
from airflow_provider_wiro.core.protocol import Flow, Reply, send
from airflow_provider_wiro.hooks.connection import read_credentials
from airflow_provider_wiro.hooks.wiro import WiroHook


def prices() -> Flow[list[dict[str, Any]]]:
    """What the model costs, as Wiro lists it: free to ask."""
    reply = yield from send("/Tool/Detail", {"slugowner": "Runway", "slugproject": "image-to-video-gen4-turbo"})
    assert isinstance(reply, Reply), reply
    assert isinstance(reply.body, dict), reply.excerpt
    listed: list[dict[str, Any]] = json.loads(reply.body["tool"][0]["dynamicprice"])
    return listed


def price_of(duration: str) -> str:
    """The price of a video of so many seconds, in a sentence."""
    with Client(read_credentials("wiro_default"), logging.getLogger(__name__)) as client:
        for listed in client.drive(prices()):
            if listed["inputs"].get("duration") == duration:
                return f"Its list price there is {listed['price']} US dollars."
    raise LookupError(f"no price is listed for {duration} s")


def stop(taskid: str) -> str:
    """Stop a task, and say how that went."""
    outcome = WiroHook().stop(taskid)
    assert outcome.over, outcome.note
    return f"Task {taskid} is stopped on Wiro."


if __name__ == "__main__":
    print(price_of("5") if sys.argv[1] == "price" else stop(sys.argv[2]))
