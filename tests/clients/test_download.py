"""A public file is downloaded whole, or not at all, whatever its server does."""

from __future__ import annotations

import hashlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from airflow_provider_wiro import __version__
from airflow_provider_wiro.clients import download as downloading
from airflow_provider_wiro.clients.download import DownloadFailed, Received, Wanted, download
from airflow_provider_wiro.clients.public import Looks
from airflow_provider_wiro.exceptions import WiroInterrupted
from hostile_files import (
    FILE,
    Answer,
    dripping,
    endless,
    file_server,
    redirect,
    rest,
    silent,
    status,
    whole,
)
from small_servers import port_nobody_listens_on, proxy_server

HALF = len(FILE) // 2
ETAG, DATE = 'ETag: "abc"', "Last-Modified: Thu, 26 Nov 2026 12:00:00 GMT"


class Memory(bytearray):
    """A place to write to."""

    restarts = 0

    def write(self, data: bytes, /) -> None:
        self.extend(data)

    def restart(self) -> None:
        self.restarts += 1
        self.clear()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloading, "PAUSES", (0.01,) * 5)


@pytest.fixture
def told() -> threading.Event:
    return threading.Event()


@pytest.fixture
def looks(told: threading.Event) -> Looks:
    return Looks(True, ["127.0.0.1"], told.is_set)


@pytest.fixture
def over() -> threading.Event:
    """Ends a server that would go on for ever."""
    return threading.Event()


@pytest.fixture
def sink() -> Memory:
    return Memory()


@pytest.fixture
def fetch(looks: Looks, sink: Memory) -> Callable[..., Received]:
    def fetched(url: str, looks: Looks = looks, **wanted: object) -> Received:
        asked = replace(Wanted(url, 2_000_000_000, content_type="video/mp4"), **wanted)  # type: ignore[arg-type]
        return download(asked, sink, looks, logging.getLogger(__name__))

    return fetched


Fetch = Callable[..., Received]


def check(received: Received, sink: Memory) -> None:
    assert sink == FILE
    assert received == Received(len(FILE), hashlib.sha256(FILE).hexdigest(), "video/mp4")


def test_a_file_is_downloaded_without_a_key(fetch: Fetch, sink: Memory) -> None:
    with file_server(whole()) as server:
        check(fetch(server.url), sink)
    [head] = server.requests
    assert head.startswith("GET /0.mp4 HTTP/1.1\r\n")
    assert f"User-Agent: airflow-provider-wiro/{__version__}\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    assert not {"x-api-key", "x-signature", "x-nonce", "cookie"} & {line.split(":")[0].lower() for line in head.split()}


@pytest.mark.parametrize(
    ("headers", "condition"),
    [
        ((ETAG, DATE), '"abc"'),
        ((DATE,), "Thu, 26 Nov 2026 12:00:00 GMT"),
        (('ETag: W/"abc"', DATE), "Thu, 26 Nov 2026 12:00:00 GMT"),
        (('ETag: W/"abc"',), ""),
        ((), ""),
    ],
    ids=["etag", "date", "weak etag and date", "weak etag", "neither"],
)
def test_what_drops_is_gone_on_with(fetch: Fetch, sink: Memory, headers: tuple[str, ...], condition: str) -> None:
    with file_server(whole(FILE, *headers, to=HALF), rest(FILE, *headers, to=10), rest()) as server:
        check(fetch(server.url), sink)
    assert server.ranges() == [("", ""), (f"bytes={HALF}-", condition), (f"bytes={HALF + 10}-", condition)]
    assert sink.restarts == 0


OTHER = bytes(len(FILE))
NO_GOING_ON: dict[str, tuple[Answer, ...]] = {
    "the server cannot": (whole(),),
    "the file has changed": (whole(FILE, 'ETag: "new"'),),
    "another part comes": (rest(shift=5), whole()),
    "another length is said": (rest(total=7), whole()),
    "no length is said": (rest(total=-1), whole()),
    "the part is beyond the end": (status("416 Range Not Satisfiable"), whole()),
}


@pytest.mark.parametrize("then", NO_GOING_ON.values(), ids=NO_GOING_ON)
def test_where_it_cannot_be_gone_on_with_it_is_begun_anew(fetch: Fetch, sink: Memory, then: tuple[Answer, ...]) -> None:
    with file_server(whole(OTHER, ETAG, to=HALF), *then) as server:
        check(fetch(server.url), sink)
    assert sink.restarts == 1
    assert len(server.requests) == 1 + len(then)


def test_a_body_of_unknown_length_is_begun_anew(fetch: Fetch, sink: Memory) -> None:
    def cut(_: bytes, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    with file_server(cut, whole()) as server:
        check(fetch(server.url, size=len(FILE)), sink)
    assert server.ranges() == [("", ""), ("", "")]


MENDED: dict[str, Answer] = {
    "404": status("404 Not Found"),
    "410": status("410 Gone"),
    "429": status("429 Too Many Requests"),
    "503": status("503 Service Unavailable"),
    "no answer": lambda _, __: None,
    "no HTTP": lambda _, connection: connection.sendall(b"220 mail.example\r\n\r\n"),
    "a page": whole(b"<html>Just a moment...</html>", kind="text/html; charset=utf-8"),
    "a page that says it is a video": whole(b"\n <!DOCTYPE HTML><html>Just a moment...</html>"),
    "an answer in JSON": whole(b"{}", kind="application/json"),
    "a picture": whole(b"PNG", kind="image/png"),
    "a length that is too short": whole(FILE, length=HALF),
    "a length that is too long": whole(FILE, length=len(FILE) + 10),
}


@pytest.mark.parametrize("first", MENDED.values(), ids=MENDED)
def test_what_may_pass_is_tried_again(fetch: Fetch, sink: Memory, first: Answer) -> None:
    with file_server(first, whole()) as server:
        check(fetch(server.url, size=len(FILE)), sink)
    assert len(server.requests) == 2


FAILURES: dict[str, tuple[Answer, str, int]] = {
    "404": (status("404 Not Found"), "it is not there .HTTP 404", 3),
    "503": (status("503 Service Unavailable"), "HTTP 503", 6),
    "403": (status("403 Forbidden"), "HTTP 403", 1),
    "a page": (whole(b"<html>", kind="text/html"), "text/html came instead of video/mp4", 6),
    "a page that says it is a video": (whole(b"<html>"), "a web page came instead of video/mp4", 6),
    "a body that stops": (whole(to=HALF), "ClientPayloadError", 6),
    "a length that lies": (whole(length=len(FILE) + 1), "ClientPayloadError", 6),
    "another size than Wiro says": (whole(b"short"), r"it has 5 bytes, and Wiro says \d+", 6),
    "a body that never ends": (endless, "it has more bytes than max_bytes, 1000000", 1),
    "3 GB": (whole(length=3_000_000_000, to=0), "it has 3000000000 bytes, and max_bytes is 1000000", 1),
    "packed": (whole(FILE, "Content-Encoding: gzip"), "it comes packed .gzip., which was not asked for", 1),
    "to the metadata of a cloud": (redirect("http://169.254.169.254/latest"), "plain http", 1),
    "to a private address": (redirect("https://169.254.169.254/latest"), "its address is private", 1),
    "to a name of this machine": (redirect("http://localhost/0.mp4"), "its address is private", 1),
    "to an address in another guise": (redirect("https://[::ffff:10.0.0.1]/"), "its address is private", 1),
    "to itself": (redirect("/0.mp4"), "it is redirected more than 3 times", 4),
    "to a file": (redirect("file:///etc/passwd"), "'file:///etc/passwd', which is no http", 1),
    "to other schemes": (redirect("ftp://example.org/0.mp4"), "which is no http", 1),
    "with a password": (redirect("https://me:secret@127.0.0.1/"), "'https://127.0.0.1/', which is no http", 1),
    "to nowhere": (redirect(""), "redirected to '', which is no http", 1),
    "to a broken address": (redirect("https://[::1/"), "which is no http", 1),
}


@pytest.mark.parametrize(("answer", "words", "requests"), FAILURES.values(), ids=FAILURES)
def test_what_fails_says_why_after_a_bounded_number_of_attempts(
    fetch: Fetch, answer: Answer, words: str, requests: int
) -> None:
    with file_server(answer) as server, pytest.raises(DownloadFailed, match=words) as caught:
        fetch(server.url, max_bytes=1_000_000, size=len(FILE) if "Wiro says" in words else None)
    assert len(server.requests) == requests
    assert caught.value.gone == ("404" in words)
    assert caught.value.final == (requests in (1, 4))
    assert "secret" not in str(caught.value)


def test_nobody_there_is_tried_again_and_then_said(fetch: Fetch) -> None:
    with port_nobody_listens_on() as port, pytest.raises(DownloadFailed, match="ClientConnectorError"):
        fetch(f"http://127.0.0.1:{port}/0.mp4")


def test_three_redirects_are_followed(fetch: Fetch, sink: Memory) -> None:
    with file_server(redirect("a"), redirect("/b/"), redirect("c?d=e"), whole()) as server:
        check(fetch(server.url), sink)
    assert [head.split()[1] for head in server.requests] == ["/0.mp4", "/a", "/b/", "/b/c?d=e"]


def test_the_address_that_is_connected_to_counts_at_each_redirect(
    fetch: Fetch, sink: Memory, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to_here(monkeypatch, "inside.example")
    open_looks = replace(looks, allow_http=True)
    with file_server(whole()) as inside:
        away = f"http://inside.example:{inside.port}/0.mp4"
        with file_server(redirect(away)) as server:
            with pytest.raises(DownloadFailed, match=r"its address is private, and \[wiro\] allow_private_hosts"):
                fetch(server.url, open_looks)
            assert inside.requests == []
            check(fetch(server.url, replace(open_looks, allowed=["127.0.0.1", "inside.example"])), sink)


def test_plain_http_is_only_read_where_it_is_allowed(
    fetch: Fetch, sink: Memory, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to_here(monkeypatch, "inside.example")
    looks = replace(looks, allowed=["inside.example"])
    with file_server(whole()) as server:
        url = f"http://inside.example:{server.port}/0.mp4"
        with pytest.raises(DownloadFailed, match=r'plain http.*"allow_http": true') as caught:
            fetch(url, looks)
        assert (caught.value.final, server.requests) == (True, [])
        check(fetch(url, replace(looks, allow_http=True)), sink)


def test_through_a_proxy_only_what_is_private_by_its_name_is_refused(
    fetch: Fetch, looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    looks = replace(looks, allow_http=True)
    with proxy_server(answer) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        for host in ("localhost", "10.0.0.1", "0x7f.2"):
            with pytest.raises(DownloadFailed, match="its address is private"):
                fetch(f"http://{host}/0.mp4", looks)
        assert proxy.heads == []
        assert fetch("http://inside.example/0.mp4", looks).size == 2


@pytest.mark.parametrize("first", [b"", bytes(100)])
@pytest.mark.parametrize("interval", [0.02, 20.0], ids=["drips", "stalls"])
def test_a_drip_and_a_stall_end(
    fetch: Fetch, over: threading.Event, monkeypatch: pytest.MonkeyPatch, interval: float, first: bytes
) -> None:
    monkeypatch.setattr(downloading, "PATIENCE", 0.2)
    with file_server(dripping(interval, over, first)) as server:
        begun = time.monotonic()
        with pytest.raises(DownloadFailed, match="less than 64 kB came within"):
            fetch(server.url)
        assert 1.0 < time.monotonic() - begun < 4.0
        over.set()
    assert len(server.requests) == 6


def test_who_keeps_quiet_is_given_up(
    fetch: Fetch, over: threading.Event, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloading, "PATIENCE", 0.2)
    with file_server(silent(over), whole()) as server:
        check(fetch(server.url), sink)
        over.set()


def test_a_connection_that_drops_again_and_again_but_gets_on_comes_to_an_end(fetch: Fetch, sink: Memory) -> None:
    body = bytes(9) * 1_200_000
    with file_server(whole(body, to=1_200_000), rest(body, to=1_200_000)) as server:
        assert fetch(server.url).size == len(body)
    assert len(server.requests) >= 9
    assert sink == body


def test_to_be_told_to_stop_ends_it_within_moments(fetch: Fetch, told: threading.Event, over: threading.Event) -> None:
    telling = threading.Timer(0.3, told.set)
    with file_server(dripping(0.02, over)) as server:
        telling.start()
        begun = time.monotonic()
        with pytest.raises(WiroInterrupted):
            fetch(server.url)
        assert time.monotonic() - begun < 1.0
        over.set()
        with pytest.raises(WiroInterrupted):
            fetch(server.url)
    telling.join()
    assert len(server.requests) == 1


def test_a_sink_that_fails_ends_it_with_its_own_error(
    fetch: Fetch, sink: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sink, "write", full)
    with file_server(whole()) as server, pytest.raises(OSError, match="No space left"):
        fetch(server.url)
    assert len(server.requests) == 1


def test_progress_is_told(looks: Looks, sink: Memory) -> None:
    seen: list[tuple[int, int | None]] = []
    with file_server(whole(to=HALF), rest()) as server:
        wanted = Wanted(server.url, 2_000_000_000)
        download(wanted, sink, looks, logging.getLogger(__name__), lambda there, of: seen.append((there, of)))
    assert [there for there, _ in seen] == sorted(there for there, _ in seen)
    assert seen[-1] == (len(FILE), len(FILE))


def resolve_to_here(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    resolve = socket.getaddrinfo

    def resolved(host: str | bytes | None, *args: object, **kwargs: object) -> list[object]:
        return resolve("127.0.0.1" if host == name else host, *args, **kwargs)  # type: ignore[arg-type,return-value]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
