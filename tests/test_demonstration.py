"""The demonstration bears with a busy machine, and reads what each Airflow logs."""

from __future__ import annotations

import importlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.compat import ObjectStoragePath
from airflow_provider_wiro.landing import place_of

BODY = b'{"state": 1}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n" + BODY


@pytest.fixture
def small_airflow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of that name below scripts/demonstration; the tests have one of this name of their own."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "scripts"))
    from demonstration import small_airflow

    monkeypatch.setattr(small_airflow, "PATIENCE", 0.5)
    monkeypatch.setattr(small_airflow, "version", lambda: (3, 3))
    return small_airflow


@pytest.fixture
def demonstration(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports a module of the demonstration."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "scripts"))
    return lambda name: importlib.import_module(f"demonstration.{name}")


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_request_that_has_no_answer_in_time_is_sent_again(small_airflow: Any, listening: socket.socket) -> None:
    kept = []

    def answer_the_second() -> None:
        kept.append(listening.accept()[0])  # and never answered
        second, _ = listening.accept()
        with second:
            second.recv(65536)
            second.sendall(ANSWER)

    thread = threading.Thread(target=answer_the_second)
    thread.start()
    api = small_airflow.Api(listening.getsockname()[1])
    api._token = "known"
    try:
        assert api.task("dag", "run", "task") == {"state": 1}
    finally:
        thread.join(10)
        kept[0].close()


def test_one_that_never_has_an_answer_is_named_with_what_to_do(small_airflow: Any, listening: socket.socket) -> None:
    api = small_airflow.Api(port := listening.getsockname()[1])
    api._token = "known"
    with pytest.raises(small_airflow.Failed) as caught:
        api.task("dag", "run", "task")
    assert str(caught.value) == (
        f"GET http://127.0.0.1:{port}/api/v2/dags/dag/dagRuns/run/taskInstances/task had no answer within 0.5 s, "
        "3 times. Is the machine busy? Run scripts/demo again"
    )


@pytest.mark.parametrize("airflow", ["2.11", "3.3"])
def test_what_the_provider_logs_is_told_and_nothing_else(
    airflow: str, demonstration: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Written with the very format that the demonstration's Airflow 2 is told to use."""
    small_airflow, story = demonstration("small_airflow"), demonstration("story")
    monkeypatch.setattr(small_airflow, "version", lambda: tuple(map(int, airflow.split("."))))
    form = small_airflow.settings(tmp_path, tmp_path, 8080).get("AIRFLOW__LOGGING__LOG_FORMAT")
    ours, theirs = "airflow.task.operators.airflow_provider_wiro.operators.runway", "airflow.task"
    words = {ours: "taskid 7: Wiro accepted the submission\nand more", theirs: "Marking wiro_video as SUCCESS"}
    records = [logging.LogRecord(name, logging.INFO, "", 1, said, None, None) for name, said in words.items()]
    structured = [json.dumps({"logger": name, "event": said, "level": "info"}) for name, said in words.items()]
    lines = [logging.Formatter(form).format(record) for record in records] if form else structured
    file = tmp_path / "attempt=1.log"
    file.write_text("\n".join([*lines, "no line of a log", "[]", ""]))
    log = story.TaskLog(tmp_path)
    assert list(log.new_lines()) == ["taskid 7: Wiro accepted the submission"]
    assert log.accepted_taskid() == "7"


def test_the_image_is_a_png_in_a_bucket_that_airflow_opens(demonstration: Any, tmp_path: Path) -> None:
    buckets = demonstration("buckets").Buckets(tmp_path / "a b%20c")
    image = buckets.fill()
    with ObjectStoragePath(buckets.image).open("rb") as file:
        content = file.read()
    assert content == image.read_bytes()
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert demonstration("buckets").path_of(place_of(buckets.videos).uri) == tmp_path / "a b%20c" / "videos"


def test_the_dags_that_are_shown_exist(demonstration: Any) -> None:
    run = demonstration("run")
    source = (run.ROOT / "example_dags" / f"{run.DAG}.py").read_text()
    assert all(f'"{name}"' in source for name in (run.DAG, run.TASK, run.READER))
    assert f"def {run.READING}(" in source
