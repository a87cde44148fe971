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

PATIENCE = 120.0


def arm(context: Any) -> None:
    """Write down which process this is, and set up what the run's configuration asks for."""
    ti, conf = context["ti"], context["dag_run"].conf
    files = Path(conf["reports"]) / ti.run_id
    own = files.with_suffix(f".{ti.map_index}.{ti.try_number}.pids")
    own.write_text(f"{os.getpid()} {os.getppid()}")
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


POINTS: dict[str, Callable[[Callable[[], None]], None]] = {
    "before the intent": functools.partial(before, functools.partial(journal, "_create")),
    "after the intent": functools.partial(after, functools.partial(journal, "_create")),
    "after the answer": functools.partial(before, functools.partial(paid, "obtained")),
    "before the record": functools.partial(before, functools.partial(journal, "_replace")),
    "after the record": functools.partial(after, functools.partial(journal, "_replace")),
    "during defer": functools.partial(before, deferral),
    "after the event": functools.partial(before, functools.partial(operator, "execute_complete")),
}
