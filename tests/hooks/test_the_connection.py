"""The Airflow connection: how it is tested, and how it reads on the way to Wiro."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from airflow.models import Connection
from airflow.providers.common.compat.version_compat import AIRFLOW_V_3_0_PLUS, AIRFLOW_V_3_2_PLUS

from airflow_provider_wiro.core.credentials import Credentials
from airflow_provider_wiro.emulator import WiroEmulator
from airflow_provider_wiro.hooks import connection
from airflow_provider_wiro.hooks.wiro import WiroHook

NO_SUCH_TASK = b'{"errors": [{"code": 1, "message": "There is no such task"}], "result": false}'
Connect = Callable[..., WiroHook]


class NoSuchTask(BaseHTTPRequestHandler):
    """Answers every call as Wiro answers Detail of a task that does not exist."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(NO_SUCH_TASK)))
        self.end_headers()
        self.wfile.write(NO_SUCH_TASK)

    def log_message(self, *args: object) -> None:
        """Stay silent."""


@contextmanager
def https_server(authority: trustme.CA) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), NoSuchTask)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


CHECK_BOTH = "Check login (API key) and password (API secret)."


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def connect(wiro_emulator: WiroEmulator, monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Return a hook on the emulator's connection with other fields."""

    def make(**fields: Any) -> WiroHook:
        monkeypatch.setenv("AIRFLOW_CONN_UNDER_TEST", json.dumps(wiro_emulator.connection | fields))
        return WiroHook("under_test")

    return make


def test_a_good_connection_tests_as_good_with_one_free_signed_call(
    connect: Connect, wiro_emulator: WiroEmulator
) -> None:
    assert connect().test_connection() == (True, "Wiro accepts the credentials.")
    [request] = wiro_emulator.requests
    assert (request.call, request.body) == ("Detail", {"taskid": "0"})
    assert "x-signature" in request.headers


@pytest.mark.parametrize(
    ("fields", "words", "advice"),
    [
        ({"login": "no-such-key"}, "Project authorization is not founded.", CHECK_BOTH),
        ({"password": "no-such-secret"}, "Project authorization is not valid.", CHECK_BOTH),
        (
            {"password": ""},
            "Project requires signature authentication.",
            "put its API secret into the connection's password (API secret).",
        ),
    ],
)
def test_rejected_credentials_are_told_in_the_apis_words_and_what_to_check(
    connect: Connect, fields: dict[str, str], words: str, advice: str
) -> None:
    fine, message = connect(**fields).test_connection()
    assert not fine
    assert message.startswith(f"Wiro rejected the credentials: code 0: {words}")
    assert message.endswith(advice)


def test_a_closed_port_is_unreachable(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    fine, message = connect(host=f"http://127.0.0.1:{port}").test_connection()
    assert not fine
    assert message.startswith("Wiro cannot be reached: ")
    assert "firewall" in message


def test_a_host_that_does_not_exist_is_unreachable(connect: Connect) -> None:
    fine, message = connect(host="wiro.invalid").test_connection()
    assert not fine
    assert message.startswith("Wiro cannot be reached: ")


def test_a_host_that_hangs_is_unreachable(connect: Connect, wiro_emulator: WiroEmulator) -> None:
    wiro_emulator.script("Detail", "hang")
    fine, message = connect(extra={"timeout": 0.2}).test_connection()
    assert not fine
    assert message.startswith("Wiro cannot be reached: ")


def test_an_unknown_certificate_is_a_tls_failure(connect: Connect, authority: trustme.CA) -> None:
    with https_server(authority) as port:
        fine, message = connect(host="localhost", port=port).test_connection()
    assert not fine
    assert message.startswith("TLS failed: ")
    assert "extra verify" in message


def test_plain_http_at_the_other_end_is_a_tls_failure(connect: Connect, wiro_emulator: WiroEmulator) -> None:
    fine, message = connect(host=wiro_emulator.url.replace("http://", "https://")).test_connection()
    assert not fine
    assert message.startswith("TLS failed: ")


def test_a_private_authority_is_trusted_by_its_file(connect: Connect, authority: trustme.CA, tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    with https_server(authority) as port:
        assert connect(host="localhost", port=port, extra={"verify": str(ca)}).test_connection()[0]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # rightly: it is what the connection asks for
@pytest.mark.parametrize("verify", [False, "false"])
def test_an_unknown_certificate_is_taken_where_the_connection_says_so(
    connect: Connect, authority: trustme.CA, verify: bool | str
) -> None:
    with https_server(authority) as port:
        assert connect(host="localhost", port=port, extra={"verify": verify}).test_connection()[0]


def test_a_connection_uri_leads_to_host_port_and_path(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    with https_server(authority) as port:
        monkeypatch.setenv("AIRFLOW_CONN_BY_URI", f"wiro://key-0123:secret-0123@localhost:{port}/v1?verify={ca}")
        assert WiroHook("by_uri").test_connection()[0]


@pytest.mark.parametrize("fault", ["html", "redirect", "broken_json"])
def test_something_that_is_not_wiro_is_called_so(connect: Connect, wiro_emulator: WiroEmulator, fault: str) -> None:
    wiro_emulator.script("Detail", fault)
    fine, message = connect().test_connection()
    assert not fine
    assert message.startswith("What answers there is not the Wiro API: ")


def test_a_wrong_path_is_named(connect: Connect, wiro_emulator: WiroEmulator) -> None:
    fine, message = connect(host=f"{wiro_emulator.url}/elsewhere").test_connection()
    assert not fine
    assert message.startswith("There is no Wiro API at the path /v1/elsewhere: ")
    assert message.endswith("Check the base URL (host); Wiro's path is /v1.")


def test_an_empty_secret_of_a_project_that_signs_is_named(connect: Connect) -> None:
    fine, message = connect(password="").test_connection()
    assert not fine
    assert message.startswith("Wiro rejected the credentials: code 0: Project requires signature authentication. ")
    assert message.endswith(
        "The project signs its requests; put its API secret into the connection's password (API secret)."
    )


def test_an_extra_that_is_not_known_is_told_where_the_test_is_good(connect: Connect) -> None:
    works, message = connect(extra={"verfy": "/ca.pem"}).test_connection()
    assert works
    assert message.startswith("Wiro accepts the credentials. But extra verfy is not known and does nothing; ")


airflow_refuses_it = pytest.mark.skipif(
    AIRFLOW_V_3_0_PLUS and not AIRFLOW_V_3_2_PLUS, reason="Airflow 3.0 and 3.1 find no connection with such an extra"
)


@airflow_refuses_it
@pytest.mark.filterwarnings("ignore:Encountered")
@pytest.mark.parametrize(
    ("extra", "kind"), [(["a list"], "of type list"), ("no json", "text that is not JSON"), ("5", "of type int")]
)
def test_an_extra_that_is_no_object_is_named(
    connect: Connect, wiro_emulator: WiroEmulator, extra: Any, kind: str
) -> None:
    works, message = connect(extra=extra).test_connection()
    assert not works
    assert message == f'extra is {kind}; allowed is a JSON object, such as {{"timeout": 30}}'
    assert wiro_emulator.requests == []


def test_the_test_does_not_name_the_connection_that_airflow_makes_up_for_it(connect: Connect) -> None:
    for fields in ({"login": ""}, {"host": "api.wiro.ai", "schema": "https"}, {"extra": {"timeout": "soon"}}):
        works, message = connect(**fields).test_connection()
        assert not works
        assert "under_test" not in message


@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")
def test_airflow_itself_tests_a_connection_by_the_hook(connect: Connect) -> None:
    """As its form does, under a name that nobody has given."""
    connect(login="")
    works, message = Connection.get_connection_from_secrets("under_test").test_connection()
    assert (works, message) == (False, "login (API key) is empty; put the project's API key there")


@pytest.mark.parametrize(("fault", "options"), [("5xx", {"status": 503}), ("429", {}), ("code", {"code": 0})])
def test_a_bad_moment_of_wiro_is_no_verdict_on_the_credentials(
    connect: Connect, wiro_emulator: WiroEmulator, fault: str, options: dict[str, Any]
) -> None:
    wiro_emulator.script("Detail", fault, **options)
    fine, message = connect().test_connection()
    assert not fine
    assert message.startswith("Wiro answered, but not as it should: ")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"login": ""}, "login (API key) is empty"),
        ({"host": "http://wiro.example"}, "host is plain http"),
        ({"extra": {"timeout": "soon"}}, "extra timeout is 'soon'"),
        ({"extra": {"verify": "/no/such/file.pem"}}, "'/no/such/file.pem', as its extra verify says, does not exist"),
    ],
)
def test_a_half_filled_connection_says_which_field_is_wrong(
    connect: Connect, wiro_emulator: WiroEmulator, fields: dict[str, Any], said: str
) -> None:
    fine, message = connect(**fields).test_connection()
    assert not fine
    assert said in message
    assert wiro_emulator.requests == []


def test_a_connection_that_does_not_exist_fails_the_test_in_airflows_own_words() -> None:
    works, message = WiroHook("no_such_connection").test_connection()
    assert not works
    assert "no_such_connection" in message


def test_a_look_up_on_an_event_loop_goes_on_though_its_caller_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is broken off leaves its answer in Airflow's channel to the supervisor, before Airflow 3.2."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def look_up(conn_id: str) -> Credentials:
        begun.set()
        await asyncio.sleep(0.05)
        ended.set()
        return Credentials(conn_id)

    async def scene() -> None:
        asking = asyncio.ensure_future(connection.aread_credentials("key"))
        await begun.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert not ended.is_set()
        await asyncio.wait_for(ended.wait(), 5)

    monkeypatch.setattr(connection, "_aread_credentials", look_up)
    asyncio.run(scene())
