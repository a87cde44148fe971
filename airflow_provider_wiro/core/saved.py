"""What an earlier try has saved, as the result of this one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.manifest import files_in
from airflow_provider_wiro.core.outputs import RAW
from airflow_provider_wiro.core.parts import main_files
from airflow_provider_wiro.core.reading import read_number
from airflow_provider_wiro.core.result import OutputDict, ResultDict
from airflow_provider_wiro.core.task import COMPLETED
from airflow_provider_wiro.core.texts import joined, text_of


def with_places(result: ResultDict, landed: Sequence[Landed]) -> ResultDict:
    """Return a result whose outputs say where they are saved.

    :param landed: what saving it has returned.
    """
    outputs = [
        output if file is None else _placed(output, file)
        for output, file in zip(result["outputs"], main_files(result, landed), strict=True)
    ]
    return {**result, "outputs": outputs}


def _placed(output: OutputDict, file: Landed) -> OutputDict:
    return {**output, "size": file.size, "uri": file.uri, "sha256": file.sha256}


def result_of(taskid: str, manifest: bytes, landed: Sequence[Landed], read: Callable[[Landed], bytes]) -> ResultDict:
    """Return the result of saved files.

    :param manifest: what stands beside them.
    :param read: reads one of them.
    :raises ValueError: if the manifest is not theirs.
    """
    told = json.loads(manifest)
    named = {(file.name, file.size, file.sha256) for file in files_in(manifest)}
    if not isinstance(told, Mapping) or told.get("taskid") != taskid:
        raise ValueError("it is the manifest of another task")
    if named != {(file.name, file.size, file.sha256) for file in landed}:
        raise ValueError("it is the manifest of other files")
    outputs = _outputs(landed, read)
    return {
        "taskid": taskid,
        "status": COMPLETED,
        "outputs": outputs,
        "text": joined(text_of(output["content"]) for output in outputs),
        "cost_usd": read_number(told.get("cost_usd")),
        "elapsed_seconds": read_number(told.get("elapsed_seconds")),
    }


def _outputs(landed: Sequence[Landed], read: Callable[[Landed], bytes]) -> list[OutputDict]:
    """Return the outputs: each file at Wiro is one, and what stood in the result are two files, text and content."""
    outputs, text = [], None
    for file in landed:
        if file.url is not None:
            about = {"url": file.url, "name": file.name, "content_type": file.content_type, "content": None}
            outputs.append(_placed(cast(OutputDict, about), file))
        elif file.content_type == "text/plain":
            text = file
        else:
            about = {"url": None, "name": None, "content_type": RAW, "content": json.loads(read(file))}
            outputs.append(_placed(cast(OutputDict, about), text or file))
            text = None
    return outputs
