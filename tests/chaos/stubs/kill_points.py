"""Kills the process of a task at a point that the run's configuration names, or hurts it otherwise.

The DAGs call `arm` before each execution and each resumption of a task, in the process of that try alone.

| conf | meaning |
|---|---|
| kill | the point, a key of POINTS; the first time only |
| freeze | the same, where process and supervisor only stand still until the test wakes them |
| kill_index | the map index that is meant, where the task is mapped |
| gate | from the second try on, wait until the test has opened the gate |
| pause | seconds for which the first try waits before anything else |
| full_disk | whether the first try cannot write the taskid into the journal |
| s3, shelf | storages that the task's process reaches: see `storages` |
| environment | variables of each try |
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from storages import attach_storages

PATIENCE = 120.0
MEGABYTE = 1_000_000
# How many pieces of a source file have been read, at least, when one is killed that uploads it.
PIECES = 3


def arm(context: Any) -> None:
    """Write down which process this is, and set up what the run's configuration asks for."""
    ti, conf = context["ti"], context["dag_run"].conf
    files = Path(conf["reports"]) / ti.run_id
    own = files.with_suffix(f".{ti.map_index}.{ti.try_number}.pids")
    own.write_text(f"{os.getpid()} {os.getppid()}")
    attach_storages(conf)
    if conf.get("gate") and ti.try_number > 1:
        files.with_suffix(".arrived").touch()
        wait_for(files.with_suffix(".open"))
    if "kill" in conf and conf.get("kill_index", ti.map_index) == ti.map_index:
        POINTS[conf["kill"]](functools.partial(die, files.with_suffix(".killed")))
    if "freeze" in conf:
        POINTS[conf["freeze"]](functools.partial(stand_still, files.with_suffix(".frozen")))
    os.environ.update(conf.get("environment", {}))
    if ti.try_number == 1:
        time.sleep(conf.get("pause", 0))
        if conf.get("full_disk"):
            before(functools.partial(journal, "_replace"), no_space)


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{file} has not appeared")
        time.sleep(0.1)


def die(once: Path) -> None:
    """Kill this process, unless it has been done before."""
    try:
        once.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def stand_still(once: Path) -> None:
    """Stop this process and its supervisor, unless it has been done before; whoever sends SIGCONT lets them go on."""
    try:
        once.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getppid(), signal.SIGSTOP)
    os.kill(os.getpid(), signal.SIGSTOP)


def no_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def journal_kinds() -> list[type]:
    from airflow_provider_wiro import journals

    kinds = [journals.Journal]
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
    return kinds


def journal(method: str) -> list[tuple[type, str]]:
    return [(kind, method) for kind in journal_kinds() if method in vars(kind)]


def deferral() -> list[tuple[Any, str]]:
    from airflow_provider_wiro.stages import wait

    return [(wait, "_defer")]


def paid(method: str) -> list[tuple[type, str]]:
    from airflow_provider_wiro.stages.paid import PaidTask

    return [(PaidTask, method)]


def operator(method: str) -> list[tuple[type, str]]:
    from airflow_provider_wiro.operators.wiro import WiroRunOperator

    return [(WiroRunOperator, method)]


def landing(method: str) -> list[tuple[Any, str]]:
    from airflow_provider_wiro.stages import land

    return [(land, method)]


def saving(method: str) -> list[tuple[type, str]]:
    from airflow_provider_wiro.landing.saving import _Saving

    return [(_Saving, method)]


def local_sink(method: str) -> list[tuple[type, str]]:
    from airflow_provider_wiro.landing.local import _LocalSink

    return [(_LocalSink, method)]


def writes() -> list[tuple[type, str]]:
    """What takes each piece of a file, wherever it is saved."""
    from airflow_provider_wiro.landing.stored import _StoredSink

    return [*local_sink("write"), (_StoredSink, "write")]


def writes_of_small_files() -> list[tuple[type, str]]:
    """The same for a manifest, which an object storage gets at once."""
    from fsspec.implementations.local import LocalFileOpener

    return [*local_sink("write"), (LocalFileOpener, "write")]


def moves() -> list[tuple[type, str]]:
    """What puts a whole file into its place: the end of an upload in parts, or a move."""
    from fsspec.implementations.dirfs import DirFileSystem
    from s3fs import S3File

    return [(S3File, "commit"), (DirFileSystem, "mv")]


def pieces() -> list[tuple[type, str]]:
    from airflow_provider_wiro.clients.upload import Multipart

    return [(Multipart, "_read")]


def before(find: Callable[[], list[tuple[Any, str]]], die_now: Callable[[], None]) -> None:
    for kind, method in find():
        original = getattr(kind, method)

        def dying(*args: Any, _original: Any = original, **kwargs: Any) -> Any:
            die_now()
            return _original(*args, **kwargs)

        setattr(kind, method, functools.wraps(original)(dying))


def after(find: Callable[[], list[tuple[Any, str]]], die_now: Callable[[], None]) -> None:
    for kind, method in find():
        original = getattr(kind, method)

        def dying(*args: Any, _original: Any = original, **kwargs: Any) -> Any:
            result = _original(*args, **kwargs)
            die_now()
            return result

        setattr(kind, method, functools.wraps(original)(dying))


def at_write(
    find: Callable[[], list[tuple[type, str]]], is_it: Callable[[bytes, int], bool], die_now: Callable[[], None]
) -> None:
    """Die before a write that is told from the others by its bytes, and by how many were written before it."""
    for kind, method in find():
        original, written = getattr(kind, method), 0

        def dying(self: Any, data: bytes, *args: Any, _original: Any = original) -> Any:
            nonlocal written
            if is_it(data, written):
                die_now()
            written += len(data)
            return _original(self, data, *args)

        setattr(kind, method, functools.wraps(original)(dying))


def past(size: int, data: bytes, written: int) -> bool:
    return written + len(data) > size


def is_manifest(data: bytes, written: int) -> bool:
    return bytes(data[:2]) == b"{\n"


def in_the_upload(die_now: Callable[[], None]) -> None:
    read = 0

    def die_later() -> None:
        nonlocal read
        read += 1
        if read > PIECES:
            die_now()

    before(pieces, die_later)


def before_the_move(die_now: Callable[[], None]) -> None:
    before(moves, die_now)
    after(functools.partial(local_sink, "_sync"), die_now)


def after_the_move(die_now: Callable[[], None]) -> None:
    after(moves, die_now)
    after(functools.partial(local_sink, "commit"), die_now)


CREATED = functools.partial(journal, "_create")
POINTS: dict[str, Callable[[Callable[[], None]], None]] = {
    "before the intent": functools.partial(before, CREATED),
    "after the intent": functools.partial(after, CREATED),
    # Where a file is uploaded, it is this what is written down first.
    "before the upload's record": functools.partial(before, CREATED),
    "after the upload's record": functools.partial(after, CREATED),
    "in the upload": in_the_upload,
    "after the answer": functools.partial(before, functools.partial(paid, "obtained")),
    "before the record": functools.partial(before, functools.partial(journal, "_replace")),
    "after the record": functools.partial(after, functools.partial(journal, "_replace")),
    "during defer": functools.partial(before, deferral),
    "after the event": functools.partial(before, functools.partial(operator, "execute_complete")),
    "in a file": functools.partial(at_write, writes, functools.partial(past, MEGABYTE)),
    "between two parts": functools.partial(at_write, writes, functools.partial(past, 12 * MEGABYTE)),
    "before the move": before_the_move,
    "after the move": after_the_move,
    "before the manifest": functools.partial(before, functools.partial(saving, "write_manifest")),
    "in the manifest": functools.partial(at_write, writes_of_small_files, is_manifest),
    "before landed": functools.partial(before, functools.partial(landing, "note_landed")),
    "before the delete": functools.partial(before, functools.partial(landing, "delete_at_wiro")),
    "after the delete": functools.partial(before, functools.partial(landing, "note_deleted")),
}
