"""Each hostile answer as a bare socket sees it, and whether the work was done."""

from __future__ import annotations

import json
import socket
import time
import zlib
from typing import Any

import pytest
from emulator_client import INPUTS, RUNWAY, Client, signed_headers

from airflow_provider_wiro.emulator import WiroEmulator


def answer_to(
    emulator: WiroEmulator, fault: str, *, enough: int = 10**9, path: str = RUNWAY, body: Any = INPUTS, **options: Any
) -> tuple[bytes, bytes]:
    """Head and body of what a request gets, up to ``enough`` bytes or the end of the connection."""
    emulator.script("*", fault, **options)
    host, port = emulator.url.removeprefix("http://").removesuffix("/v1").split(":")
    raw = json.dumps(body).encode()
    headers = signed_headers("emulator-key", "emulator-secret") | {
        "Host": host,
        "Connection": "close",
        "Content-Type": "application/json",
        "Content-Length": str(len(raw)),
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    got = bytearray()
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"POST /v1{path} HTTP/1.1\r\n{lines}\r\n".encode() + raw)
        while len(got) < enough and (more := connection.recv(1_000_000)):
            got += more
    head, _, rest = bytes(got).partition(b"\r\n\r\n")
    return head, rest


def length_in(head: bytes) -> int:
    [line] = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(line.split(b":")[1])


def test_nested_lists(emulator: WiroEmulator) -> None:
    head, body = answer_to(emulator, "nested", depth=50_000)
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert (body.count(b"["), body.count(b"]"), emulator.runs) == (50_000, 50_000, [])


def test_a_crowd_of_lists_is_good_json(emulator: WiroEmulator) -> None:
    _, body = answer_to(emulator, "crowded", megabytes=1)
    answer = json.loads(body)
    assert 900_000 < len(body) <= 1_000_000
    assert (answer["result"], len(answer["tasklist"]) > 300_000, emulator.runs) == (True, True, [])


def test_escapes_in_every_text_but_ids(wiro: Client, emulator: WiroEmulator) -> None:
    taskid = wiro.run()
    head, body = answer_to(emulator, "escapes", path="/Task/Detail", body={"taskid": taskid}, status=500)
    [row] = json.loads(body)["tasklist"]
    assert head.startswith(b"HTTP/1.1 500 ")
    assert row["id"] == taskid
    assert row["socketaccesstoken"] == emulator.tasks[taskid].token
    assert row["status"].startswith("task_queue\x1b[2J")
    assert row["parameters"]["prompt"].endswith("\x9b31m")

    _, raw = answer_to(emulator, "escapes", path="/Task/Detail", body={"taskid": taskid}, where="raw")
    assert b'"task_queue\x1b[2J' in raw
    assert b"\x00" in raw


def test_escapes_in_the_head(emulator: WiroEmulator) -> None:
    head, body = answer_to(emulator, "escapes", where="head", status=429)
    assert head.startswith(b"HTTP/1.1 429 \x1b[2J")
    assert b"\x1b]0;gone\x07" in head
    assert json.loads(body)["taskid"] == emulator.runs[0].taskid
    assert emulator.requests[-1].status == 429


@pytest.mark.parametrize("by", [-10, 10, 10**12])
def test_a_length_that_is_wrong(emulator: WiroEmulator, by: int) -> None:
    head, body = answer_to(emulator, "wrong_length", by=by)
    assert length_in(head) == len(body) + by
    assert json.loads(body)["taskid"] == emulator.runs[0].taskid


def test_chunks_of_which_one_has_no_length(emulator: WiroEmulator) -> None:
    head, body = answer_to(emulator, "bad_chunks")
    size, _, rest = body.partition(b"\r\n")
    assert b"Transfer-Encoding: chunked" in head
    assert rest[int(size, 16) :].startswith(b"\r\n-1f\x00")
    assert len(emulator.runs) == 1


def test_a_small_body_that_becomes_large(emulator: WiroEmulator) -> None:
    head, body = answer_to(emulator, "gzip_bomb", megabytes=20)
    assert b"Content-Encoding: gzip" in head
    assert length_in(head) == len(body) < 50_000
    unpacked = zlib.decompressobj(wbits=31).decompress(body)
    assert unpacked.startswith(b'{"padding": "000')
    assert len(unpacked) > 20_000_000
    assert len(emulator.runs) == 1


@pytest.mark.parametrize(
    ("fault", "options", "sign"),
    [
        ("header_drip", {"interval": 0.001}, b"X-Slow: xxx"),
        ("header_flood", {}, b"X-Many: more of them\r\nX-Many: "),
        ("interim", {"status": 100}, b"HTTP/1.1 100 Wait\r\n"),
        ("interim", {}, b"HTTP/1.1 103 Wait\r\n"),
    ],
)
def test_what_never_ends_does_not_keep_the_emulator_from_ending(
    emulator: WiroEmulator, fault: str, options: dict[str, Any], sign: bytes
) -> None:
    head, rest = answer_to(emulator, fault, enough=5000 if fault != "header_drip" else 100, **options)
    assert sign in head + rest
    assert b"taskid" not in head + rest
    assert len(emulator.runs) == 1
    begun = time.monotonic()
    emulator.stop()
    assert time.monotonic() - begun < 3


def test_interim_answers_come_before_the_right_one(emulator: WiroEmulator) -> None:
    head, rest = answer_to(emulator, "interim", status=103, count=2)
    assert head.startswith(b"HTTP/1.1 103")
    assert (head + rest).count(b"HTTP/1.1 103") == 2
    assert rest.rpartition(b"\r\n\r\n")[2].startswith(b'{"errors": [], "taskid"')


def test_garbage(emulator: WiroEmulator) -> None:
    head, rest = answer_to(emulator, "garbage")
    assert (head + rest).startswith(b"220 mail.example ESMTP\x00")
    assert b"HTTP/" not in head
    assert len(emulator.runs) == 1


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        ("bom", b"\xef\xbb\xbf{"),
        ("twice", b'{"errors": "no", "taskid": "no"'),
        ("digits", b"9" * 5000 + b","),
        ("latin1", b"\xfc\xff"),
        ("nul", b"}\x00"),
        ("nan", b"[NaN, "),
    ],
)
def test_json_that_is_oddly_written(emulator: WiroEmulator, kind: str, sign: bytes) -> None:
    _, body = answer_to(emulator, "odd_json", kind=kind)
    assert sign in body
    assert f'"taskid": "{emulator.runs[0].taskid}"'.encode() in body
