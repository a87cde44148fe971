"""Each call against each fault, with both drivers: a documented outcome in time, in bounded memory, fit for a log."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_wiro.clients.wire import LONGEST_BODY
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import (
    MOST_VALUES,
    Flow,
    NoReply,
    Reply,
    complaint,
    describe,
    send,
    task_in,
)
from airflow_provider_wiro.emulator import FAULTS, WiroEmulator
from driving import Drive, DriveAsync, DriveSync, credentials_of, look
from old_aiohttp import skip_where_aiohttp_has_no_bound
from small_servers import read_request, socket_server

TIMEOUT = 0.5
LONGEST_LINE = 500
# aiohttp waits for the end of a chunk that has none.
ENDLESS = {"hang", "drip", "header_drip", "interim", "bad_chunks"}

FAULTY: list[tuple[str, dict[str, Any]]] = [
    ("429", {}),
    ("429", {"retry_after": "\x1b[2J"}),
    ("5xx", {"status": 503, "after": True}),
    ("html", {}),
    ("redirect", {"status": 307, "location": "http://[::1"}),
    ("drop_before", {}),
    ("drop_after", {}),
    ("hang", {}),
    ("slow", {"seconds": 0.05}),
    ("broken_json", {}),
    ("no_taskid", {}),
    ("code", {"code": 0, "message": "no\x1b[2J\r\n" * 10_000}),
    ("string_errors", {"message": "no\x00\u202e" * 10_000}),
    ("truncated", {}),
    ("huge", {"megabytes": 12}),
    ("drip", {}),
    ("nested", {}),
    ("crowded", {}),
    ("escapes", {"where": "body"}),
    ("escapes", {"where": "body", "status": 502}),
    ("escapes", {"where": "raw"}),
    ("escapes", {"where": "head"}),
    ("wrong_length", {"by": -10}),
    ("wrong_length", {"by": 10}),
    ("wrong_length", {"by": 10**15}),
    ("bad_chunks", {}),
    ("gzip_bomb", {"megabytes": 200}),
    ("header_drip", {"interval": 0.02}),
    ("header_flood", {}),
    ("interim", {"status": 100}),
    ("interim", {"status": 103}),
    ("interim", {"status": 100, "count": 3}),
    ("interim", {"status": 103, "count": 3}),
    ("garbage", {}),
    ("json", {"body": {"result": True, "tasklist": []}, "after": True}),
    ("odd_row", {"fields": {"id": "1", "status": "no\x1b[2J" * 10_000}}),
    *[("odd_json", {"kind": kind}) for kind in ("bom", "twice", "digits", "latin1", "nul", "nan")],
]
CALLS: dict[str, tuple[str, dict[str, object]]] = {
    "Run": ("/Run/owner/model", {"prompt": "A lighthouse"}),
    "Detail": ("/Task/Detail", {"taskid": "2221"}),
    "List": ("/Task/List", {"type": "model", "limit": "20"}),
    "Kill": ("/Task/Kill", {"taskid": "2221"}),
    "Cancel": ("/Task/Cancel", {"taskid": "2221"}),
}


def named(value: object) -> str | None:
    return "-".join(str(item)[:8] for item in value.values()) if isinstance(value, dict) else None


def once(call: str) -> Flow[Reply | NoReply]:
    path, body = CALLS[call]
    return send(path, body)


def assert_fit_for_a_log(*lines: str) -> None:
    for line in lines:
        assert line.isprintable(), line[:200]
        assert len(line) <= LONGEST_LINE, line[:200]


def test_every_fault_of_the_emulator_is_here() -> None:
    assert {fault for fault, _ in FAULTY} == set(FAULTS)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("fault", "options"), FAULTY, ids=named)
def test_a_call_that_meets_a_fault(
    emulator: WiroEmulator, caplog: pytest.LogCaptureFixture, call: str, fault: str, options: dict[str, Any]
) -> None:
    skip_where_aiohttp_has_no_bound(fault)
    emulator.outcome(hold="task_queue", times=-1)
    DriveSync()(once("Run"), credentials_of(emulator))
    emulator.script(call, fault, times=2, **options)
    caplog.set_level(logging.DEBUG)
    outcomes = []
    for drive in (DriveSync(), DriveAsync()):
        begun = time.monotonic()
        outcome = drive(
            once(call), credentials_of(emulator, TIMEOUT if fault in ENDLESS and "count" not in options else 5.0)
        )
        assert time.monotonic() - begun < (TIMEOUT + 2 if fault in ENDLESS else 6)
        assert not isinstance(outcome, NoReply) or outcome.sent
        task = task_in(outcome, "2221")
        said = complaint(outcome) if isinstance(outcome, Reply) else None
        assert_fit_for_a_log(describe(outcome), repr(task), repr(said), *drive.log.lines)
        outcomes.append(outcome)
    assert len([request for request in emulator.requests if request.call == call]) == 2 + (call == "Run")
    assert_fit_for_a_log(*(record.getMessage() for record in caplog.records))
    assert [type(outcome) for outcome in outcomes] == [type(outcomes[0])] * 2, outcomes
    if isinstance(outcomes[0], Reply) and isinstance(outcomes[1], Reply):
        assert outcomes[0].status == outcomes[1].status
        assert (outcomes[0].body is None) == (outcomes[1].body is None)


@pytest.mark.parametrize(
    ("fault", "options"),
    [("odd_json", {"kind": kind}) for kind in ("bom", "twice", "latin1", "nan")]
    + [("interim", {"status": 100, "count": 3}), ("interim", {"status": 103, "count": 3})],
    ids=named,
)
def test_what_can_be_read_is_read(drive: Drive, emulator: WiroEmulator, fault: str, options: dict[str, Any]) -> None:
    emulator.script("Run", fault, **options)
    outcome = drive(once("Run"), credentials_of(emulator))
    assert isinstance(outcome, Reply)
    assert isinstance(outcome.body, dict)
    assert outcome.body["taskid"] == emulator.runs[0].taskid


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("huge", {"megabytes": 300}),
        ("gzip_bomb", {"megabytes": 3000}),
        ("crowded", {"megabytes": 8}),
        ("header_flood", {}),
        ("interim", {}),
    ],
    ids=named,
)
def test_memory_is_bounded(drive: Drive, emulator: WiroEmulator, fault: str, options: dict[str, Any]) -> None:
    skip_where_aiohttp_has_no_bound(fault)
    emulator.script("Detail", fault, **options)
    credentials = credentials_of(emulator, 1.0 if fault == "interim" else 10.0)
    drive(once("List"), credentials)
    tracemalloc.start()
    try:
        outcome = drive(once("Detail"), credentials)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not isinstance(outcome, Reply) or outcome.body is None
    assert peak < 64 * 2**20  # the emulator's part included


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["http://[::1", "//\x1b[2J", "http://\udcff/", "x" * 8000, "file:///etc/passwd"])
def test_a_redirect_is_an_answer_wherever_it_leads(drive: Drive, status: int, location: str) -> None:
    head = f"HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 4\r\n\r\nbody"
    requests: list[bytes] = []

    def redirect(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(head.encode("utf-8", "surrogateescape"))

    with socket_server(redirect) as port:
        [outcome] = drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", 5.0))
    assert len(requests) == 1
    if isinstance(outcome, Reply):
        assert (outcome.status, outcome.excerpt) == (status, "body")
    else:
        assert "\x1b" in location
        assert outcome.sent


def test_the_body_of_a_redirect_is_bounded_too(drive: Drive) -> None:
    def redirect(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 308 Moved\r\nLocation: /v1/Elsewhere\r\n\r\n")
        for _ in range(40):
            connection.sendall(b"x" * 1_000_000)

    with socket_server(redirect) as port:
        [outcome] = drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", 5.0))
    assert outcome == NoReply(sent=True, reason="the answer is longer than 8388608 bytes")


def answering(body: bytes, encoding: str) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        assert b"\r\naccept-encoding: gzip\r\n" in read_request(connection).lower()
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    return answer


ZIPPED = gzip.compress(b'{"a": 1}', mtime=0)


@pytest.mark.parametrize(
    ("body", "encoding", "read"),
    [
        (ZIPPED, "gzip", {"a": 1}),
        (ZIPPED, " X-GZIP ", {"a": 1}),
        (b'{"a": 1}', "identity", {"a": 1}),
        (b"", "gzip", None),
        (ZIPPED[:-3], "gzip", None),
        (b"no gzip", "gzip", None),
        (gzip.compress(ZIPPED, mtime=0), "gzip, gzip", None),
        (b'{"a": 1}', "br", None),
    ],
)
def test_gzip_is_unpacked_and_nothing_else(drive: Drive, body: bytes, encoding: str, read: object) -> None:
    with socket_server(answering(body, encoding)) as port:
        [outcome] = drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", 5.0))
    assert isinstance(outcome, Reply)
    assert (outcome.status, outcome.body) == (200, read)


def test_a_body_that_unpacks_to_just_what_is_allowed_is_read(drive: Drive) -> None:
    for more, kind in ((0, Reply), (1, NoReply)):
        body = gzip.compress(b'"' + b"x" * (LONGEST_BODY - 2 + more) + b'"', 1)
        with socket_server(answering(body, "gzip")) as port:
            [outcome] = drive(look(), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", 10.0))
        assert type(outcome) is kind


def test_cookies_are_not_even_parsed(drive: Drive, caplog: pytest.LogCaptureFixture) -> None:
    odd = "an odd name " * 400 + "=1", "a[]=1;" * 1000, "x=1; expires=" + "9" * 5000, "=;=;;="
    requests: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        cookies = "".join(f"Set-Cookie: {cookie}\r\n" for cookie in odd)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{cookies}Content-Length: 2\r\n\r\n{{}}".encode())
        requests.append(read_request(connection))

    caplog.set_level(logging.DEBUG)
    with socket_server(answer) as port:
        first, _ = drive(look(2), Credentials("key", "secret", f"http://127.0.0.1:{port}/v1", 5.0))
    assert isinstance(first, Reply)
    assert "ookie" not in caplog.text
    assert [b"cookie" in request.lower() for request in requests] == [False, False]


def test_a_hostile_body_of_the_largest_size_is_read_quickly() -> None:
    units = [b"[],", b"{},", b"1,", b'"",', b"0.1,", b'{"a":1},', b"[" * 900 + b"]" * 900 + b",", b'\\",', b'"\\n",']
    units += [b'{"id":"1","status":"x"},', b'{"content":1},', b"\xff", b"9" * 4299 + b","]
    for unit in units:
        for before in (b"[", b'{"result":true,"tasklist":[', b'{"errors":[{"message":['):
            raw = before + unit * (LONGEST_BODY // len(unit))
            begun = time.thread_time()
            outcome = Reply.from_http(200, raw)
            task_in(outcome, "2221")
            describe(outcome)
            assert time.thread_time() - begun < 0.5, unit[:20]  # 0.05 here, 0.6 to 2 where nothing bounds it


@pytest.mark.parametrize("prompt", ["a, [b], {c}\n" * 100_000, '\\"' * 500_000, "\\" * 600_000, '"' * 1_000_000])
def test_a_long_prompt_is_no_hostile_body(prompt: str) -> None:
    parameters = {"path": "C:\\", "prompt": prompt}
    body = {"result": True, "tasklist": [{"id": "2221", "status": "task_start", "parameters": parameters}]}
    for text in (json.dumps(body), json.dumps(body, indent=1)):
        assert Reply.from_http(200, text.encode()).body == body


def test_as_many_values_as_are_allowed_are_read() -> None:
    few, many = [1] * MOST_VALUES, [1] * (MOST_VALUES + 1)
    assert Reply.from_http(200, json.dumps(few).encode()).body == few
    assert Reply.from_http(200, json.dumps(many).encode()).body is None
