"""What an emulated task has made when it is over: files, or what a text model answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from airflow_provider_wiro.emulator.media import StoredFile, sample_image, sample_sound, video_of
from airflow_provider_wiro.emulator.tasks import EmulatedTask, random_token

Keep = Callable[[str, StoredFile], str]


def of(task: EmulatedTask, keep: Keep) -> tuple[list[dict[str, object]], str]:
    """
    Return the rows of the outputs of ``task``, and the merged text of a text model.

    :param keep: called with a folder and a file; keeps the file and returns its address.
    """
    wanted = task.outcome.outputs
    if wanted is None:
        wanted = 1 if task.outcome.succeeds else 0
    if not isinstance(wanted, int):
        return [dict(row) for row in wanted], ""
    if task.known is not None and task.known.makes == "text":
        return [_answer(task) for _ in range(wanted)], "\n".join(_text(task) for _ in range(wanted))
    return [_file(task, _made(task, number), keep) for number in range(wanted)], ""


def _answer(task: EmulatedTask) -> dict[str, object]:
    text = _text(task)
    content = {"prompt": str(task.inputs.get("prompt", "")), "raw": text, "thinking": [], "answer": [text]}
    return {"contenttype": "raw", "content": content}


def _text(task: EmulatedTask) -> str:
    if prompt := str(task.inputs.get("prompt", "")):
        return f"The emulated {task.model} answers: {prompt}"
    return f"The emulated {task.model} heard nothing but the wind."


def _made(task: EmulatedTask, number: int) -> StoredFile:
    makes = ("video" if "video" in task.model else "file") if task.known is None else task.known.makes
    match makes:
        case "video":
            return StoredFile(f"{number}.mp4", "video/mp4", video_of(task.outcome.output_bytes))
        case "image":
            return StoredFile(f"{number}.png", "image/png", sample_image())
        case "audio":
            return StoredFile(f"{number}.wav", "audio/wav", sample_sound())
    return StoredFile(f"{number}.txt", "text/plain", f"{task.inputs.get('prompt', task.model)}\n".encode())


def _file(task: EmulatedTask, file: StoredFile, keep: Keep) -> dict[str, object]:
    added = str(int(task.clock.shown(task.created_at + task.duration)))
    return {
        "id": uuid.uuid4().hex,
        "name": file.name,
        "contenttype": file.content_type,
        "parentid": uuid.uuid4().hex,
        "uuid": task.uuid,
        "size": str(len(file.data)),
        "addedtime": added,
        "modifiedtime": added,
        "accesskey": random_token(),
        "foldercount": "0",
        "filecount": "0",
        "ispublic": 0,
        "expiretime": None,
        "url": keep("Output", file),
    }
