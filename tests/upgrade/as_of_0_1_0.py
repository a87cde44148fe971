"""Version 0.1.0, frozen: how it told work apart, and how a sample of it is moved to another place and time.

Nothing here follows the code: it is what stands in the journals of those who upgrade.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow_provider_wiro.emulator import WiroEmulator

NOT_THE_WORK = frozenset({"callbackUrl", "projectid"})


def fingerprint(base_url: str, model: str, inputs: Mapping[str, object], idempotency_key: str | None) -> str:
    """What was the same for the same work."""
    work: object = idempotency_key
    if idempotency_key is None:
        work = [model, {name: value for name, value in inputs.items() if name not in NOT_THE_WORK}]
    return hashlib.sha256(canonical([base_url, work]).encode()).hexdigest()


def canonical(value: object) -> str:
    return json.dumps(json.loads(json.dumps(value)), sort_keys=True)


class Left:
    """What 0.1.0 has left behind of one task instance, as if it had submitted now, to *emulator*."""

    def __init__(self, sample: dict[str, Any], emulator: WiroEmulator) -> None:
        made = copy.deepcopy(sample)
        self.taskid, now = submit(emulator, made["journal"]["record"]["model"], made["sent"]), time.time()
        self.path: str = made["journal"]["path"]
        self.record: dict[str, Any] = made["journal"]["record"] | {
            "fingerprint": fingerprint_of(sample, emulator.url),
            "taskid": self.taskid,
            "at": now - 1,
            "submitted_at": now,
        }
        self.xcoms: dict[str, Any] = made["xcoms"] | {"taskid": self.taskid}
        self.classpath: str = made["trigger"]["classpath"]
        self.kwargs: dict[str, Any] = made["trigger"]["kwargs"] | {
            "taskid": self.taskid,
            "submitted_at": now,
            "deadline": now + 60,
            "poll_interval": 0.1,
        }
        self.method: str = made["resumes"]["method"]
        self.resumes: dict[str, Any] = made["resumes"]["kwargs"]
        self.event: dict[str, Any] = made["event"] | {"taskid": self.taskid}
        self.event["result"]["taskid"] = self.taskid

    def write_record(self, folder: Path) -> None:
        """Put the record where 0.1.0 kept it."""
        path = folder / self.path
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(self.record))


def fingerprint_of(sample: Mapping[str, Any], base_url: str) -> str:
    """The fingerprint that 0.1.0 would have written for another service."""
    key = sample["arguments"].get("idempotency_key")
    return fingerprint(base_url, sample["journal"]["record"]["model"], sample["sent"], key)


def submit(emulator: WiroEmulator, model: str, body: Mapping[str, object]) -> str:
    """Submit what 0.1.0 sent, and return the taskid."""
    key, secret = emulator.connection["login"], emulator.connection["password"]
    nonce = str(time.time_ns())
    headers = {
        "Content-Type": "application/json",
        "x-api-key": key,
        "x-nonce": nonce,
        "x-signature": hmac.new(key.encode(), (secret + nonce).encode(), hashlib.sha256).hexdigest(),
    }
    request = urllib.request.Request(f"{emulator.url}/Run/{model}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        taskid: str = json.load(answer)["taskid"]
    return taskid
