"""The manifest beside saved files: what made them, and for how much."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.text import one_line
from airflow_provider_wiro.core.texts import storable

MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class About:
    """What a manifest says beyond the files.

    :param inputs: the model's inputs as they were sent, except files.
    :param files: file input -> SHA-256 of its content.
    :param cost_usd: what Wiro charged, in US dollars; None where it does not say.
    :param submitted_at: unix time.
    :param elapsed_seconds: how long the model worked.
    """

    taskid: str
    model: str | None = None
    inputs: Mapping[str, object] = field(default_factory=dict, repr=False)
    files: Mapping[str, str] = field(default_factory=dict)
    cost_usd: float | None = None
    submitted_at: float | None = None
    elapsed_seconds: float | None = None
    dag_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    map_index: int | None = None


def written(about: About, landed: tuple[Landed, ...], *, saved_at: float, provider: str) -> bytes:
    """Return a manifest as it is kept: JSON in UTF-8. It is public, and outlives an upgrade of this package.

    :param saved_at: unix time.
    :param provider: name and version of this package.
    """
    told = {
        "version": MANIFEST_VERSION,
        "provider": provider,
        "taskid": about.taskid,
        "model": about.model,
        "inputs": storable(about.inputs),
        "files": dict(about.files),
        "outputs": [one.to_json() for one in landed],
        "cost_usd": about.cost_usd,
        "submitted_at": _utc(about.submitted_at),
        "elapsed_seconds": about.elapsed_seconds,
        "saved_at": _utc(saved_at),
        "dag_id": about.dag_id,
        "run_id": about.run_id,
        "task_id": about.task_id,
        "map_index": about.map_index,
    }
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode(errors="replace")


def files_in(manifest: bytes) -> tuple[Landed, ...]:
    """Read which files a manifest names.

    :raises ValueError: if it is no manifest that this version can read.
    """
    try:
        told = json.loads(manifest)
        if told["version"] != MANIFEST_VERSION:
            raise ValueError(f"version {told['version']!r}; was it written by a newer version of this package?")
        return tuple(Landed.from_json(one) for one in told["outputs"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"no manifest of this version ({one_line(f'{type(error).__name__}: {error}', 150)})") from None


def _utc(moment: float | None) -> str | None:
    return None if moment is None else f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"
