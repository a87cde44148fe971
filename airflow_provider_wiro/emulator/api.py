"""The calls of the API: what each does to the account and how it answers."""

from __future__ import annotations

import re
from collections.abc import Callable

from airflow_provider_wiro.emulator import catalogue, tools, uploads
from airflow_provider_wiro.emulator.account import Account
from airflow_provider_wiro.emulator.bodies import Body
from airflow_provider_wiro.emulator.inputs import refusal
from airflow_provider_wiro.emulator.outcomes import TERMINAL
from airflow_provider_wiro.emulator.refusals import (
    GENERAL,
    NO_FILES_OF,
    NO_SUCH_MODEL,
    NO_SUCH_TASK,
    NOT_CANCELLABLE,
    NOT_FOUND,
    NOT_OVER,
    Refused,
    invalid,
    not_killed,
    too_many_tasks,
)
from airflow_provider_wiro.emulator.tasks import EmulatedTask

_RUN = re.compile(r"/v1/Run/([^/]+/[^/]+)")


def call_of(path: str) -> str:
    """Return the name of the call that ``path`` addresses, "Other" when there is none."""
    if _RUN.fullmatch(path):
        return "Run"
    if path.startswith(("/v1/Output/", "/v1/File/")) and path != "/v1/File/Upload":
        return "Output"
    return _NAMES.get(path, "Other")


def perform(account: Account, path: str, body: Body) -> dict[str, object]:
    """
    Do what a request with good credentials asks for and return the answer's body.

    :param account: the account it works on.
    :param path: the path of the call.
    :param body: the request's fields.
    """
    with account.lock:
        if run := _RUN.fullmatch(path):
            return _run(account, run[1], body)
        return _CALLS[_NAMES[path]](account, body)


def _run(account: Account, model: str, body: Body) -> dict[str, object]:
    if not catalogue.exists(model):
        raise Refused(NOT_FOUND, NO_SUCH_MODEL)
    if message := refusal(model, body):
        raise Refused(GENERAL, message)
    if account.concurrency is not None and len(account.active()) >= account.concurrency:
        raise too_many_tasks(account.concurrency)
    task = account.accept(model, body)
    return {"errors": [], "taskid": task.taskid, "socketaccesstoken": task.token, "result": True}


def _detail(account: Account, body: Body) -> dict[str, object]:
    task = _find(account, body, "tasktoken")
    return {"total": "1", "errors": [], "tasklist": [task.row()], "result": True}


def _kill(account: Account, body: Body) -> dict[str, object]:
    task = _find(account, body, "socketaccesstoken")
    if task.status in TERMINAL:
        raise not_killed(f"it is over ({task.status})")
    if task.status == "task_queue":
        raise not_killed("it is not running yet (task_queue)")
    return _stop(task)


def _cancel(account: Account, body: Body) -> dict[str, object]:
    task = _find(account, body)
    if task.status != "task_queue":
        raise Refused(NOT_FOUND, NOT_CANCELLABLE)
    return _stop(task)


def _stop(task: EmulatedTask) -> dict[str, object]:
    task.stop()
    return {"errors": [], "tasklist": [task.row()], "result": True}


def _list(account: Account, body: Body) -> dict[str, object]:
    given = {}
    for name, (default, allowed) in _LIST_FIELDS.items():
        given[name] = value = body.fields.get(name, default)
        if not isinstance(value, str) or not re.fullmatch(allowed, value):
            raise invalid(f"{name} is not valid")
    start, limit = int(str(given["start"])), int(str(given["limit"]))
    if limit > 100:
        raise invalid("limit is at most 100")
    wanted = catalogue.clean(str(given["modelName"]))
    tasks = [task for task in account.tasks.values() if wanted in catalogue.clean(task.model)]
    if given["order"] == "DESC":
        tasks.reverse()
    rows = [task.row() for task in tasks[start : start + limit]]
    return {"total": str(len(tasks)), "errors": [], "tasklist": rows, "result": True}


_LIST_FIELDS = {
    "type": ("model", "model"),
    "sort": ("id", "id|createtime"),
    "order": ("DESC", "ASC|DESC"),
    "start": ("0", "[0-9]{1,9}"),
    "limit": ("20", "[0-9]{1,3}"),
    "modelName": ("", ".*"),
}


def _delete(account: Account, body: Body) -> dict[str, object]:
    task = account.by_token.get(str(body.fields.get("tasktoken")))
    if task is None:
        raise Refused(NOT_FOUND, NO_FILES_OF)
    if task.status not in TERMINAL:
        raise Refused(NOT_FOUND, NOT_OVER)
    account.forget_files(task)
    return {"errors": [], "result": True}


def row_of(account: Account, body: Body) -> dict[str, object] | None:
    """Return the row of the task that a request names by any of its names; None where it names none."""
    with account.lock:
        task = account.tasks.get(str(body.fields.get("taskid")))
        for token in ("tasktoken", "socketaccesstoken"):
            task = task or account.by_token.get(str(body.fields.get(token)))
        return None if task is None else task.row()


def _find(account: Account, body: Body, token_name: str | None = None) -> EmulatedTask:
    """Find the task by ``taskid`` or, for the calls that take one, by the field ``token_name``."""
    known: dict[str, dict[str, EmulatedTask]] = {"taskid": account.tasks}
    if token_name:
        known[token_name] = account.by_token
    for name, tasks in known.items():
        if name in body.fields:
            value = body.fields[name]
            if not isinstance(value, str):
                raise invalid(f"{name} must be a string")
            if value not in tasks:
                raise Refused(NOT_FOUND, NO_SUCH_TASK)
            return tasks[value]
    raise Refused(GENERAL, "taskid or socketaccesstoken is required" if token_name else "taskid is required")


_CALLS: dict[str, Callable[[Account, Body], dict[str, object]]] = {
    "Detail": _detail,
    "Kill": _kill,
    "Cancel": _cancel,
    "List": _list,
    "Tool": lambda _, body: tools.detail(body),
    "Models": lambda _, body: tools.listed(body),
    "Explore": lambda _, body: tools.explored(body),
    "Delete": _delete,
    "Upload": uploads.upload,
}
_NAMES = {
    "/v1/Task/Detail": "Detail",
    "/v1/Task/Kill": "Kill",
    "/v1/Task/Cancel": "Cancel",
    "/v1/Task/List": "List",
    "/v1/Tool/Detail": "Tool",
    "/v1/Tool/List": "Models",
    "/v1/Tool/Explore": "Explore",
    "/v1/Task/InputOutputDelete": "Delete",
    "/v1/File/Upload": "Upload",
    "/socket/v1": "Socket",
}
