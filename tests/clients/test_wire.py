"""How a step becomes a request."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from airflow_provider_wiro import __version__
from airflow_provider_wiro.clients.wire import log_report, sign, words_of
from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.core.protocol import Flow, Report, Send, report, send
from airflow_provider_wiro.core.signing import auth_headers
from airflow_provider_wiro.exceptions import WiroInputError
from driving import Drive, ListLog, look
from small_servers import yes_server

CREDENTIALS = Credentials("the-key", "the-secret", "https://api.wiro.ai/v1", 30.0)


def test_a_step_becomes_a_signed_json_post() -> None:
    request = sign(Send("/Task/Detail", {"taskid": "2221", "note": "ü"}), CREDENTIALS)
    nonce = request.headers["x-nonce"]
    assert request.url == "https://api.wiro.ai/v1/Task/Detail"
    assert json.loads(request.body) == {"taskid": "2221", "note": "ü"}
    assert request.timeout == 30.0
    assert dict(request.headers) == auth_headers("the-key", "the-secret", nonce)
    assert nonce.isdecimal()


def test_each_request_to_the_api_says_what_it_is(drive: Drive) -> None:
    def flow() -> Flow[None]:
        yield Send("/Run/owner/model", {}, paid=True)
        yield Send("/Task/Detail", {"taskid": "2221"})
        yield Send("/Task/Kill", {"taskid": "2221"}, urgent=True)

    with yes_server() as seen:
        drive(flow(), replace(CREDENTIALS, base_url=f"http://127.0.0.1:{seen.port}/v1"))
    said = {
        "content-type": "application/json",
        "accept": "application/json",
        "accept-encoding": "gzip",
        "user-agent": f"airflow-provider-wiro/{__version__}",
    }
    assert [{name: head.get(name) for name in said} for _, head in seen.heads] == [said] * 3
    assert all({"x-api-key", "x-nonce", "x-signature"} <= head.keys() for _, head in seen.heads)


def test_no_two_requests_share_a_nonce() -> None:
    nonces = {sign(Send("/x", {}), CREDENTIALS).headers["x-nonce"] for _ in range(1000)}
    assert len(nonces) == 1000


def test_the_timeout_of_a_step_comes_before_the_connections() -> None:
    assert sign(Send("/x", {}, 2.5), CREDENTIALS).timeout == 2.5


@pytest.mark.parametrize("value", [math.nan, object(), {1, 2}, b"x"])
def test_what_is_not_json_is_not_sent(drive: Drive, value: object) -> None:
    def flow() -> Flow[None]:
        yield from send("/Run/owner/model", {"prompt": value})

    with yes_server() as server:
        with pytest.raises(WiroInputError, match="the inputs cannot be sent as JSON"):
            drive(flow(), Credentials("key", "secret", f"http://127.0.0.1:{server.port}/v1"))
        assert server.heads == []


def test_reports_go_to_the_log_and_are_no_format_strings(drive: Drive) -> None:
    def flow() -> Flow[str]:
        yield from report("100 %s done")
        yield from report("beware of %d", "warning")
        return "done"

    assert drive(flow(), CREDENTIALS) == "done"
    assert drive.log.lines == ["100 %s done", "beware of %d"]
    assert drive.log.warnings == ["beware of %d"]
    log = ListLog()
    log_report(Report("x", "warning"), log)
    assert log.warnings == ["x"]


def test_a_flow_is_closed_when_a_driver_fails(drive: Drive) -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield from send("/x", {"prompt": object()})
        finally:
            closed.append(True)

    with pytest.raises(WiroInputError):
        drive(flow(), CREDENTIALS)
    assert closed == [True]


def test_key_and_secret_are_in_no_header_that_is_not_theirs(drive: Drive) -> None:
    with yes_server() as server:
        drive(look(), Credentials("the-key", "the-secret", f"http://127.0.0.1:{server.port}/v1"))
    [(first, headers)] = server.heads
    assert headers.pop("x-api-key") == "the-key"
    assert "the-key" not in str((first, headers))
    assert "the-secret" not in str((first, headers))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("Cannot connect to http://me:hunter2@proxy:3128/x", "Cannot connect to http://proxy:3128/x"),
        ("InvalidUrlClientError: https://x:99999/a?sig=hunter2", "InvalidUrlClientError: https://x:99999/a"),
        ("two\nlines\x1b[0m", "two lines [0m"),
        (OSError(111, "Connection refused"), "[Errno 111] Connection refused"),
    ],
)
def test_the_words_of_a_library_are_one_line_without_credentials(error: object, words: str) -> None:
    assert words_of(error) == words
