"""Results of tasks, to be saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.result import OutputDict, ResultDict

Save = Callable[..., tuple[Landed, ...]]
MOST = 2_000_000_000


def output(
    url: str | None = None,
    name: str | None = None,
    content_type: str | None = None,
    size: int | None = None,
    content: object = None,
) -> OutputDict:
    return {"url": url, "name": name, "content_type": content_type, "size": size, "content": content}


def result(*outputs: OutputDict, taskid: str = "2221", **fields: object) -> ResultDict:
    told: Mapping[str, object] = {
        "taskid": taskid,
        "status": "task_postprocess_end",
        "outputs": list(outputs),
        "text": None,
        "cost_usd": 0.25,
        "elapsed_seconds": 6.0,
    }
    return {**told, **fields}  # type: ignore[typeddict-item]
