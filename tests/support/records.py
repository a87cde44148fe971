"""Records of the journal as the tests make them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from airflow_provider_wiro.core.journal import Identity, Record
from airflow_provider_wiro.core.work import Work, fingerprint
from fake_driver import START

BASE_URL = "https://api.wiro.ai/v1"
ACCOUNT = "the account"
MODEL = "Runway/image-to-video-gen4-turbo"
ACCOUNT = "0123456789abcdef"
INPUTS: dict[str, object] = {"prompt": "A lighthouse", "ratio": "1280:720", "duration": "5", "seed": 0}


def identity(**fields: Any) -> Identity:
    given: dict[str, Any] = {
        "dag_id": "videos",
        "run_id": "manual__2026-01-01",
        "task_id": "video",
        "map_index": -1,
    } | fields
    return Identity(**given)


def work(inputs: Mapping[str, object] = INPUTS, *, key: str | None = None, **fields: Any) -> Work:
    """Return what is to be made."""
    return Work(**{"base_url": BASE_URL, "model": MODEL, "inputs": inputs, "idempotency_key": key} | fields)


def intent(
    inputs: Mapping[str, object] = INPUTS, *, at: float = START, key: str | None = None, **fields: Any
) -> Record:
    """Return what is written down before *inputs* are submitted."""
    made = work(inputs, key=key)
    return replace(Record.of(made, identity(), at=at, conn_id="wiro_default", account=ACCOUNT), **fields)


def of_0_1_0(record: Record) -> Record:
    """Return what version 0.1.0 has written down of the same."""
    assert record.work is not None
    print_of = fingerprint(record.work.base_url, record.model, record.work.inputs, record.work.idempotency_key)
    return replace(record, fingerprint=print_of, base_url=None, account=None, loose=None, work=None)


def submitted(
    inputs: Mapping[str, object] = INPUTS, *, taskid: str = "2221", at: float = START, **fields: Any
) -> Record:
    """Return what is written down after Wiro has accepted it, a second later."""
    return intent(inputs, at=at, **fields).submitted(taskid, at + 1)


class StateStore:
    """Airflow's accessor of the task state store, as far as the journal uses it.

    :param lost: whether what is set is silently lost.
    :param blind: how many looks answer as if there were nothing.
    """

    def __init__(self, *, lost: bool = False, blind: int = 0) -> None:
        self.kept: dict[str, str] = {}
        self.retention: object = None
        self.lost = lost
        self.blind = blind

    def get(self, key: str, default: object = None) -> Any:
        if self.blind > 0:
            self.blind -= 1
            return default
        return json.loads(self.kept[key]) if key in self.kept else default

    def set(self, key: str, value: object, *, retention: object = None) -> None:
        self.retention = retention
        if not self.lost:
            self.kept[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        if not self.lost:
            self.kept.pop(key, None)


def the_file_in(folder: Path) -> Path:
    """Return the only record below *folder*."""
    [path] = folder.rglob("*.json")
    return path


def failing(error: BaseException) -> Callable[..., None]:
    """Return a function that raises *error*."""

    def fail(*_: object, **__: object) -> None:
        raise error

    return fail
