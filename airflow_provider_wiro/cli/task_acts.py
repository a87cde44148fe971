"""What the command ``task`` does, in a process that has Airflow."""

from __future__ import annotations

import json
from argparse import Namespace

from airflow_provider_wiro.cli.asking import agreed
from airflow_provider_wiro.hooks.connection import DEFAULT_CONN_ID
from airflow_provider_wiro.hooks.wiro import WiroHook


def show(options: Namespace) -> int:
    """Print what Wiro says of the task, and return the exit code."""
    print(json.dumps(_hook(options).get_task(options.taskid).result(), indent=2))
    return 0


def stop(options: Namespace) -> int:
    """Stop the task, and return the exit code."""
    stopped = _hook(options).stop(options.taskid)
    print(stopped.story(options.taskid))
    return 0 if stopped.over else 1


def delete(options: Namespace) -> int:
    """Delete the files of the task, once a person has agreed, and return the exit code."""
    if not options.yes and not agreed(f"Delete the files of Wiro task {options.taskid}, for ever?"):
        print("Nothing was changed.")
        return 1
    _hook(options).delete(options.taskid)
    print(f"taskid {options.taskid}: its files at Wiro are deleted")
    return 0


def _hook(options: Namespace) -> WiroHook:
    return WiroHook(options.conn_id or DEFAULT_CONN_ID)
