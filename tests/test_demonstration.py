"""The demonstration bears with a busy machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BODY = b'{"state": 1}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n" + BODY


@pytest.fixture
def small_airflow(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of that name below scripts/demonstration; the tests have one of this name of their own."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "scripts"))
    from demonstration import small_airflow

    monkeypatch.setattr(small_airflow, "PATIENCE", 0.5)
    return small_airflow


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
